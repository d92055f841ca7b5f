"""Certificates of the authorities that a connection trusts, as a person pastes them, and what was wrong with one. Pure.

They are text in a document, never the path of a file: a form that reads files would show them to whoever may fill it in.
"""

import re
import ssl
from datetime import UTC, datetime

from cryptography import x509
from requests.certs import where

ONE = re.compile(r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
MOST_BYTES = 256 * 1024
# OpenSSL's numbers for what is wrong with a certificate
NOT_YET_VALID, EXPIRED, OTHER_NAME, OTHER_ADDRESS = 9, 10, 62, 64


def read_authorities(pasted: str | None) -> str:
	"""The certificates in what was pasted, and nothing else of it; "" for nothing.

	Raises ValueError when there is no certificate in it that can be read, or a private key is.
	"""
	pasted = (pasted or "").strip()
	if not pasted:
		return ""
	if "PRIVATE KEY" in pasted:
		raise ValueError("a private key")
	found = ONE.findall(pasted)
	if not found or len(pasted) > MOST_BYTES:
		raise ValueError("no certificate")
	text = "\n".join(found) + "\n"
	try:
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
		context.load_verify_locations(cadata=text)
	except (ssl.SSLError, ValueError):
		raise ValueError("no certificate") from None
	if not context.cert_store_stats()["x509"]:
		raise ValueError("no certificate")
	return text


def trusted(authorities: str) -> ssl.SSLContext:
	"""Only what these authorities have signed; without any, what everybody trusts."""
	if authorities:
		return ssl.create_default_context(cadata=authorities)
	return ssl.create_default_context(cafile=where())


def first_end(authorities: str | None) -> datetime | None:
	"""When the first of the certificates ends, in UTC; None where there is none that can be read."""
	ends = []
	for text in ONE.findall(authorities or ""):
		try:
			certificate = x509.load_pem_x509_certificate(text.encode())
		except ValueError:
			continue
		# older versions of the library know only the second one
		ends.append(getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after)
	return min((end.replace(tzinfo=UTC) for end in ends), default=None)


def verify_code(error: BaseException | None) -> int:
	"""OpenSSL's number for why a certificate was not accepted, wherever in a chain of errors it stands; 0: it was something else."""
	for _depth in range(10):
		if error is None:
			return 0
		if isinstance(error, ssl.SSLCertVerificationError):
			return error.verify_code
		inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
		error = next((each for each in inner if isinstance(each, BaseException)), None)
	return 0
