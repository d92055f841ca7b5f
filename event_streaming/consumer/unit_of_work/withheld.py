"""What leaves a process past the database while documents are only tried: withheld for as long as a rehearsal lasts.

Queues, caches and messages to open forms all go through Redis; mails and calls of other sites through sockets; files through
Frappe's File. Nothing of it is done, but for what only forgets (a cache) or asks. Only the thread that rehearses is concerned.
Never touches the database.
"""

import os
import smtplib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import frappe
import redis
import requests
import rq

from event_streaming.exceptions import NotInARehearsal
from event_streaming.http.connection import CheckedAdapter
from event_streaming.messages.coded import _

# what asks, and what forgets: a cache that is emptied in vain is filled again
HARMLESS = frozenset(
	(
		*("GET", "MGET", "HGET", "HMGET", "HGETALL", "HEXISTS", "HKEYS", "HVALS", "HLEN", "EXISTS", "KEYS"),
		*(
			"SCAN",
			"HSCAN",
			"SSCAN",
			"SMEMBERS",
			"SISMEMBER",
			"SCARD",
			"LRANGE",
			"LLEN",
			"LINDEX",
			"TTL",
			"PTTL",
		),
		*(
			"TYPE",
			"STRLEN",
			"ZRANGE",
			"ZCARD",
			"ZSCORE",
			"ZCOUNT",
			"INFO",
			"PING",
			"AUTH",
			"SELECT",
			"CLIENT",
		),
		*("HELLO", "ECHO", "TIME", "DBSIZE", "OBJECT", "MEMORY", "DEL", "UNLINK", "HDEL"),
		# locks are taken by SET … NX and given back by a script; who finds them withheld would wait for ever
		*("EVAL", "EVALSHA", "SCRIPT"),
	)
)
JOBS, MESSAGES, CALLS, MAILS, FILES = "jobs", "messages", "calls", "mails", "files"


@dataclass
class Withheld:
	"""What has been withheld so far: how often each kind, and what the site is to forget and to put back at the end."""

	counts: dict[str, int] = field(default_factory=dict)
	documents: set[tuple[str, str | None]] = field(default_factory=set)
	# path -> what was there; None: nothing
	files: dict[str, bytes | None] = field(default_factory=dict)

	def count(self, kind: str) -> None:
		self.counts[kind] = self.counts.get(kind, 0) + 1

	def put_files_back(self) -> None:
		for path, content in self.files.items():
			if content is None:
				if os.path.exists(path):
					os.remove(path)
			else:
				with open(path, "wb") as opened:
					opened.write(content)
		self.files.clear()


# thread -> what is withheld from it
_rehearsing: dict[int, Withheld] = {}
_lock = threading.Lock()
_originals: list[tuple[Any, str, Any]] = []


@contextmanager
def withholding() -> Iterator[Withheld]:
	"""Nothing leaves this thread inside the block."""
	withheld = Withheld()
	with _lock:
		if not _rehearsing:
			_put_in_place()
		_rehearsing[threading.get_ident()] = withheld
	muted, frappe.flags.mute_emails = frappe.flags.mute_emails, True
	try:
		yield withheld
	finally:
		frappe.flags.mute_emails = muted
		with _lock:
			del _rehearsing[threading.get_ident()]
			if not _rehearsing:
				_take_away()


def _put_in_place() -> None:
	from frappe.core.doctype.file.file import File
	from frappe.utils import file_manager

	for owner, name, stand_in in (
		(redis.Redis, "execute_command", _execute_command),
		(redis.client.Pipeline, "execute", _execute_pipeline),
		(rq.Queue, "enqueue_call", _enqueue_call),
		(requests.Session, "send", _send),
		(smtplib.SMTP, "connect", _connect),
		(File, "write_file", _write_file),
		(File, "_delete_file_on_disk", _delete_nothing),
		(file_manager, "write_file", _write_old_file),
		(file_manager, "delete_file", _delete_nothing),
		(frappe, "clear_document_cache", _clear_document_cache),
	):
		original = getattr(owner, name)
		_originals.append((owner, name, original))
		setattr(owner, name, _for_this_thread(original, stand_in))


def _take_away() -> None:
	while _originals:
		owner, name, original = _originals.pop()
		setattr(owner, name, original)


def _for_this_thread(original: Callable, stand_in: Callable) -> Callable:
	"""The stand-in for a thread that rehearses, what it stands in for to all others."""

	def called(*args: Any, **kwargs: Any) -> Any:
		withheld = _rehearsing.get(threading.get_ident())
		return (
			original(*args, **kwargs) if withheld is None else stand_in(withheld, original, *args, **kwargs)
		)

	return called


# ---- stand-ins: each is called with what is withheld so far, and with what it stands in for


def _is_harmless(command: tuple) -> bool:
	word = str(command[0]).upper().split(" ")[0] if command else ""
	return word in HARMLESS or (word == "SET" and "NX" in command) or str(command[0]).upper() == "CONFIG GET"


def _execute_command(withheld: Withheld, original: Callable, client: Any, *args: Any, **options: Any) -> Any:
	if _is_harmless(args):
		return original(client, *args, **options)
	if str(args[0]).upper() == "PUBLISH":
		withheld.count(MESSAGES)
	return str(args[0]).upper() == "SET" or 0


def _execute_pipeline(
	withheld: Withheld, original: Callable, pipeline: Any, *args: Any, **options: Any
) -> Any:
	commands = [getattr(each, "args", None) or each[0] for each in pipeline.command_stack]
	if all(_is_harmless(command) for command in commands):
		return original(pipeline, *args, **options)
	pipeline.reset()
	return [0] * len(commands)


def _enqueue_call(withheld: Withheld, original: Callable, *args: Any, **kwargs: Any) -> Any:
	withheld.count(JOBS)
	return SimpleNamespace(id=kwargs.get("job_id") or "rehearsal", get_status=lambda **_kwargs: "queued")


def _send(withheld: Withheld, original: Callable, session: Any, request: Any, **kwargs: Any) -> Any:
	if isinstance(session.get_adapter(request.url), CheckedAdapter):
		# this app's own, which asks the producer
		return original(session, request, **kwargs)
	withheld.count(CALLS)
	raise NotInARehearsal(_("It would have called another site, which a trial does not."))


def _connect(withheld: Withheld, original: Callable, *args: Any, **kwargs: Any) -> Any:
	withheld.count(MAILS)
	raise NotInARehearsal(_("It would have sent a mail at once, which a trial does not."))


def _write_file(withheld: Withheld, original: Callable, doc: Any) -> Any:
	if not doc.is_remote_file:
		_remember_file(withheld, doc.get_full_path())
	return original(doc)


def _write_old_file(
	withheld: Withheld, original: Callable, content: Any, fname: str, is_private: int = 0
) -> str:
	_remember_file(withheld, frappe.utils.get_files_path(fname, is_private=is_private))
	return original(content, fname, is_private)


def _remember_file(withheld: Withheld, path: str) -> None:
	withheld.count(FILES)
	if path not in withheld.files:
		withheld.files[path] = None
		if os.path.isfile(path):
			with open(path, "rb") as opened:
				withheld.files[path] = opened.read()


def _delete_nothing(withheld: Withheld, original: Callable, *args: Any, **kwargs: Any) -> None:
	pass


def _clear_document_cache(
	withheld: Withheld, original: Callable, doctype: str, name: str | None = None
) -> None:
	withheld.documents.add((doctype, name))
	original(doctype, name)
