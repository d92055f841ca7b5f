"""Which addresses this site may be made to call: what never, and the bound in site_config.json. Pure.

Loopback and private networks are ordinary (sites of one company stand there); what only the machine itself or its cloud answers is
never called, whatever the bound says.
"""

import ipaddress
from dataclasses import dataclass
from typing import Any

from event_streaming.wire.addresses import canonical_host, host_as_address

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# link-local has the metadata of most clouds; the last three are those of Alibaba, Azure and AWS over IPv6
NEVER = tuple(
	ipaddress.ip_network(each)
	for each in (
		"0.0.0.0/8",
		"169.254.0.0/16",
		"224.0.0.0/4",
		"255.255.255.255/32",
		"fe80::/10",
		"ff00::/8",
		"::/128",
		"100.100.100.200/32",
		"168.63.129.16/32",
		"fd00:ec2::254/128",
	)
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Bound:
	"""Where this site may call. `given` is False when nothing has been said: then it is everywhere but NEVER."""

	given: bool = False
	networks: tuple[Network, ...] = ()
	names: tuple[str, ...] = ()


NOWHERE = Bound(given=True)


def parse_bound(value: Any) -> Bound:
	"""The bound in `value`: a list of networks ("10.0.0.0/8"), addresses, host names, or "*.example.com".

	Raises ValueError with the entry that is none of these.
	"""
	if value is None:
		return Bound()
	entries = [value] if isinstance(value, str) else value
	if not isinstance(entries, list):
		raise ValueError(str(value))
	networks, names = [], []
	for entry in entries:
		text = str(entry).strip()
		try:
			networks.append(ipaddress.ip_network(text, strict=False))
			continue
		except ValueError:
			pass
		try:
			names.append("*." * text.startswith("*.") + canonical_host(text.removeprefix("*.")))
		except ValueError:
			raise ValueError(text) from None
	return Bound(True, tuple(networks), tuple(names))


def is_permitted(bound: Bound, host: str, address: str) -> bool:
	"""Whether `address`, which `host` leads to, may be called."""
	try:
		met = meanings(ipaddress.ip_address(address.partition("%")[0]))
	except ValueError:
		return False
	if any(is_in(each, NEVER) for each in met):
		return False
	return not bound.given or is_named(bound, host) or all(is_in(each, bound.networks) for each in met)


def is_permitted_unseen(bound: Bound, host: str) -> bool:
	"""Whether `host` may be called through a proxy, which looks the address up itself: by its name alone."""
	address = host_as_address(host)
	if address:
		return is_permitted(bound, host, str(address))
	return not bound.given or is_named(bound, host)


def is_named(bound: Bound, host: str) -> bool:
	try:
		host = canonical_host(host)
	except ValueError:
		return False
	return any(host.endswith(name[1:]) if name.startswith("*.") else host == name for name in bound.names)


def is_in(address: Address, networks: tuple[Network, ...]) -> bool:
	return any(address in network for network in networks if network.version == address.version)


def meanings(address: Address) -> list[Address]:
	"""The address, and the IPv4 address that one of IPv6 stands for."""
	if isinstance(address, ipaddress.IPv4Address):
		return [address]
	if address.ipv4_mapped:
		return [address.ipv4_mapped]
	if address.sixtofour:
		return [address, address.sixtofour]
	if address in NAT64 or 1 < int(address) < 1 << 32:
		return [address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
	return [address]
