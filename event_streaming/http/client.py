"""HTTP client of another Frappe site: keep-alive, time-outs, bounded answers, error classes, secrets masked.

It never retries, never logs and never follows a redirect to another host; what to do about an error is the caller's.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import frappe
import requests

from event_streaming.exceptions import (
	AddressNotAllowed,
	NotRegistered,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
	WrongSite,
)
from event_streaming.http.allowed import bound_of_this_site, explain_not_allowed, site_authorities
from event_streaming.http.answers import (
	document_in,
	met_site,
	read_bounded,
	read_error,
	retry_after,
	size_of,
)
from event_streaming.http.confidential import Confidential, plain
from event_streaming.http.connection import CheckedAdapter, OutsideOfBound
from event_streaming.http.explaining import explain_connection_error
from event_streaming.messages.coded import _
from event_streaming.site.settings import get_settings
from event_streaming.site.site_id import MEANT_FOR, SENDER
from event_streaming.wire.paths import TOKEN_HEADER, path_in_frappe

BUSY = {408, 425, 429, 500, 502, 503, 504, 507, 520, 521, 522, 523, 524}
# answers with one of these exceptions come with status 500 or 417 but will not change by waiting
SAID_NO = {
	"ValidationError",
	"DoesNotExistError",
	"LinkValidationError",
	"MandatoryError",
	"AttributeError",
	"ImportError",
	"TypeError",
}
NO_SUCH_METHOD = {"AppNotInstalledError", "AttributeError", "ImportError", "ModuleNotFoundError"}


class Metered(Protocol):
	"""Somebody who bounds and measures what goes over the line to a site."""

	def before(self) -> None:
		"""Before a request; it may wait."""

	def count(self, number: int) -> None:
		"""So many bytes have gone over the line."""


class SiteClient:
	"""Calls whitelisted methods and reads documents of the Frappe site at `url` with a user's API keys, or with a token.

	`expects` is the id of the site that is meant, which any other refuses; `authorities` are the certificates, as PEM, of those who
	may have signed that of the site. `spare_secrets` is asked when the site does not know the keys any more: what works of it is
	used from then on, and stands in `spare_used`.
	"""

	def __init__(
		self,
		url: str,
		api_key: str = "",
		api_secret: str = "",
		token: str = "",
		expects: str = "",
		authorities: str = "",
		spare_secrets: Callable[[], Iterable[str]] | None = None,
	):
		settings = get_settings()
		self.expects = expects
		self.url = url.rstrip("/")
		self.timeout = (settings.connect_timeout, settings.read_timeout)
		self.spare_used = ""
		self.meter: Metered | None = None
		self._spare_secrets = spare_secrets
		self._api_key = Confidential(api_key or "")
		self._with_token = bool(token)
		self._secrets = [Confidential(secret) for secret in (api_key, api_secret, token) if secret]
		self._session = requests.Session()
		self._session.headers.update(
			{
				"Accept": "application/json",
				"User-Agent": "event_streaming",
				**({SENDER: settings.site_id} if settings.site_id else {}),
				**({MEANT_FOR: expects} if expects else {}),
			}
		)
		self._problem = ""
		try:
			authorities = authorities or site_authorities()
		except ValueError as error:
			# said when it is called, as all that keeps it from being
			self._problem = str(error)
		adapter = CheckedAdapter(bound_of_this_site(), authorities)
		for scheme in ("http://", "https://"):
			self._session.mount(scheme, adapter)
		if token:
			self._session.headers[TOKEN_HEADER] = token
		else:
			self.use_secret(api_secret)

	def show(self, token: str) -> None:
		"""From now on show this token too, beside the keys."""
		self._secrets.append(Confidential(token))
		self._session.headers[TOKEN_HEADER] = token

	def use_secret(self, api_secret: str) -> None:
		"""From now on call with this secret of the same API key."""
		if api_secret and api_secret not in self._secrets:
			self._secrets.append(Confidential(api_secret))
		self._session.headers["Authorization"] = f"token {self._api_key}:{api_secret}"

	def call(self, method: str, args: dict | None = None, timeout: float | None = None) -> Any:
		"""POST to a whitelisted method; returns what it answered ("message").

		`timeout` in seconds replaces the read time-out of the settings. Raises RemoteUnavailable, RemoteRefused,
		NotRegistered or RemoteError.
		"""
		return self._request("POST", f"/api/method/{method}", args or {}, timeout).get("message")

	def call_any_generation(self, method: str, args: dict | None = None, timeout: float | None = None) -> Any:
		"""`call` for a method that sites with the older app have too; those with Frappe's own module have it elsewhere."""
		try:
			return self.call(method, args, timeout)
		except RemoteError as error:
			if not is_unknown_method(error, method):
				raise
			first = error
		elsewhere = path_in_frappe(method)
		try:
			return self.call(elsewhere, args, timeout)
		except RemoteError as error:
			raise (first if is_unknown_method(error, elsewhere) else error) from None

	def get_document(self, doctype: str, name: str, timeout: float | None = None) -> dict:
		"""The document as the other site's REST API gives it. Raises as `call`."""
		return document_in(self._request("GET", resource_path(doctype, name), None, timeout))

	def update_document(self, doctype: str, name: str, values: dict, timeout: float | None = None) -> dict:
		"""Save `values` into the other site's document. Raises as `call`."""
		return document_in(self._request("PUT", resource_path(doctype, name), values, timeout))

	def close(self) -> None:
		self._session.close()

	def _request(self, verb: str, path: str, body: dict | None = None, timeout: float | None = None) -> dict:
		if self._problem:
			raise RemoteUnavailable(self._problem)
		times = self.timeout if timeout is None else (min(self.timeout[0], timeout), timeout)
		response, content = self._send(verb, path, body, times)
		if response.status_code == 401 and self._spare_secrets:
			response, content = self._with_spare_secrets(verb, path, body, times, response, content)
		if response.status_code == 200:
			return self._answer(content)
		raise self._error(response, content)

	def _with_spare_secrets(
		self,
		verb: str,
		path: str,
		body: dict | None,
		times: tuple,
		response: requests.Response,
		content: bytes,
	) -> tuple[requests.Response, bytes]:
		"""The request once more, which the site has not carried out, with each secret that has not been tried."""
		for spare in list(self._spare_secrets()):
			if response.status_code != 401 or spare in self._secrets:
				continue
			before = Confidential(self._session.headers["Authorization"])
			self.use_secret(spare)
			response, content = self._send(verb, path, body, times)
			if response.status_code == 401:
				self._session.headers["Authorization"] = str(before)
			else:
				self.spare_used = Confidential(spare)
		return response, content

	def _send(self, verb: str, path: str, body: dict | None, times: tuple) -> tuple[requests.Response, bytes]:
		"""One request and its answer, whatever its status. Raises RemoteUnavailable."""
		headers = {} if body is None else {"Content-Type": "application/json"}
		if self.meter:
			self.meter.before()
		response = None
		try:
			response = self._session.request(
				verb,
				self.url + path,
				# not in a variable of this function: see below
				data=None if body is None else json.dumps(body, default=str),
				headers=headers,
				timeout=times,
				stream=True,
				allow_redirects=False,
			)
			with response:
				content = read_bounded(response, self.url)
		except OutsideOfBound:
			raise AddressNotAllowed(explain_not_allowed(self.url)) from None
		# ValueError: an address or a key that can't be put into a request at all
		except (requests.RequestException, ValueError) as error:
			raise RemoteUnavailable(
				self._masked(explain_connection_error(self.url, error)),
				timed_out=isinstance(error, requests.exceptions.ReadTimeout),
			) from None
		except Exception as error:
			# a job's time is over, say: the functions below this one hold the keys in their variables, and Frappe's Error
			# Log keeps those of all that an error has passed through
			raise error.with_traceback(None) from None
		finally:
			if self.meter and response is not None:
				self.meter.count(size_of(response))
		return response, content

	def _answer(self, content: bytes) -> dict:
		try:
			answer = json.loads(content)
		except (ValueError, RecursionError):
			answer = None
		if not isinstance(answer, dict):
			# a proxy's or a maintenance page with status 200, or an answer that was cut off
			raise RemoteUnavailable(
				_(
					"{0} answered, but not as a Frappe site: check the address, and what stands in front of it."
				).format(self.url)
			)
		return answer

	def _error(self, response: requests.Response, content: bytes) -> Exception:
		status = response.status_code
		exc_type, text = read_error(content)
		text = self._masked(text)
		if status in (301, 302, 303, 307, 308):
			target = urlsplit(response.headers.get("Location", ""))
			return RemoteError(
				_("{0} redirects to {1}: use that address instead.").format(
					self.url, plain(f"{target.scheme}://{target.netloc}")
				),
				status,
				"Redirect",
			)
		if exc_type == "WrongSite":
			return WrongSite(text, met_site(content))
		if exc_type == "NotRegistered":
			return NotRegistered(
				text or _("{0} does not know this site: save its Event Producer again.").format(self.url)
			)
		if status in (401, 403) and self._with_token:
			return RemoteRefused(
				_(
					"{0} does not accept the token ({1}): it gives this site a new one with its next pull."
				).format(self.url, status)
			)
		if status in (401, 403):
			return RemoteRefused(
				_(
					"{0} refused the request ({1}): check the API key and secret, and the user's roles there. {2}"
				)
				.format(self.url, status, text)
				.strip()
			)
		if status in BUSY and exc_type not in SAID_NO:
			return RemoteUnavailable(
				_("{0} can't answer at the moment ({1}). {2}").format(self.url, status, text).strip(),
				retry_after(response),
			)
		return RemoteError(
			text or _("{0} answered with status {1}.").format(self.url, status), status, exc_type
		)

	def _masked(self, text: str) -> str:
		for secret in self._secrets:
			text = text.replace(secret, "***")
		return text


def client_of(doc, spare_secrets: Callable[[], Iterable[str]] | None = None) -> SiteClient:
	"""The client for the site of an Event Producer or Event Consumer, with its keys. Raises RemoteRefused without a secret."""
	return SiteClient(
		doc.get("producer_url") or doc.get("callback_url"),
		doc.api_key,
		secret_of(doc),
		expects=doc.get("site_id") or "",
		authorities=doc.get("ca_certificate") or "",
		spare_secrets=spare_secrets,
	)


def is_unknown_method(error: RemoteError, method: str) -> bool:
	"""Whether the other site has no such method. Each version of Frappe says it in its own way, and in its own language."""
	return error.status == 404 or error.exc_type in NO_SUCH_METHOD or method in str(error)


def secret_of(doc) -> str:
	"""The API secret on an Event Producer or Event Consumer. Raises RemoteRefused: no request would be accepted."""
	try:
		return doc.get_password("api_secret")
	except (frappe.ValidationError, frappe.AuthenticationError):
		# Frappe's message speaks of a key or of a password, not of what it is for
		frappe.clear_last_message()
		raise RemoteRefused(
			_(
				"The API Secret of {0} is missing or can't be decrypted: enter it again. After a restore, site_config.json"
				" needs the encryption_key of the backup."
			).format(doc.name)
		) from None


def resource_path(doctype: str, name: str) -> str:
	return f"/api/resource/{quote(doctype, safe='')}/{quote(name, safe='')}"
