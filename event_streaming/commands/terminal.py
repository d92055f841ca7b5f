"""What all commands have in common: a connection to the site, exit codes, and how they talk to a terminal or a file."""

import difflib
import functools
import sys
import time
from collections.abc import Callable, Iterable, Sequence

import click
import frappe
from frappe.commands import get_site, pass_context

from event_streaming.exceptions import PullRunning

BAR = 30
SECONDS_PER_LINE = 10
DONE, IMPOSSIBLE, WRONG_USAGE, NEEDS_A_PERSON, BUSY = 0, 1, 2, 3, 4


producer_option = click.option(
	"--producer", "event_producer", help="URL of the Event Producer. Default: the only one there is."
)


def doctypes_option(help: str) -> Callable:
	return click.option("--doctype", "doctypes", multiple=True, help=help)


def on_site(command: Callable[..., int | None]) -> Callable:
	"""Run a command connected to the site that `bench --site` names, as Administrator; what it returns is the exit code.

	An error that the app raises on purpose is shown as its message, without a traceback, and ends with IMPOSSIBLE.
	"""

	@pass_context
	@functools.wraps(command)
	def connected(context, *args, **kwargs):
		frappe.init(site=get_site(context))
		frappe.connect()
		frappe.flags.event_streaming_command = True
		try:
			code = command(*args, **kwargs)
		except frappe.ValidationError as error:
			frappe.db.rollback()
			if isinstance(error, PullRunning):
				click.echo(plain(str(error)), err=True)
				sys.exit(BUSY)
			raise click.ClickException(plain(str(error)) or type(error).__name__) from None
		finally:
			frappe.destroy()
		sys.exit(code or DONE)

	return connected


def plain(text: str) -> str:
	"""A message for a person without its markup."""
	return frappe.utils.strip_html(text.replace("<br>", "\n")).strip()


def show_messages() -> None:
	"""What the site would show to a person in the Desk goes to the terminal instead."""
	for entry in frappe.local.message_log:
		entry = frappe.parse_json(entry) if isinstance(entry, str) else entry
		click.echo(plain(str(entry.get("message") or "")), err=True)
	frappe.clear_messages()


def is_terminal() -> bool:
	return sys.stderr.isatty()


def show_progress(line: str) -> None:
	"""Write over the last such line on a terminal. Elsewhere nothing: a file gets the result only."""
	if is_terminal():
		click.echo(f"\r\033[K{line}", nl=False, err=True)


def end_progress() -> None:
	show_progress("")


class Progress:
	"""A bar that is written over on a terminal; a plain line from time to time elsewhere."""

	def __init__(self):
		self.next_line = 0.0

	def show(self, done: int, total: int, text: str) -> None:
		percent = min(100 * done // total, 100) if total else 0
		if is_terminal():
			full = BAR * percent // 100
			show_progress(f"[{'#' * full}{' ' * (BAR - full)}] {percent:3}% {done:,}/{total:,} {text}")
		elif time.monotonic() >= self.next_line:
			self.next_line = time.monotonic() + SECONDS_PER_LINE
			click.echo(f"{done:,} of {total:,} ({percent}%) {text}", err=True)

	def end(self) -> None:
		end_progress()


def chosen_producer(event_producer: str | None) -> str:
	"""What `producer_option` means."""
	return existing("Event Producer", event_producer) if event_producer else the_only("Event Producer")


def the_only(doctype: str) -> str:
	"""The one document that there is, where none was named. Ends the command when there is none, or more than one."""
	names = frappe.get_all(doctype, pluck="name", limit=10)
	if len(names) == 1:
		return names[0]
	raise click.ClickException(
		f"Say which one: there are {', '.join(names)}." if names else f"There is no {doctype} on this site."
	)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
	"""Columns of text under their headings, as wide as they need to be."""
	lines = [[str(head_cell) for head_cell in head]]
	lines += [["" if cell is None else str(cell) for cell in row] for row in rows]
	widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
	return "\n".join(
		"  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
		for line in lines
	)


def existing(doctype: str, name: str) -> str:
	"""The name of an Event Producer or Event Consumer as it is stored. Ends the command with near names if there is none."""
	from event_streaming.admin import decisions

	try:
		return decisions.existing(doctype, name)
	except frappe.DoesNotExistError as error:
		raise click.ClickException(f"{error}{suggestion(doctype, name)}") from None


def suggestion(doctype: str, name: str) -> str:
	""" " Did you mean …?", or which ones there are."""
	known = frappe.get_all(doctype, pluck="name", order_by="name asc", limit=1_000)
	if not known and doctype == "Event Consumer":
		return " There is none at all: it is made when the other site saves its Event Producer."
	if not known:
		return f" There is none at all: make one in the Desk (Event Streaming > {doctype})."
	near = [each for each in known if name.lower() in each] or difflib.get_close_matches(name, known, 3, 0.5)
	return f" Did you mean {' or '.join(near[:3])}?" if near else f" There are: {', '.join(known[:10])}."
