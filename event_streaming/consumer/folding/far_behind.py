"""What a pull that is far behind asks for: changes of a document put together, where nobody on this site needs the steps.

More than a page behind, that is, so that what is pulled all day comes as it was made. Where one that was put together can't be applied as
that, its document's steps are asked for in this slice. It asks the database and writes nothing.
"""

from dataclasses import dataclass, field
from typing import Any

from event_streaming.consumer.folding.runs import is_composed
from event_streaming.consumer.folding.steps_needed import are_needed
from event_streaming.consumer.logs import open_rows
from event_streaming.consumer.subscriptions.subscription import subscriptions_of
from event_streaming.identity.registry import RemoteKey
from event_streaming.site.settings import get_settings
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.events import remote_key
from event_streaming.wire.pages import MOST_WISHED, Page

# so many documents whose steps were needed after all; then this slice asks for all steps
MOST_APART = 5


@dataclass
class FarBehind:
	"""What one slice of a pull wishes."""

	wish: dict[str, Any] | None = None
	# found out once in a slice
	doctypes: list[str] | None = None
	apart: set[RemoteKey] = field(default_factory=set)
	met: int = 0

	def look_at(self, doc: Any, page: Page, asked: dict[str, Any] | None) -> None:
		"""After each page of the feed, which was `asked` with that wish: what the next one is asked with. Raises InvalidPage for what was not
		wished."""
		for event in filter(is_composed, page["events"]):
			if (
				not asked
				or event["ref_doctype"] not in asked["doctypes"]
				or list(remote_key(event)) in asked["apart"]
			):
				raise InvalidPage("The producer has put changes together whose steps are needed here.")
		if self.met > MOST_APART or not page["has_more"] or page["behind"] <= get_settings().events_per_page:
			self.wish = None
			return
		if self.doctypes is None:
			known = subscriptions_of(doc)
			self.doctypes = [remote for remote, each in known.items() if each.active and not are_needed(each)]
			# what stands behind an event that is open waits there step by step
			self.apart = open_rows.open_documents(doc.name, self.doctypes, MOST_WISHED // 2)
		self._say()

	def take_apart(self, key: RemoteKey) -> None:
		"""The steps of this document are needed."""
		self.apart.add(key)
		self.met += 1
		self._say()

	def _say(self) -> None:
		wanted = self.doctypes if self.met <= MOST_APART else None
		self.wish = {"doctypes": wanted, "apart": sorted(map(list, self.apart))} if wanted else None
