"""What people and machines do in a soak. Runs inside a site, which imports it by name; each call is a transaction of its own.

People choose among the newest documents that their site owns, so that they meet: on the same document, in the same moment.
"""

import json
import random
import time

from tests.doctypes import ORDER, TICKET
from tests.soak.kinds import KINDS_DOCTYPES

ITEM, CUSTOMER, INVOICE = "Shop Item", "Shop Customer", "Shop Invoice"
COMPANY_ABBR = "SOAK"
TOKEN_FIELDS = {ITEM: "item_name", CUSTOMER: "tax_id", INVOICE: "remarks", ORDER: "note", TICKET: "note"}
TOKEN_FIELDS |= dict.fromkeys(KINDS_DOCTYPES, "note")
DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
NEWEST = 10
BURST = 60


class Act:
	"""One thing that one person does. `mark` is the change's name; a document that it makes is called after it."""

	def __init__(self, letter: str, process: str, number: int, doctypes: list[str], seed: int):
		self.letter, self.process, self.number = letter, process, number
		self.doctypes = doctypes
		self.random = random.Random(seed)
		self.marks: list[str] = []
		self.document: list[str] | None = None

	def next_mark(self) -> str:
		mark = f"{self.process}.{self.number + len(self.marks)}"
		self.marks.append(mark)
		return mark

	# ---- making

	def make(self, doctype: str):
		import frappe

		mark = self.next_mark()
		key = f"{self.letter}-{mark}"
		values, name = getattr(self, "new_" + doctype.lower().replace(" ", "_"))(key)
		if values is None:
			self.marks.pop()
			return None
		doc = frappe.get_doc({"doctype": doctype, **values, TOKEN_FIELDS[doctype]: f"{key}|{mark}"})
		doc.insert(set_name=name)
		self.document = [doctype, doc.name]
		return doc

	def new_shop_item(self, key: str):
		return {"item_code": f"ITEM {key}", "rate": self.random.randint(1, 90)}, None

	def new_shop_customer(self, key: str):
		return {"customer_name": f"CUS {key}"}, None

	def new_streamed_order(self, key: str):
		rows = [{"item": f"row {number}", "qty": number / 4} for number in range(self.random.randint(0, 4))]
		return {"title": key, "total": self.random.randint(0, 99), "rows": rows}, f"ORD {key}"

	def new_streamed_ticket(self, key: str):
		values, _name = self.new_streamed_order(key)
		return values, None

	def new_shop_invoice(self, key: str):
		import frappe

		items = frappe.get_all(ITEM, order_by="creation desc", limit=NEWEST, pluck="name")
		customers = frappe.get_all(CUSTOMER, order_by="creation desc", limit=NEWEST, pluck="name")
		if not items or not customers:
			return None, None
		rows = [
			{
				"item": self.random.choice(items),
				"qty": self.random.randint(1, 5),
				"rate": self.random.randint(1, 50),
			}
			for _row in range(self.random.randint(1, 3))
		]
		values = {
			"company": f"Company {COMPANY_ABBR}",
			"customer": self.random.choice(customers),
			"items": rows,
			"tax_rate": self.random.choice([0, 7]),
		}
		return values, f"INV {key}"

	# ---- choosing

	def choose(self, doctypes=None, docstatus=(DRAFT, SUBMITTED), lock: bool = False):
		import frappe

		wanted = [doctype for doctype in self.doctypes if not doctypes or doctype in doctypes]
		if not wanted:
			return None
		doctype = self.random.choice(wanted)
		filters = {TOKEN_FIELDS[doctype]: ["like", f"{self.letter}-%"]}
		if frappe.get_meta(doctype).is_submittable:
			filters["docstatus"] = ["in", docstatus]
		elif DRAFT not in docstatus:
			return None
		names = frappe.get_all(doctype, filters=filters, order_by="creation desc", limit=NEWEST, pluck="name")
		if not names:
			return None
		doc = frappe.get_doc(doctype, self.random.choice(names), for_update=lock)
		self.document = [doctype, doc.name]
		return doc

	def token_for(self, doc) -> str:
		key = str(doc.get(TOKEN_FIELDS[doc.doctype])).partition("|")[0]
		return f"{key}|{self.next_mark()}"

	# ---- what people do

	def do_create(self):
		return self.make(self.random.choice(self.doctypes))

	def do_create_submitted(self):
		wanted = [doctype for doctype in (INVOICE, ORDER, TICKET) if doctype in self.doctypes]
		doc = self.make(self.random.choice(wanted)) if wanted else None
		return doc and doc.submit()

	def do_change(self, doc=None):
		doc = doc or self.choose()
		if not doc:
			return None
		doc.set(TOKEN_FIELDS[doc.doctype], self.token_for(doc))
		if doc.docstatus == DRAFT and doc.meta.has_field("total"):
			doc.total = self.random.randint(0, 99)
		if doc.doctype == ITEM:
			doc.rate = self.random.randint(1, 90)
		return doc.save()

	def do_set_in_database(self):
		doc = self.choose(docstatus=(DRAFT, SUBMITTED, CANCELLED), lock=True)
		if doc:
			doc.db_set(TOKEN_FIELDS[doc.doctype], self.token_for(doc))
		return doc

	def do_rows(self):
		doc = self.choose((ORDER, TICKET), (DRAFT,))
		if not doc:
			return None
		rows = doc.rows
		how = self.random.choice(["add", "first", "remove", "change"])
		if how == "add" or not rows:
			doc.append("rows", {"item": f"row {self.number}", "qty": 1})
		elif how == "first":
			rows.insert(0, rows.pop())
		elif how == "remove":
			rows.pop(self.random.randrange(len(rows)))
		else:
			self.random.choice(rows).qty += 1
		for number, row in enumerate(rows, start=1):
			row.idx = number
		return self.do_change(doc)

	def do_submit(self):
		doc = self.choose((ORDER, TICKET, INVOICE), (DRAFT,))
		return doc and doc.submit()

	def do_cancel(self):
		doc = self.choose((ORDER, TICKET, INVOICE), (SUBMITTED,))
		return doc and doc.cancel()

	def do_rename(self):
		"""Of what nothing links to: Frappe itself leaves a link behind where a document is linked while it is renamed."""
		import frappe

		doc = self.choose((ORDER,), (DRAFT, SUBMITTED))
		if not doc:
			return None
		key = str(doc.get(TOKEN_FIELDS[doc.doctype])).partition("|")[0]
		new = f"ORD {key} r{self.number}"
		return frappe.rename_doc(doc.doctype, doc.name, new, show_alert=False, rebuild_search=False)

	def do_merge(self):
		"""One into another one of the same site; of what nothing links to."""
		import frappe

		old = self.choose((ORDER,), (DRAFT,))
		into = self.choose((ORDER,), (DRAFT,))
		if not old or not into or old.name == into.name:
			return None
		options = {"merge": True, "show_alert": False, "rebuild_search": False}
		return frappe.rename_doc(ORDER, old.name, into.name, **options)

	def do_amend(self):
		import frappe

		# locked: Frappe itself leaves a link behind where one session deletes what another amends
		doc = self.choose((ORDER, INVOICE), (CANCELLED,), lock=True)
		if not doc:
			return None
		mark = self.next_mark()
		key = f"{self.letter}-{mark}"
		amended = frappe.copy_doc(doc)
		amended.update({"amended_from": doc.name, TOKEN_FIELDS[doc.doctype]: f"{key}|{mark}"})
		amended.insert(set_name=f"{'ORD' if doc.doctype == ORDER else 'INV'} {key}")
		self.document = [doc.doctype, amended.name]
		return amended

	def do_delete(self):
		import frappe

		doc = self.choose((ORDER,), (DRAFT, CANCELLED))
		if doc:
			# so that it looks for links in a picture that has what was amended until it has the lock
			frappe.db.commit()
			frappe.delete_doc(doc.doctype, doc.name)
		return doc

	def do_attach(self):
		import frappe

		doc = self.choose((ORDER, ITEM), (DRAFT, SUBMITTED))
		if not doc:
			return None
		content = f"file {self.process}.{self.number}"
		values = {"file_name": f"{content}.txt", "content": content, "is_private": self.number % 2}
		owner = {"attached_to_doctype": doc.doctype, "attached_to_name": doc.name}
		return frappe.get_doc({"doctype": "File", **values, **owner}).insert()

	def do_together(self):
		"""Two or three documents in one transaction."""
		docs = [self.do_change(doc) for _each in range(3) if (doc := self.choose())]
		return docs or None

	def do_make_together(self):
		"""One of each of its kinds, made in one transaction, and perhaps one that is there changed along with them."""
		made = [self.make(doctype) for doctype in self.doctypes]
		if self.random.random() < 0.5 and (doc := self.choose()):
			made.append(self.do_change(doc))
		return any(made)

	def do_refused(self):
		"""A transaction that is refused when nearly all of it is done: nothing of it may be seen anywhere."""
		import frappe

		if doc := self.choose():
			self.do_change(doc)
			self.make(self.doctypes[0])
			frappe.throw("refused in the end")

	def do_burst(self):
		"""As an import does it: many, each committed by itself."""
		import frappe

		done = 0
		for _each in range(BURST):
			made = self.do_change() if self.random.random() < 0.7 else self.make(self.doctypes[0])
			frappe.db.commit()
			done += bool(made)
		return done


# how often, of a hundred
WEIGHTS = {
	"create": 16,
	"create_submitted": 10,
	"change": 26,
	"set_in_database": 8,
	"rows": 8,
	"submit": 6,
	"cancel": 3,
	"rename": 4,
	"merge": 2,
	"amend": 3,
	"delete": 3,
	"attach": 4,
	"together": 8,
	"make_together": 6,
	"refused": 4,
	"burst": 2,
}


def act(what: str, **values) -> dict | None:
	"""One thing, in one transaction that is committed by the caller; None when there was nothing to do it to."""
	doing = Act(**values)
	if not getattr(doing, "do_" + what)():
		return None
	return {"document": doing.document, "marks": doing.marks}


# ---------------------------------------------------------------- machines


def pull(event_producer: str) -> dict:
	from dataclasses import asdict

	from event_streaming.consumer.pull.loop import pull as pull_now

	return asdict(pull_now(event_producer))


def minute() -> None:
	from event_streaming.tasks import event_streaming_every_minute

	event_streaming_every_minute()


def make_retries_due() -> int:
	import frappe

	frappe.db.set_value("Event Sync Log", {"status": "Retrying"}, "next_retry", "2020-01-01 00:00:00")
	return frappe.db.count("Event Sync Log", {"status": "Retrying"})


def open_rows() -> int:
	import frappe

	return frappe.db.count(
		"Event Sync Log", {"status": ["in", ("Failed", "Retrying", "Waiting", "Conflict")]}
	)


def resync_failed(event_producer: str) -> int:
	"""As a person does it with the button, for all that has failed."""
	import frappe

	from event_streaming.consumer.pull.by_hand import patiently
	from event_streaming.consumer.pull.retry import retry_documents

	failed = {"event_producer": event_producer, "status": "Failed"}
	rows = frappe.get_all("Event Sync Log", failed, ["remote_doctype", "producer_doc"], limit=0)
	keys = list(dict.fromkeys((row.remote_doctype, row.producer_doc) for row in rows))
	# a worker may just be pulling
	return patiently(retry_documents, event_producer, keys).synced if keys else 0


def settle_conflicts(seed: int) -> int:
	"""As a person does it with the form's button: of each conflict one of the two values, by lot. Gives how many are settled."""
	import frappe

	from event_streaming.consumer.pull import by_hand

	chance, settled = random.Random(seed), 0
	for name in frappe.get_all("Event Sync Log", {"status": "Conflict"}, pluck="name", limit=20):
		row = frappe.get_doc("Event Sync Log", name)
		# one that was settled may have brought the next one of its document along
		if row.status == "Conflict":
			choices = {each["key"]: chance.choice(by_hand.SIDES) for each in json.loads(row.conflicts)}
			settled += by_hand.patiently(by_hand.settle, name, choices) != "Conflict"
	return settled


def set_paused(event_producer: str, paused: int) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.paused = paused
	doc.save()


def long_work(kind: str, event_producer: str, doctypes: list[str]) -> dict:
	"""A verify or a first copy, to its end or for some slices."""
	import frappe

	from event_streaming.consumer.first_copy import copying
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.verify import verifying

	name = {"verify": verifying, "copy": copying}[kind].begin(event_producer, doctypes).name
	frappe.db.commit()
	for _slice in range(20):
		if not (done := run_slice(name, seconds=5)).more:
			break
	return {"status": done.task.status, "message": done.task.message}


def verify_and_repair(event_producer: str, doctypes: list[str]) -> dict:
	"""Also what the producer does not have any more."""
	import frappe

	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.verify import repair

	compared = long_work("verify", event_producer, doctypes)
	name = repair.begin(event_producer, True).name
	frappe.db.commit()
	while (done := run_slice(name, seconds=5)).more:
		pass
	return {"verify": compared, "repair": {"status": done.task.status, "message": done.task.message}}


RULE = "the soak's rule "
# of a hundred moments, in so many a rule of the site refuses what is saved
RULES = {
	"Shop Ledger Entry": ("Before Insert", 8),
	**dict.fromkeys((ITEM, CUSTOMER, ORDER), ("Before Save", 12)),
}


def make_rules() -> None:
	"""This site refuses some of what is saved, at its start, in its middle or near its end: people's and what comes alike."""
	import frappe

	for doctype, (when, chance) in RULES.items():
		script = f"if int(frappe.utils.now()[-2:]) < {chance}: frappe.throw('refused by chance')"
		values = {"script_type": "DocType Event", "reference_doctype": doctype, "doctype_event": when}
		rule = {"doctype": "Server Script", "name": f"{RULE}{doctype}", "script": script, **values}
		frappe.get_doc(rule).insert(ignore_if_duplicate=True)
	frappe.clear_cache()


def forget_rules() -> None:
	import frappe

	for name in frappe.get_all("Server Script", {"name": ["like", f"{RULE}%"]}, pluck="name"):
		frappe.delete_doc("Server Script", name, force=True)
	frappe.clear_cache()


def hear_again() -> None:
	"""What was stored of failed calls is forgotten: as if the time of the next one had come."""
	import frappe

	frappe.db.sql(
		"UPDATE `tabEvent Consumer` SET notify_failures = 0, notify_after = NULL, not_reachable = 0"
	)
	frappe.db.sql("UPDATE `tabEvent Producer Last Update` SET failures = 0, next_pull = NULL")


def lock_rows(tables: list[str]) -> None:
	"""Somebody holds rows until the process is killed."""
	import frappe

	for table in tables:
		order = "ORDER BY name DESC" if "Last Update" not in table else ""
		frappe.db.sql(f"SELECT name FROM `{table}` {order} LIMIT 5 FOR UPDATE")
		time.sleep(0.2)
