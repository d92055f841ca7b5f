"""The history of a run: a JSON line for each operation, with start, end, process, site, what, document and outcome.

Outcomes: "ok" (committed, and whoever asked was told so), "failed" (refused, nothing of it may be there), "unknown" (the process or
its database died on the way), "nothing" (there was nothing to do it to).
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

OK, FAILED, UNKNOWN, NOTHING = "ok", "failed", "unknown", "nothing"


class History:
	"""Written by all threads of a run. Seconds count from its making."""

	def __init__(self, path: Path):
		self.path = path
		self.began = time.monotonic()
		self.lines: list[dict] = []
		self._file = path.open("w")
		self._alone = threading.Lock()

	@contextlib.contextmanager
	def operation(self, process: str, site: str, what: str, **more) -> Iterator[dict]:
		"""Fill in "outcome" and "document" inside of the block; the line is written at its end."""
		line = {"process": process, "site": site, "what": what, "document": None, "outcome": UNKNOWN, **more}
		line["start"] = self.now()
		try:
			yield line
		finally:
			line["end"] = self.now()
			with self._alone:
				self.lines.append(line)
				print(json.dumps(line), file=self._file, flush=True)

	def now(self) -> float:
		return round(time.monotonic() - self.began, 4)

	def count(self, what: str | None = None) -> int:
		with self._alone:
			return sum(what is None or line["what"] == what for line in self.lines)

	def close(self) -> None:
		self._file.close()
