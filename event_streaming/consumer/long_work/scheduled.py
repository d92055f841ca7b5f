"""Scheduled verify: begins one when it is due, then the repair that the Event Producer allows, and mails what came of both.

What is under way stands in the pull's state, and moves on in the transaction of what was done: a process that dies leaves it to the
next minute. It never commits and asks no other site; the tasks do their work like any other.
"""

from collections.abc import Callable

import frappe
from frappe import _
from frappe.utils import cint, get_url_to_form, getdate, now_datetime, split_emails

from event_streaming.consumer.logs import state
from event_streaming.consumer.tasks import findings, task
from event_streaming.consumer.tasks.task import Task, TaskUnderWay
from event_streaming.consumer.unit_of_work.lost_transaction import is_lost_transaction
from event_streaming.consumer.verify import nights, repair, rounds, verifying
from event_streaming.site.address import public_url
from event_streaming.site.roles import people_to_tell
from event_streaming.wire.left_out import names_in

MISSING_AND_DIFFERENT, ALSO_EXTRA = "Missing and Different", "Also Extra"
# documents that a mail names; the others are in the task
MOST_NAMED = 30


def go_on() -> list[str]:
	"""Each minute: follow what has come to its end, and begin what is due. Returns tasks to be worked on."""
	names = frappe.get_all("Event Producer", {"verify_by_itself": ["is", "set"], "paused": 0}, pluck="name")
	steps = [
		*((follow, name) for name in state.scheduled_under_way()),
		*((begin_if_due, name) for name in names),
	]
	return [begun for step, name in steps if (begun := alone(step, name))]


def alone(step: Callable[[str], str | None], event_producer: str) -> str | None:
	"""A step whose failure undoes nothing else of this minute, and keeps no other producer's from being done."""
	frappe.db.savepoint("scheduled_step")
	try:
		return step(event_producer)
	except Exception as error:
		if is_lost_transaction(error):
			raise
		frappe.db.rollback(save_point="scheduled_step")
		frappe.clear_messages()
		frappe.log_error(title="Event Streaming: a scheduled verify could not be gone on with")
		return None


def begin_if_due(event_producer: str) -> str | None:
	doc = frappe.get_doc("Event Producer", event_producer)
	now = now_datetime()

	def due(kept: dict | None) -> bool:
		if kept is None or kept.scheduled_task:
			return False
		last = getdate(kept.scheduled_for) if kept.scheduled_for else None
		return nights.is_due(doc.verify_by_itself, cint(doc.verify_from_hour), now, last)

	# hardly any minute is the one: a pull that is under way, whose row this is, is not held up for the others
	if not due(state.schedule(event_producer)):
		return None
	# of two that look at once the second waits for the first, and sees what that has written
	kept = state.schedule(event_producer, lock=True)
	if not due(kept):
		return None
	try:
		begun = verifying.begin(
			event_producer,
			names_in(doc.verify_doctypes),
			scheduled={"scheduled": str(now.date()), **what_to_compare(doc, cint(kept.scheduled_part))},
		)
	except TaskUnderWay:
		# a person's: the next minute comes
		return None
	except frappe.ValidationError as error:
		frappe.clear_messages()
		state.save_state(event_producer, scheduled_for=now.date())
		send(doc, _("Scheduled verify of {0} could not begin").format(event_producer), [str(error)])
		return None
	state.save_state(event_producer, scheduled_for=now.date(), scheduled_task=begun.name)
	return begun.name


def what_to_compare(doc, number: int) -> dict[str, object]:
	"""Which of the documents are compared tonight, for the scope of the task."""
	if doc.verify_share != nights.CHANGED:
		return {"part": nights.part_of(doc.verify_share, number)}
	return rounds.changed_since_last(doc.name, full_every=cint(doc.verify_full_every))


def follow(event_producer: str) -> str | None:
	"""The scheduled task of a producer has perhaps come to its end: begin its repair, or tell what came of it."""
	seen = state.schedule(event_producer)
	if seen is None or not seen.scheduled_task:
		return None
	work = task.load(seen.scheduled_task) if frappe.db.exists(task.DOCTYPE, seen.scheduled_task) else None
	if work and work.active:
		return None
	# of two that look at once the second waits for the first, which has gone on by then
	kept = state.schedule(event_producer, lock=True)
	if kept is None or kept.scheduled_task != seen.scheduled_task:
		return None
	if not work:
		state.save_state(event_producer, scheduled_task=None)
		return None
	doc = frappe.get_doc("Event Producer", event_producer)
	if work.kind == task.VERIFY and work.status == task.DONE and work.differing and doc.verify_repair:
		try:
			mending = repair.begin(event_producer, doc.verify_repair == ALSO_EXTRA, work.name, by_itself=True)
		except TaskUnderWay:
			return None
		state.save_state(event_producer, scheduled_task=mending.name)
		return mending.name
	# a part that was not done to its end has its turn again
	done = cint(kept.scheduled_part) + (work.status == task.DONE)
	state.save_state(event_producer, scheduled_task=None, scheduled_part=done)
	tell(doc, work)
	return None


# ---- the mail


def tell(doc, work: Task) -> None:
	"""One mail: how many documents were compared, how many differed, what was repaired, what needs a person."""
	verified = task.load(work.scope["verify"]) if work.kind == task.REPAIR else work
	found = verified.report.get("counts") or {}
	repaired = work.report.get("repaired", 0) if work.kind == task.REPAIR else 0
	person = max(verified.differing - repaired, 0) + found.get(findings.OPEN, 0)
	if work.status != task.DONE:
		subject = _("Scheduled verify of {0} did not come to its end").format(doc.name)
	elif person:
		subject = _("{0}: {1} documents need a person").format(doc.name, person)
	elif verified.differing:
		subject = _("{0}: {1} documents differed, all are repaired").format(doc.name, verified.differing)
	else:
		subject = _("{0}: all documents are the same").format(doc.name)
	lines = [
		_("{0} documents of {1} were compared with {2}.").format(
			f"{verified.done:,}", ", ".join(_(each) for each in verified.scope["doctypes"]), doc.name
		),
		_("{0} differed: {1} are missing here, {2} are different, {3} are only here.").format(
			verified.differing,
			found.get(findings.MISSING, 0),
			found.get(findings.DIFFERENT, 0),
			found.get(findings.EXTRA, 0),
		),
		_("{0} were repaired. {1} need a person.").format(repaired, person),
	]
	if part := verified.scope.get("part"):
		lines.append(_("This was part {0} of {1} of the documents.").format(part[0] + 1, part[1]))
	if since := verified.scope.get("since"):
		lines.append(
			_(
				"Only what has changed since {0} was compared, as far as either site knows. A full round finds the rest."
			).format(min(since.values())[:16])
		)
	if work.message:
		lines.append(work.message)
	send(doc, subject, [*lines, *named(work)], work)


def named(work: Task) -> list[str]:
	"""The first documents that are left for a person, with what is said of each."""
	left = [
		each
		for each in work.report.get("findings") or []
		if not each.get("repaired") and each["kind"] in (*findings.DIFFERING, findings.OPEN)
	]
	lines = [
		" ".join(
			filter(
				None,
				(
					f"{_(each['kind'])}: {_(each['remote_doctype'])} {each['remote_name']}",
					each.get("outcome") or each.get("reason"),
				),
			)
		)
		for each in left[:MOST_NAMED]
	]
	return [*lines, "…"] if len(left) > MOST_NAMED else lines


def send(doc, subject: str, lines: list[str], work: Task | None = None) -> None:
	"""Queue the mail with the transaction; what can't be sent is in the Error Log, and the task has it all anyway."""
	recipients = split_emails(doc.verify_report_to or "") or people_to_tell()
	if not recipients:
		return
	escape = frappe.utils.escape_html
	body = [f"<p>{escape(line)}</p>" for line in lines]
	if work:
		url = get_url_to_form(task.DOCTYPE, work.name)
		body.append(f'<p><a href="{escape(url)}">{escape(work.name)}</a></p>')
	frappe.db.savepoint("scheduled_mail")
	try:
		frappe.sendmail(
			recipients=recipients, subject=f"{public_url()}: {subject}"[:240], message="".join(body)
		)
	except Exception:
		frappe.db.rollback(save_point="scheduled_mail")
		frappe.clear_messages()
		frappe.log_error(title="Event Streaming: the report of a scheduled verify could not be sent")
