"""What people do to parcels, letters and places, and guests to what has come to their site. Runs inside a site, as `inside` does.

Names are few, and each is written in several ways, so that they are given again; which document it is, its token says.
"""

from tests.soak.kinds import LETTER, PARCEL, PLACE, WANTED
from tests.soak.rules.meddling import EDITED, TAKEN_AWAY
from tests.soak.sites.inside import NEWEST, TOKEN_FIELDS, Act

# MariaDB takes all of a row for the same name
SPELLINGS = (
	("anger ltd", "Anger Ltd", "Änger ltd"),
	("bolle", "BOLLE", "bölle"),
	("corso", "Corso", "Córso"),
	("dora sons", "Dora Sons", "Dóra sons"),
	("elan", "ELAN", "élan"),
	("furst", "Furst", "Fürst"),
	("grun", "GRUN", "grün"),
	("hotel", "Hotel", "hôtel"),
)


class Playing(Act):
	"""`of` is whose documents a guest meddles with."""

	def __init__(self, of: str = "", **values):
		super().__init__(**values)
		self.of = of
		self.doctype = self.doctypes[0]

	# ---- names

	def some_name(self) -> str:
		return f"{self.letter} {self.random.choice(self.random.choice(SPELLINGS))}"

	def free_name(self) -> str | None:
		"""One that no document has, in no spelling."""
		import frappe

		names = [self.some_name() for _try in range(4)]
		return next((name for name in names if not frappe.db.exists(self.doctype, name)), None)

	def rename(self, old: str, new: str, merge: bool = False):
		import frappe

		options = {"merge": merge, "show_alert": False, "rebuild_search": False}
		return frappe.rename_doc(self.doctype, old, new, **options)

	# ---- making

	def make_as(self, name: str):
		import frappe

		mark = self.next_mark()
		key = f"{self.letter}-{mark}"
		values = {"total": self.random.randint(0, 99), "rows": [{"item": key, "qty": 1}]}
		if self.doctype != PLACE:
			values[WANTED] = self.random.randint(0, 1)
		doc = frappe.get_doc({"doctype": self.doctype, **values, TOKEN_FIELDS[self.doctype]: f"{key}|{mark}"})
		doc.insert(set_name=name if self.doctype != LETTER else f"LET {key}")
		self.document = [self.doctype, doc.name]
		return doc

	def do_make(self):
		name = self.free_name()
		return name and self.make_as(name)

	# ---- changing

	def do_rows(self):
		doc = self.choose()
		if not doc:
			return None
		if doc.rows and self.random.random() < 0.4:
			doc.rows.pop(0)
		doc.append("rows", {"item": f"row {self.number}", "qty": self.random.randint(1, 9)})
		return self.do_change(doc)

	def do_toggle(self):
		doc = self.choose()
		if not doc:
			return None
		doc.set(WANTED, 1 - doc.get(WANTED))
		return self.do_change(doc)

	def do_toggle_in_database(self):
		doc = self.choose(lock=True)
		if doc:
			doc.db_set({WANTED: 1 - doc.get(WANTED), TOKEN_FIELDS[self.doctype]: self.token_for(doc)})
		return doc

	def do_attach(self):
		import frappe

		doc = self.choose()
		if not doc:
			return None
		content = f"file {self.process}.{self.number}"
		owner = {"attached_to_doctype": self.doctype, "attached_to_name": doc.name}
		values = {"file_name": f"{content}.txt", "content": content, "is_private": self.number % 2}
		return frappe.get_doc({"doctype": "File", **values, **owner}).insert()

	# ---- names given again

	def do_rename(self):
		doc = self.choose()
		new = f"LET {self.key_of(doc)} r{self.number}" if doc and self.doctype == LETTER else self.free_name()
		return doc and new and self.rename(doc.name, new)

	def do_respell(self):
		"""Capitals or accents alone."""
		doc = self.choose()
		if not doc:
			return None
		word = doc.name.removeprefix(f"{self.letter} ")
		others = next((each for each in SPELLINGS if word in each), ())
		new = self.random.choice([each for each in others if each != word] or [word])
		return new != word and self.rename(doc.name, f"{self.letter} {new}")

	def do_delete(self):
		import frappe

		doc = self.choose()
		if doc:
			self.note(doc, TAKEN_AWAY)
			frappe.delete_doc(self.doctype, doc.name)
		return doc

	def do_again(self):
		"""Deleted, and another one made under its name in the same transaction."""
		doc = self.do_delete()
		return doc and self.make_as(doc.name)

	def do_move_on(self):
		"""Renamed, and another one made under the name that it had."""
		doc, new = self.choose(), self.free_name()
		if not doc or not new:
			return None
		self.rename(doc.name, new)
		return self.make_as(doc.name)

	def do_swap(self):
		"""Two change their names."""
		one, other = self.choose(), self.choose()
		if not one or not other or one.name == other.name:
			return None
		aside = f"{self.letter} aside {self.process}.{self.number}"
		self.rename(one.name, aside)
		self.rename(other.name, one.name)
		return self.rename(aside, other.name)

	def do_merge(self):
		old, into = self.choose(), self.choose()
		if not old or not into or old.name == into.name:
			return None
		self.note(old, TAKEN_AWAY)
		self.rename(old.name, into.name, merge=True)
		return old

	def do_merge_and_make(self):
		old = self.do_merge()
		return old and self.make_as(old.name)

	def do_come_back_renamed(self):
		"""It does not fit, gets another name, and fits again, in one transaction."""
		import frappe

		doc, new = self.choose(), self.free_name()
		if not doc or not new:
			return None
		doc.set(WANTED, 0)
		self.do_change(doc)
		self.rename(doc.name, new)
		doc = frappe.get_doc(self.doctype, new)
		doc.set(WANTED, 1)
		return self.do_change(doc)

	def key_of(self, doc) -> str:
		return str(doc.get(TOKEN_FIELDS[self.doctype])).partition("|")[0]

	# ---- guests

	def came(self):
		"""One that has come, locked."""
		return self.of_site(self.of)

	def own(self):
		return self.of_site(self.letter)

	def of_site(self, letter: str):
		import frappe

		filters = {TOKEN_FIELDS[self.doctype]: ["like", f"{letter}-%"]}
		names = frappe.get_all(self.doctype, filters, order_by="creation desc", limit=NEWEST, pluck="name")
		if not names:
			return None
		doc = frappe.get_doc(self.doctype, self.random.choice(names), for_update=True)
		self.document = [self.doctype, doc.name]
		# another one may have come in its place
		return doc if self.key_of(doc).startswith(f"{letter}-") else None

	def note(self, doc, what: str) -> None:
		import frappe

		values = (doc.doctype, doc.name, what, doc.get(TOKEN_FIELDS[doc.doctype]))
		frappe.db.sql("INSERT INTO soak_version (doctype, name, op, token) VALUES (%s, %s, %s, %s)", values)

	def do_take_away(self, doc=None):
		import frappe

		doc = doc or self.came()
		if doc:
			self.note(doc, TAKEN_AWAY)
			frappe.delete_doc(self.doctype, doc.name)
		return doc

	def do_put_in_its_place(self):
		doc = self.do_take_away()
		return doc and self.make_as(doc.name)

	def do_edit(self):
		doc = self.came()
		if not doc:
			return None
		self.note(doc, EDITED)
		doc.total = self.random.randint(100, 199)
		return doc.save()

	def do_make_own(self):
		"""Under a name that the other site may give, too."""
		import frappe

		name = f"{self.of}{self.some_name().removeprefix(self.letter)}"
		return None if frappe.db.exists(self.doctype, name) else self.make_as(name)

	def do_change_own(self):
		doc = self.own()
		return doc and self.do_change(doc)

	def do_rename_own(self):
		doc = self.own()
		return doc and self.rename(doc.name, f"own {self.process}.{self.number}")

	def do_delete_own(self):
		doc = self.own()
		return doc and self.do_take_away(doc)


def act(what: str, **values) -> dict | None:
	"""As `inside.act`."""
	doing = Playing(**values)
	if not getattr(doing, "do_" + what)():
		return None
	return {"document": doing.document, "marks": doing.marks}


def make_doctypes() -> None:
	"""Parcels, letters and places. A place is named by a counter where its site names it by itself."""
	from tests.doctypes import ROW, make_doctype

	fields = [
		{"fieldname": "note", "label": "Note", "fieldtype": "Small Text"},
		{"fieldname": WANTED, "label": "Wanted", "fieldtype": "Check"},
		{"fieldname": "total", "label": "Total", "fieldtype": "Currency"},
		{"fieldname": "rows", "label": "Rows", "fieldtype": "Table", "options": ROW},
	]
	for name in (PARCEL, LETTER, PLACE):
		make_doctype(name, fields, autoname="format:KND-{#####}", allow_rename=1)
