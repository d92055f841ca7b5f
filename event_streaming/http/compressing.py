"""Answers to other sites go compressed over the line: the JSON of documents becomes a fraction of its size.

Frappe compresses nothing, and a web server in front of it only where somebody has set it up. Called after every request of
the site, so that it looks at the path first. What carries keys or tokens is left alone: beside text of somebody else's
choosing, the size of a compressed answer tells something about them (the attack BREACH).
"""

import gzip
from typing import Any

from event_streaming.wire.paths import WITH_DOCUMENTS

COMPRESSED = frozenset(f"/api/method/{path}" for path in WITH_DOCUMENTS)
# what is smaller goes in one packet as it is
SMALLEST_BYTES = 1_024
# a third of the time of the highest, for a few percent more
LEVEL = 4


def compress(response: Any = None, request: Any = None) -> None:
	"""Hook `after_request`: compresses the answer where the other site says that it can read it."""
	if not request or request.path not in COMPRESSED or not response:
		return
	if not request.accept_encodings.quality("gzip") or response.headers.get("Content-Encoding"):
		return
	body = b"" if response.is_streamed else response.get_data()
	if len(body) < SMALLEST_BYTES:
		return
	# without the time of day, so that equal answers are equal
	response.set_data(gzip.compress(body, LEVEL, mtime=0))
	response.headers["Content-Encoding"] = "gzip"
	response.vary.add("Accept-Encoding")
