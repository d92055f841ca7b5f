"""What a person can do about a request that got no answer."""

import requests

from event_streaming.http.certificates import (
	EXPIRED,
	NOT_YET_VALID,
	OTHER_ADDRESS,
	OTHER_NAME,
	verify_code,
)
from event_streaming.messages.coded import _


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
