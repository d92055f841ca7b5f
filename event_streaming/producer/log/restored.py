"""Finds that this site's database was put back to an older state, by proof of its own, and what follows for the log.

Three things prove it: a mark beside the database that is ahead of it or of an epoch that it does not know; a mark that is
missing (another machine: nobody can say how far the log had got there); a receipt that the log contradicts. What a
request merely claims proves nothing. It decides; `sequence.py`, which holds the lock, writes.
"""

from dataclasses import dataclass
from datetime import datetime

import frappe

from event_streaming.messages.coded import _
from event_streaming.producer.log import receipts
from event_streaming.producer.log.epochs import LogState
from event_streaming.producer.log.mark import Mark
from event_streaming.producer.log.receipts import Receipt
from event_streaming.site.address import public_url

# the mark may lack the last batch of a process that died
BEHIND_THE_MARK = 2_000
# so far can no backup lie back
FAR = 1_000_000


@dataclass(frozen=True)
class Finding:
	"""The log goes on in a new epoch after `goes_on_after`; `same_up_to` is the last position that it shares with the old one."""

	reason: str
	same_up_to: int
	goes_on_after: int
	lost: str = ""
	# whether there is anything for an administrator to see
	told: bool = True


def by_mark(mark: Mark, log: LogState) -> Finding | None:
	"""What the mark proves. Read before the log without the lock, or after it under the lock: it is never ahead by itself."""
	if mark.epoch and (mark.head > log.head or not log.knows(mark.epoch)):
		lost = "" if log.knows(mark.epoch) else mark.epoch
		return Finding(
			_("The log of {0} had reached position {1}, and its database ends at {2}.").format(
				public_url(), mark.head, log.head
			),
			log.head,
			max(mark.head, log.head) + BEHIND_THE_MARK,
			lost,
		)
	if not log.epochs:
		return Finding(_("The first one."), log.head, log.head, told=False)
	if mark.missing:
		return Finding(
			_("The site is on another machine than before, or its file {0} was lost.").format(
				"event_streaming_log.json"
			),
			log.head,
			log.head + FAR,
		)
	return None


def by_receipt(receipt: Receipt, consumer: str, log: LogState) -> Finding | None:
	"""What a consumer has in hand that this log has given it, and that the log does not know any more."""
	if not receipts.contradicts(receipt, log):
		return None
	common = min(receipts.last_common(receipt), log.head)
	return Finding(
		_("{0} has a receipt of this log for position {1}, and the log ended at {2} then.").format(
			consumer, receipt.position, common
		),
		common,
		max(receipt.position, log.head) + FAR,
		"" if log.knows(receipt.epoch) else receipt.epoch,
	)


def said_by(user: str, backup: datetime) -> str:
	return _("{0} says that this is the backup of {1}.").format(user, str(backup)[:19])


def tell(finding: Finding) -> None:
	"""To the administrators of this site, once for each epoch: in the transaction in which it begins."""
	if not finding.told:
		return
	frappe.log_error(
		title=_("A restored backup: the log of {0} goes on in a new epoch").format(public_url()),
		message=_(
			"{0} Events up to position {1} are here. What came after that is not, but consumers may have taken it: each of"
			" them is told with its next page. New positions go on after {2}. If no backup was restored, nothing is lost and"
			" there is nothing to do."
		).format(finding.reason, finding.same_up_to, finding.goes_on_after),
	)
