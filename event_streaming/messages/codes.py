"""Pure: which message has which code, and where the code stands in a text."""

import json
import re
from functools import cache
from pathlib import Path

# how a code looks behind a message; texts that are compared or grouped are so without it
CODE = re.compile(r"\s*\(ES-\d{3,4}\)")
# what another site or a library said, put behind a whole sentence: the code belongs to the sentence. Only the English text shows
# where a sentence ends, Thai has no full stop
SAID_BEHIND = re.compile(r"[.!?] \{\w+\}$")
LAST_VALUE = re.compile(r" \{\w+\}$")
# of what the other site sent, whatever is wrong with it
UNREADABLE = "ES-422"


@cache
def codes() -> dict[str, str]:
	"""English message -> code."""
	listed = json.loads((Path(__file__).parent / "codes.json").read_text(encoding="utf-8"))
	return {message: code for code, message in listed.items()}


def with_code(text: str, message: str) -> str:
	"""`text`, which is a translation of the English `message`, with the message's code; as it is if it has none."""
	code = codes().get(message)
	if not code:
		return text
	if SAID_BEHIND.search(message) and (match := LAST_VALUE.search(text)):
		return f"{text[: match.start()]} ({code}){match.group()}"
	return f"{text} ({code})"


def without_codes(text: str) -> str:
	"""A text as it would be if no message had a code."""
	return CODE.sub("", text) if "(ES-" in text else text
