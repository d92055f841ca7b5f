"""What the doctor asks of any other site: does it answer, with these keys, and do its clock and versions fit?"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import frappe

from event_streaming import __version__
from event_streaming.admin.doctor.finding import FAULT, NOTE, OK, WARNING, Finding
from event_streaming.exceptions import (
	AddressNotAllowed,
	EventStreamingError,
	RemoteError,
	RemoteRefused,
	RemoteUnavailable,
	WrongSite,
)
from event_streaming.http.client import SiteClient
from event_streaming.http.connection import certificate_end
from event_streaming.messages.coded import _
from event_streaming.site.address import normalise_url
from event_streaming.site.site_id import claimed_twice
from event_streaming.wire.checks import as_site_id
from event_streaming.wire.paths import ABOUT

CALL_SECONDS = 15
# less can't be told from a slow line, and hurts nobody
CLOCK_SECONDS = 10
# many certificates are renewed by themselves in their last month; what is left then needs a person
SOON = timedelta(days=14)


@dataclass
class Answer:
	"""What came of asking: `facts` is empty when the site could not be asked or runs an older version."""

	findings: list[Finding] = field(default_factory=list)
	facts: dict[str, Any] = field(default_factory=dict)
	reached: bool = False


def ask(client: SiteClient, url: str, method: str = ABOUT, args: dict | None = None) -> Answer:
	"""Ask a site about itself; the findings are about connection, keys, address, clock and versions."""
	before = time.time()
	try:
		facts = client.call(method, args or {}, timeout=CALL_SECONDS)
	except (RemoteUnavailable, RemoteRefused) as error:
		return Answer([connection_fault(url, error)])
	except EventStreamingError as error:
		if isinstance(error, RemoteError) and error.exc_type == "Redirect":
			return Answer([connection_fault(url, error)])
		return Answer([older(url)], reached=True)
	after = time.time()
	if not isinstance(facts, dict) or not isinstance(facts.get("now"), int | float):
		return Answer([older(url)], reached=True)
	findings = [
		Finding("connection", url, OK, _("{0} answers and accepts the keys.").format(url)),
		*which_site(client, url, as_site_id(facts.get("site_id"))),
		*address(url, str(facts.get("site") or "")),
		*shown_certificate(url),
		clock(url, float(facts["now"]), before, after),
		versions(url, str(facts.get("app") or ""), str(facts.get("frappe") or "")),
	]
	return Answer(findings, facts, reached=True)


def shown_certificate(url: str) -> Iterator[Finding]:
	"""The certificate that the other site has just shown is about to end. One that has ended is a connection that is refused."""
	end = certificate_end(url)
	if end and end - datetime.now(UTC) < SOON:
		yield Finding(
			"certificate",
			url,
			WARNING,
			_("The certificate of {0} ends on {1}: then nothing comes any more.").format(url, end.date()),
			_("Its administrator has to renew it there, and find out why it was not renewed automatically."),
		)


def which_site(client: SiteClient, url: str, met: str) -> Iterator[Finding]:
	"""Whether the site that answers is the one that the connection is with."""
	if met and client.expects and met != client.expects:
		yield Finding(
			"site",
			url,
			FAULT,
			_("At {0} the site {1} answers; the connection is with {2}.").format(url, met, client.expects),
			_(
				"Correct the address (DNS, proxy); if the site has been replaced, press Accept the New Site on the form."
			),
		)


def identity(doc, refused: str | None) -> Iterator[Finding]:
	"""An id that two addresses claim, and a site that was refused."""
	if said := claimed_twice(doc.site_id, doc.doctype, doc.name):
		yield Finding(
			"site",
			doc.name,
			FAULT,
			said,
			_(
				"Delete the connection that is not needed; on a copy: bench --site … event-streaming new-site-id"
			),
		)
	if refused:
		yield Finding(
			"site",
			doc.name,
			FAULT,
			_("{0} was refused as another site: {1} is expected, {2} was met.").format(
				doc.name, doc.site_id, refused
			),
			_(
				"Correct the address (DNS, proxy); if the site has been replaced, press Accept the New Site on the form."
			),
		)


def connection_fault(url: str, error: Exception) -> Finding:
	if isinstance(error, AddressNotAllowed):
		return Finding(
			"networks",
			url,
			FAULT,
			str(error),
			_(
				"Add the network or the host name to event_streaming_allowed_networks in site_config.json, or correct the address."
			),
		)
	if isinstance(error, WrongSite):
		return Finding(
			"site",
			url,
			FAULT,
			str(error),
			_(
				"Correct the address (DNS, proxy); if the site has been replaced, press Accept the New Site on the form."
			),
		)
	if isinstance(error, RemoteRefused):
		return Finding(
			"keys",
			url,
			FAULT,
			str(error),
			_(
				"Generate the user's API keys there again (User > Settings > API Access) and enter them here; give the user the role Event Subscriber there, on a consumer System Manager."
			),
		)
	return Finding(
		"connection",
		url,
		FAULT,
		str(error),
		_(
			"Check that the site is up, that its address is correct, and that no firewall or proxy blocks the connection."
		),
	)


def older(url: str) -> Finding:
	return Finding(
		"versions",
		url,
		NOTE,
		_(
			"{0} runs an older version: its clock, fields and permissions can't be looked at from here."
		).format(url),
		_("Update Event Streaming there."),
	)


def address(url: str, site: str) -> Iterator[Finding]:
	try:
		same = normalise_url(site) == normalise_url(url)
	except ValueError:
		same = False
	if not same:
		yield Finding(
			"address",
			url,
			WARNING,
			_(
				"{0} calls itself {1}: its notifications do not find their way here, and changes may go in circles."
			).format(url, site or "?"),
			_("Set Public URL in its Event Streaming Settings to {0}.").format(url),
		)


def clock(url: str, there: float, before: float, after: float) -> Finding:
	"""By how much the clocks differ at least, whatever the line took."""
	difference = there - (before + after) / 2
	certain = max(abs(difference) - (after - before) / 2, 0)
	if certain <= CLOCK_SECONDS:
		return Finding("clock", url, OK, _("The clocks of both sites agree."))
	text = (
		_("The clock of {0} is {1} seconds ahead of this one.")
		if difference > 0
		else _("The clock of {0} is {1} seconds behind this one.")
	)
	return Finding(
		"clock",
		url,
		WARNING,
		text.format(url, f"{certain:,.0f}"),
		_(
			"Synchronise both clocks by NTP (timedatectl set-ntp true). Until then Newest Wins may pick the wrong value, and times in the logs are wrong."
		),
	)


def versions(url: str, app: str, frappe_version: str) -> Finding:
	text = _("Event Streaming {0} on Frappe {1}; here {2} on {3}.").format(
		app, frappe_version, __version__, frappe.__version__
	)
	if app.split(".")[:2] != __version__.split(".")[:2]:
		return Finding(
			"versions",
			url,
			WARNING,
			text,
			_("Update the older site: what is new in the other one does not work with it."),
		)
	return Finding("versions", url, OK, text)
