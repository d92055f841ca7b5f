"""Where this site may call, and whom it trusts there, as site_config.json and the people who look after a connection say."""

import frappe

from event_streaming.http.certificates import read_authorities
from event_streaming.http.networks import NOWHERE, Bound, parse_bound
from event_streaming.messages.coded import _

# keys of site_config.json
ALLOWED_NETWORKS, CA_FILE = "event_streaming_allowed_networks", "event_streaming_ca_file"


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
