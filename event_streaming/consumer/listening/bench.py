"""What the process needs of the sites of a bench: which connections they want, and what to do with a position. In threads.

Each call opens the site and closes it again. Nothing is written into a database here; a message is followed as a notification is.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import frappe
from frappe.utils import get_sites
from frappe.utils.password import get_decrypted_password

from event_streaming.broker.addresses import read_servers
from event_streaming.consumer.listening.back_ends import Broker, Connection
from event_streaming.consumer.logs import listener, state
from event_streaming.consumer.logs.listener import Listener
from event_streaming.consumer.pull.requests import heard, request_pull
from event_streaming.consumer.subscriptions import keys
from event_streaming.http.allowed import bound_of_this_site, site_authorities
from event_streaming.http.confidential import Confidential
from event_streaming.site.address import public_url
from event_streaming.wire.broker.positions import key_of, open_login, subject_of
from event_streaming.wire.pages import Listen
from event_streaming.wire.paths import position_event

APP = "event_streaming"
Result = TypeVar("Result")


class Bench:
	"""The sites of this bench, or those of them that were named."""

	def __init__(self, only: Iterable[str] = ()):
		self.only = tuple(only)

	def sites(self) -> list[str]:
		"""Names of the sites, as they are just now."""
		return [site for site in get_sites() if not self.only or site in self.only]

	def wanted(self, site: str) -> list[Connection]:
		"""The connections that a site wants."""
		return inside(site, lambda: connections_of(site))

	def connected(self, site: str, event_producer: str, standing: Listener) -> None:
		"""A connection stands, or has been shown to work: the producer hears of it, and whatever was missed before is asked for."""

		def note() -> None:
			listener.keep(event_producer, standing)
			ask(event_producer)

		inside(site, note)

	def heard(self, site: str, event_producer: str, position: int) -> None:
		"""A producer says that its log goes up to a position."""
		inside(site, lambda: follow(event_producer, position))

	def keep(self, site: str, standings: dict[str, Listener]) -> None:
		"""How the connections of a site stand; asks no database, which may be away."""

		def note() -> None:
			for event_producer, standing in standings.items():
				listener.keep(event_producer, standing)

		beside(site, note)

	def forget(self, site: str, event_producers: Iterable[str]) -> None:
		"""These connections are no more. Asks no database either."""

		def note() -> None:
			for event_producer in event_producers:
				listener.forget(event_producer)

		beside(site, note)


def inside(site: str, do: Callable[[], Result]) -> Result:
	"""Do something as Administrator of a site."""
	frappe.init(site=site)
	try:
		frappe.connect()
		return do()
	finally:
		frappe.destroy()


def beside(site: str, do: Callable[[], Result]) -> Result:
	"""Do something with what a site has in Redis, and without its database."""
	frappe.init(site=site)
	try:
		return do()
	finally:
		frappe.destroy()


def connections_of(site: str) -> list[Connection]:
	"""What this site listens to: each producer that is not paused, accepts the keys and offers it."""
	if APP not in frappe.get_installed_apps():
		return []
	offers = state.listen_offers()
	if not offers:
		return []
	secrets, bound, here = keys.secrets_in_use(), bound_of_this_site(), public_url()
	try:
		everybody = site_authorities()
	except ValueError:
		# no call to any site comes about: the doctor says so
		return []
	producers = frappe.get_all(
		"Event Producer",
		{"paused": 0, "name": ["in", list(offers)]},
		["name", "api_key", "ca_certificate", "nats_servers", "nats_user"],
	)
	return [
		Connection(
			site=site,
			event_producer=each.name,
			back_end=offers[each.name]["back_end"],
			port=offers[each.name]["port"],
			remote_site=offers[each.name]["site"],
			event=position_event(here),
			authorization=Confidential(f"token {each.api_key}:{secrets[each.name]}"),
			authorities=each.ca_certificate or everybody,
			bound=bound,
			broker=broker_of(each, offers[each.name], secrets[each.name], here),
		)
		for each in producers
		if each.name in secrets
	]


def broker_of(event_producer: Any, offer: Listen, secret: str, here: str) -> Broker | None:
	"""Where this site listens over NATS: at a server of its own, if it has one for this producer, or where the producer says. None for
	another back end, and where what is said can't be read with the keys of this site."""
	login = open_login(offer.get("login", ""), secret) if offer["back_end"] == "nats" else None
	if login is None:
		return None
	user, password = login
	servers = own = read_servers(event_producer.nats_servers)
	if own:
		user = event_producer.nats_user or ""
		password = get_decrypted_password(
			"Event Producer", event_producer.name, "nats_password", raise_exception=False
		)
	return Broker(
		servers=tuple(servers or offer["servers"]),
		user=user,
		password=Confidential(password or ""),
		subject=subject_of(secret, here),
		key=Confidential(key_of(secret, here).hex()),
		own=bool(own),
	)


def follow(event_producer: str, position: int) -> None:
	"""Have pulled if this site has not got as far; a message that is old, doubled or invented changes nothing else."""
	if position > state.load_state(event_producer).position:
		heard(event_producer, position)


def ask(event_producer: str) -> None:
	"""Have a job pull. A producer that was deleted or paused meanwhile is asked nothing."""
	if frappe.db.exists("Event Producer", {"name": event_producer, "paused": 0}):
		request_pull(event_producer)
