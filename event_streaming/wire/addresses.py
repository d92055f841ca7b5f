"""How one host is spelled. Two spellings of one host are one host; what is no host at all is found here too. Pure."""

import ipaddress
import re
import socket

import idna

# one label, as it is in DNS: an underscore is in use inside of many networks
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def canonical_host(host: str) -> str:
	"""Lower case, punycode, no dot at the end; an IP address in its ordinary form, however it was written.

	Raises ValueError for what can be no host.
	"""
	host = host.strip("[]").lower()
	if ":" in host:
		if "%" in host:
			raise ValueError("an address that only one machine can reach")
		address = ipaddress.IPv6Address(host)
		return str(address.ipv4_mapped or address)
	if not host.isascii():
		# IDNAError is a ValueError
		host = idna.encode(host, uts46=True).decode()
	host = host[:-1] if host.endswith(".") else host
	if re.fullmatch(r"[0-9][0-9a-fx.]*", host):
		try:
			# 2130706433, 0x7f.1 and 0177.0.0.1 are 127.0.0.1 to whatever connects
			return socket.inet_ntoa(socket.inet_aton(host))
		except OSError:
			pass
	if not all(LABEL.fullmatch(label) for label in host.split(".")) or len(host) > 253:
		raise ValueError("no host")
	return host


def host_as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
	"""The IP address that a host is, if it is one."""
	try:
		return ipaddress.ip_address(canonical_host(host))
	except ValueError:
		return None
