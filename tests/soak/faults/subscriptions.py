"""Somebody who unsubscribes, and subscribes again: what was missed meanwhile comes with a verify and its repair, when all is at rest."""

from typing import ClassVar

from tests.doctypes import TICKET
from tests.soak.faults.base import Fault
from tests.soak.kinds import KINDS_DOCTYPES
from tests.soak.world import World
from tests.streams import set_unsubscribed


class Ask(Fault):
	"""Tickets, which two sites write, wait for a person who picks the values where both have changed one."""

	@classmethod
	def prepare(cls, world: World) -> None:
		world.policy = "Ask"


class Resubscribe(Fault):
	"""One DocType of one subscription is unsubscribed from for a while."""

	lasts: ClassVar[tuple[float, float]] = (2.0, 8.0)

	def start(self) -> str:
		flow = self.random.choice(self.world.shape.flows)
		self.letter = flow.target
		doctype = self.random.choice(
			[each for each in flow.doctypes if each not in (TICKET, *KINDS_DOCTYPES)]
		)
		self.row = {"name": self.world.url(flow.source), "doctype": doctype}
		# before it is done: it may be done and say that it is not
		self.world.resubscribed.setdefault((flow.target, flow.source), {})[doctype] = None
		self.site.run(set_unsubscribed, **self.row, unsubscribed=1)
		return f"{doctype} of {flow.source} on {flow.target}"

	def stop(self) -> None:
		self.site.run(set_unsubscribed, **self.row, unsubscribed=0)
