"""The HTTP session of a back end: it connects only where this site may, trusts only whom the connection trusts, follows no redirect.

The same rules as in http/connection.py, for aiohttp. A host is looked up once, and what was checked is connected to.
"""

from typing import Any
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies

from event_streaming.consumer.listening.back_ends import Connection, NotListening
from event_streaming.http.certificates import trusted
from event_streaming.http.networks import Bound, is_permitted, is_permitted_unseen
from event_streaming.wire.addresses import host_as_address

try:
	import aiohttp
	from aiohttp.abc import AbstractResolver
except ImportError:
	# the back end that needs it says so
	AbstractResolver = object


class CheckedResolver(AbstractResolver):
	"""Looks hosts up, and leaves out what may not be called."""

	def __init__(self, bound: Bound):
		self.bound = bound
		self.inner = aiohttp.ThreadedResolver()

	async def resolve(self, host: str, *args: Any, **options: Any) -> list[dict]:
		"""Addresses of the host that may be called. Raises OSError when there is none."""
		found = await self.inner.resolve(host, *args, **options)
		permitted = [each for each in found if is_permitted(self.bound, host, each["host"])]
		if not permitted:
			raise OSError(outside(host))
		return permitted

	async def close(self) -> None:
		await self.inner.close()


def session_for(connection: Connection) -> "aiohttp.ClientSession":
	"""A session for one connection. Raises NotListening when it may not be made."""
	url, bound = connection.url, connection.bound
	host = urlsplit(url).hostname or ""
	proxied = bool(get_environ_proxies(url, no_proxy=None))
	address = host_as_address(host)
	if proxied:
		permitted = is_permitted_unseen(bound, host)
	else:
		# what is an address already is looked up by nobody
		permitted = not address or is_permitted(bound, host, str(address))
	if not permitted:
		raise NotListening(outside(host))
	trace = aiohttp.TraceConfig()
	trace.on_request_redirect.append(refuse_redirect)
	return aiohttp.ClientSession(
		connector=aiohttp.TCPConnector(
			ssl=trusted(connection.authorities),
			resolver=None if proxied else CheckedResolver(bound),
			limit=0,
		),
		# a cookie for an address without a name too
		cookie_jar=aiohttp.CookieJar(unsafe=True),
		trust_env=proxied,
		trace_configs=[trace],
	)


async def refuse_redirect(_session: Any, _context: Any, params: Any) -> None:
	"""The keys go to the address that they are for."""
	raise aiohttp.ClientConnectionError(f"{params.url.origin()} redirects elsewhere")


def outside(host: str) -> str:
	return f"{host} is outside of the networks that this site may call"
