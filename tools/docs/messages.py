"""Which messages of the app have to have a code: found in the sources by rules, without Frappe.

A message has a code if a person may look it up: what is thrown, what is kept as an event's error or warning, what the doctor or a check
has found, why a document is not sent. Labels, titles, remedies, and what says that all is well have none.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
APP = PROJECT / "event_streaming"
# in what a module says everything is a message: put together there, thrown or kept elsewhere
TOLD_WHOLE = (
	"adapters/",
	"admin/alerts.py",
	"admin/pairing/",
	"admin/status.py",
	"admin/tracing/words.py",
	"consumer/apply/",
	"consumer/dependencies/finding.py",
	"consumer/dependencies/plan.py",
	"consumer/dependencies/planning.py",
	"consumer/dependencies/unasked.py",
	"consumer/files/",
	"consumer/life_cycle/",
	"consumer/long_work/runner.py",
	"consumer/managed/guard.py",
	"consumer/mapping/store.py",
	"consumer/mapping/validation.py",
	"consumer/pull/adopting.py",
	"consumer/pull/loop.py",
	"consumer/subscriptions/producer_form.py",
	"consumer/subscriptions/registration.py",
	"consumer/subscriptions/sites.py",
	"consumer/verify/repair.py",
	"consumer/verify/verifying.py",
	"http/",
	"producer/feed/page.py",
	"producer/feed/permitted.py",
	"producer/feed/selection.py",
	"producer/inviting/",
	"producer/log/restored.py",
	"producer/registration/",
	"site/address.py",
	"site/refused.py",
	"site/site_id.py",
)
# with a full stop, or with a colon and what another has said
ENDS = re.compile(r"[.:?](?: \{\w+\})?$")
# there a message may do without a full stop: it is kept in a line of its own, or stands at the end of one that names row and field
WITHOUT_FULL_STOP = (
	"consumer/apply/",
	"consumer/files/",
	"consumer/life_cycle/",
	"consumer/mapping/validation.py",
)
# what stands there and is no message of that kind, with the reason; and what wraps another message, which has its own code
WITHOUT = {
	"wraps a message that has its own code": (
		"Row {0}: {1}",
		"Line {0}: {1}",
		"Row {0}, {1}: {2}",
		"Row {0}, {1}: {2}.",
		"Row {0}, Fields This Site Decides: {1}",
		"Row {0}, Add Up: {1}",
		"Row {0}, When Both Sites Changed These Fields: {1}",
		"Row {0}, Match By: {1}",
		"Callback URL: {0}",
		"{0} Nothing is lost: join again with the same code.",
		"{0} It is tried again automatically.",
		"The other direction could not be set up: {0}",
		"Refused by {0}",
	),
	"says what was done: nobody has to do anything": (
		"{0} documents are linked in the background.",
		"{0} events that had not been applied are not tried again. If you subscribe again, verify and repair brings what is missing.",
		"{0} stays {1} here instead of {2}: {3}",
		"{0}, into which it was merged, is gone",
		"{0}, into which it was merged, is not meant for this site",
		"{0}. Both sites had changed {1}; a person has picked the values",
		"{0}. Both sites had changed {1}; settled by {2}",
		"{0}: {1} instead of {2}",
		"And {0} more causes.",
		"Changes no field of the mapping",
		"Already contained in what came before",
		"Applied as one with event {0}",
		"Applied as one with the event before it",
		"Applied as one with the {0} events before it",
		"Deleted on this site in the meantime: it stays deleted",
		"Documents that exist already are copied in the background: the Event Producer shows how far it is.",
		"Documents that it needs were created first: {0}",
		"First made on this site: nothing to do",
		"From now on every change is received. For documents that exist already, use Copy Existing Documents.",
		"It began {0} and is over since {1}.",
		"Its events are on their way.",
		"Left unchanged: deletion was not requested.",
		"Left unchanged: it was not chosen.",
		"The new keys for both directions are in use.",
		"New keys were requested.",
		"No longer meets the condition: kept",
		"No longer meets the condition: removed",
		"Not applied: this site has unsubscribed from it",
		"Not applied: the Event Producer was deleted.",
		"Not attached: {0} has been deleted on the producer since",
		"Not copied: it was deleted or renamed on the producer since then",
		"Not deleted: the producer has it again",
		"Nothing is pulled from {0} any more. It continues to log for this site until its Event Consumer {1} is deleted there.",
		"Nothing to change: this site has these values already",
		"Renamed from {0} to {1} on the producer",
		"Renamed on both sites: the name given here, {0}, stays",
		"Repeats a change that this site already has",
		"Also linked to another document of the producer: kept",
		"Submitted or cancelled on this site in the meantime: it stays",
		"Taken over: the same document was here already",
		"This site can't be reached from outside, so it asks for events every minute.",
		"Was not here (any more)",
		"What is sent again of {0} comes with the next change of each document. For the others, have the consumer verify and repair.",
	),
	"is a part of another message": (
		"its condition raises an error: {0}",
		"{0} could not be adopted: {1}",
		"{0} × {1}: {2} ({3}). {4}",
		"Change it on {0}. Or have a System Manager of this site clear Managed by Producer in the row {1} of that Event Producer.",
		"Not saved: {0}.",
		"On this site only these fields can be changed: {0}.",
		"The first one.",
		"The log of {0} had reached position {1}, and its database ends at {2}.",
		"The site is on another machine than before, or its file {0} was lost.",
		"{0} has a receipt of this log for position {1}, and the log ended at {2} then.",
		"{0} says that this is the backup of {1}.",
		"Also Bring These",
		"Largest File in Megabytes in Event Streaming Settings",
		"Max File Size in System Settings (or max_file_size in site_config.json)",
		"Until it is, no other site is called.",
		"another address",
		"empty",
		"it can hold code or templates, which would run here",
		"it is one of the framework's own",
	),
	"is the remedy of a finding": (
		"Copy what brings stock first, or allow negative stock in Stock Settings while it is copied.",
		"Open it for the Event Subscriber while the documents are copied, or copy only later ones by a filter.",
	),
}
# what is put together in more than one step, so that no rule finds it
ALSO = (
	"It could not be asked: {0}",
	"It has not asked for events for more than a day. Is its scheduler running, and is this site reachable from there?",
	"Nothing has been pulled since {0}, although a pull is due every minute. The scheduler or the workers of this site are not running: bench event-streaming doctor says which.",
	"The clock of {0} is {1} seconds ahead of this one.",
	"The clock of {0} is {1} seconds behind this one.",
	"The condition for {0} raises an error: nothing is sent for it. Its consumer must correct it.",
	"The set-up has not been applied; nothing was changed.",
	"The data of the event could not be stored here: {0}",
	"{0} can't be reached from this site, as it says itself.",
	"{0} did not send changes of {1}, because the user of this connection may not read these documents there. Its administrator can give the right, or say in Event Consumer that this is intended.",
	"{0} events from {1} have failed or are in conflict, {2} are tried again.",
	"{0} does not have the permission to do this on this site. {1}",
	"{0} may not read all of {1}: these changes were not sent. Give it the right, then verify and repair there; or tick Withholding Is Intended in the row.",
	"{0} of the first {1} documents of {2} could not be tried: {3}",
	"{0} of the first {1} documents of {2} fail: {3}",
	"{0} runs an earlier version, which can't say where a document is.",
	"{0} runs the older app, which can't be asked.",
	"{0} is skipped: it is not approved by the producer, or this site has unsubscribed from it.",
)
EXEMPT = {text for texts in WITHOUT.values() for text in texts}


def messages() -> dict[str, set[str]]:
	"""Each message that has to have a code, with the files that say it."""
	found: dict[str, set[str]] = {}
	for file in sorted(APP.rglob("*.py")):
		path = str(file.relative_to(APP))
		if path.startswith(("patches/", "messages/")):
			continue
		for text in _of_module(path, ast.parse(file.read_text(encoding="utf-8"))):
			if text not in EXEMPT:
				found.setdefault(text, set()).add(path)
	return found


def _of_module(path: str, tree: ast.Module) -> Iterator[str]:
	for node in ast.walk(tree):
		if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
			yield from said_in(node.exc.args[0])
		elif isinstance(node, ast.Call) and node.args:
			name = ast.unparse(node.func)
			if name == "frappe.throw":
				yield from said_in(node.args[0])
			elif name == "Remedy":
				yield from said_in(node.args[0])
			elif name in ("Finding", "Found"):
				yield from _of_finding(name, node)
		elif isinstance(node, ast.Tuple) and len(node.elts) == 3 and _is_worded(node):
			yield from said_in(node.elts[1])
	yield from (text for text in all_said(tree) if text in ALSO)
	if path.startswith(TOLD_WHOLE):
		short = path.startswith(WITHOUT_FULL_STOP)
		yield from (text for text in all_said(tree) if is_sentence(text) and (short or ENDS.search(text)))


def _of_finding(name: str, node: ast.Call) -> Iterator[str]:
	level, text = (2, 3) if name == "Finding" else (0, 3)
	if len(node.args) > text and ast.unparse(node.args[level]) not in ("OK", "NOTE"):
		yield from said_in(node.args[text])


def _is_worded(node: ast.Tuple) -> bool:
	return ast.unparse(node.elts[0]) in ("STOPS", "MAY_HURT")


def said_in(node: ast.expr) -> Iterator[str]:
	"""The messages that an expression is, and not those that are put into one."""
	if isinstance(node, ast.Call):
		if text := _translated(node):
			yield text
		elif isinstance(node.func, ast.Attribute):
			yield from said_in(node.func.value)
			if node.func.attr == "join":
				for each in node.args:
					yield from said_in(each)
	elif isinstance(node, ast.BinOp | ast.BoolOp | ast.IfExp | ast.JoinedStr | ast.List | ast.FormattedValue):
		for child in ast.iter_child_nodes(node):
			if isinstance(child, ast.expr):
				yield from said_in(child)


def all_said(tree: ast.AST) -> Iterator[str]:
	"""Everything that a module says."""
	for node in ast.walk(tree):
		if isinstance(node, ast.Call) and (text := _translated(node)):
			yield text


def _translated(node: ast.Call) -> str:
	if getattr(node.func, "id", "") in ("_", "_lt") and node.args and isinstance(node.args[0], ast.Constant):
		return str(node.args[0].value)
	return ""


def is_sentence(text: str) -> bool:
	"""Whether it says something, and is not only a label."""
	return len(text.split()) > 4 or text.endswith(".")
