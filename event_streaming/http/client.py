"""HTTP client of another Frappe site: keep-alive, time-outs, bounded answers, error classes, secrets masked.

It never retries, never logs and never follows a redirect to another host; what to do about an error is the caller's.
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

import frappe
import requests
from frappe import _

from event_streaming.exceptions import (
	AddressNotAllowed,
	NotRegistered,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
	WrongSite,
)
from event_streaming.http.certificates import (
	EXPIRED,
	NOT_YET_VALID,
	OTHER_ADDRESS,
	OTHER_NAME,
	read_authorities,
	verify_code,
)
from event_streaming.http.confidential import Confidential, plain
from event_streaming.http.connection import CheckedAdapter, OutsideOfBound
from event_streaming.http.networks import NOWHERE, Bound, parse_bound
from event_streaming.site.settings import get_settings
from event_streaming.site.site_id import MEANT_FOR, SENDER
from event_streaming.wire.checks import as_site_id
from event_streaming.wire.paths import TOKEN_HEADER, path_in_frappe

# keys of site_config.json
ALLOWED_NETWORKS, CA_FILE = "event_streaming_allowed_networks", "event_streaming_ca_file"
MAX_ANSWER_BYTES = 128 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
LONGEST_RETRY_AFTER = 24 * 60 * 60.0
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


def checked_authorities(pasted: str | None) -> str | None:
	"""What a person has pasted as CA Certificate, as it is kept. Raises frappe.ValidationError."""
	try:
		return read_authorities(pasted) or None
	except ValueError:
		frappe.throw(
			_(
				"CA Certificate must be the certificate of an authority as text: -----BEGIN CERTIFICATE----- and so on, never its"
				" private key and never the path of a file."
			)
		)


def bound_of_this_site() -> Bound:
	"""Where site_config.json lets this site call; nowhere, when it can't be understood."""
	try:
		return parse_bound(frappe.conf.get(ALLOWED_NETWORKS))
	except ValueError:
		return NOWHERE


def explain_not_allowed(url: str) -> str:
	"""Without the address that the host leads to: who made this site call may be somebody else."""
	try:
		parse_bound(frappe.conf.get(ALLOWED_NETWORKS))
	except ValueError as error:
		return _("{0} in site_config.json is not a list of networks and host names: {1}").format(
			ALLOWED_NETWORKS, error
		)
	return _(
		"{0} is outside of the networks that this site may call: {1} in its site_config.json, and never link-local or metadata addresses."
	).format(url, ALLOWED_NETWORKS)


def site_authorities() -> str:
	"""Certificates of authorities from the file that site_config.json names, for connections without their own.

	Raises ValueError with a message for a person.
	"""
	path = frappe.conf.get(CA_FILE)
	if not path:
		return ""
	try:
		with open(path) as file:
			return read_authorities(file.read())
	except (OSError, ValueError, TypeError):
		# nothing of the file, nor its path: the message goes to whoever asked
		raise ValueError(
			_("{0} in site_config.json does not lead to a file with certificates.").format(CA_FILE)
		) from None


def met_site(content: bytes) -> str:
	"""Which site has refused a request that was meant for another."""
	try:
		return as_site_id(json.loads(content).get("site_id"))
	except (ValueError, AttributeError, RecursionError):
		return ""


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


def document_in(answer: dict) -> dict:
	data = answer.get("data")
	return data if isinstance(data, dict) else {}


def read_bounded(response: requests.Response, url: str) -> bytes:
	"""The body, up to a bound: what comes from the other side is not trusted with this process's memory."""
	chunks, size = [], 0
	for chunk in response.iter_content(CHUNK_BYTES):
		size += len(chunk)
		if size > MAX_ANSWER_BYTES:
			raise RemoteError(
				_("{0} sent more than {1} MB in one answer.").format(url, MAX_ANSWER_BYTES >> 20)
			)
		chunks.append(chunk)
	return b"".join(chunks)


def read_error(content: bytes) -> tuple[str, str]:
	"""(exception name, message for a person) of a Frappe error answer; ("", "") when it is something else."""
	try:
		answer = json.loads(content)
	except (ValueError, RecursionError):
		return "", ""
	if not isinstance(answer, dict):
		return "", ""
	exc_type = str(answer.get("exc_type") or "")
	if not exc_type and isinstance(answer.get("exception"), str):
		exc_type = answer["exception"].split(":")[0].rsplit(".", 1)[-1]
	return exc_type, server_message(answer)


def server_message(answer: dict) -> str:
	"""The first message that the other site wanted to show, without markup."""
	try:
		for raw in json.loads(answer.get("_server_messages") or "[]"):
			message = json.loads(raw) if isinstance(raw, str) else raw
			text = message.get("message") if isinstance(message, dict) else str(message)
			if text:
				return plain(frappe.utils.strip_html(str(text))[:2000])
	except (ValueError, TypeError):
		pass
	exception = answer.get("exception")
	return plain(str(exception).split(":", 1)[-1].strip()[:2000]) if exception else ""


def retry_after(response: requests.Response) -> float | None:
	"""Seconds from a Retry-After header that is a number, a day at most; a date is left to the ordinary back-off."""
	try:
		seconds = float(response.headers["Retry-After"])
	except (KeyError, ValueError):
		return None
	return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else None


def explain_certificate(url: str, code: int) -> str:
	"""What a person can do about a certificate that is not accepted."""
	if code == EXPIRED:
		return _("{0}: its certificate has expired. Renew it there.").format(url)
	if code == NOT_YET_VALID:
		return _("{0}: its certificate is not valid yet. Check the clocks of both sites.").format(url)
	if code in (OTHER_NAME, OTHER_ADDRESS):
		return _(
			"{0}: its certificate is for another name. Check the address, or have the certificate changed there."
		).format(url)
	if code:
		return _(
			"{0}: its certificate was signed by nobody whom this site trusts. Put the certificate of your own authority into CA"
			" Certificate of the connection, or have a certificate of a public authority installed there."
		).format(url)
	return _("{0}: no secure connection could be made. Is it an https address?").format(url)


def explain_connection_error(url: str, error: Exception) -> str:
	"""What a person can do about a request that got no answer."""
	if isinstance(error, requests.exceptions.ConnectTimeout):
		return _("{0} does not answer: no connection within the time allowed.").format(url)
	if isinstance(error, requests.exceptions.Timeout):
		return _("{0} accepted the connection but did not answer in time.").format(url)
	if isinstance(error, requests.exceptions.SSLError):
		return explain_certificate(url, verify_code(error))
	if isinstance(error, requests.exceptions.ChunkedEncodingError):
		return _("{0} cut the connection in the middle of its answer.").format(url)
	if isinstance(error, requests.exceptions.ConnectionError):
		return _("{0} can't be reached: is the address right and the site up?").format(url)
	return _("{0} could not be asked: {1}").format(url, type(error).__name__)
