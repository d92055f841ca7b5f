"""Pure: the documents that a consumer has, as it says them when it asks for a copy: their names on the producer, and digests.

Packed, as a request's body can't be compressed on a Frappe site, and bounded on both sides: what is unpacked comes from another site,
and a few bytes can become as much memory as there is.
"""

import base64
import binascii
import json
import struct
import zlib
from collections.abc import Mapping

from event_streaming.wire.checks import MAX_NAME, InvalidPage, text

# documents of one request; and what they are at most, unpacked
MOST_KNOWN = 2_000
MOST_BYTES = 2 * 1024 * 1024
HEAD = struct.Struct(">I")


def pack_known(digests: Mapping[str, int]) -> str:
	"""Names and digests as text for a request."""
	names = json.dumps(list(digests), ensure_ascii=False, separators=(",", ":")).encode(
		"utf-8", "surrogatepass"
	)
	numbers = struct.pack(f">{len(digests)}Q", *digests.values())
	return base64.b64encode(zlib.compress(HEAD.pack(len(names)) + names + numbers)).decode()


def unpack_known(packed: object) -> dict[str, int]:
	"""What `pack_known` has made, checked. Raises InvalidPage."""
	try:
		content = base64.b64decode(str(packed), validate=True)
		unpacking = zlib.decompressobj()
		plain = unpacking.decompress(content, MOST_BYTES)
		if unpacking.unconsumed_tail or not unpacking.eof:
			raise InvalidPage(f"The documents that are known are more than {MOST_BYTES} bytes.")
		(length,) = HEAD.unpack_from(plain)
		names = json.loads(plain[HEAD.size : HEAD.size + length].decode("utf-8", "surrogatepass"))
		if not isinstance(names, list) or len(names) > MOST_KNOWN:
			raise InvalidPage(f"The documents that are known are not a list of at most {MOST_KNOWN}.")
		numbers = struct.unpack(f">{len(names)}Q", plain[HEAD.size + length :])
	except (binascii.Error, zlib.error, struct.error, ValueError, RecursionError):
		raise InvalidPage("The documents that are known can't be read.") from None
	return dict(zip((text(name, "name", MAX_NAME, required=True) for name in names), numbers, strict=True))
