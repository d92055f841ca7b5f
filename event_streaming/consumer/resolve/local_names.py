"""Names of documents on this site: which are here, and which DocTypes count theirs. It only reads."""

import unicodedata
from collections.abc import Iterable
from typing import Any

import frappe
from frappe.model.base_document import get_controller
from frappe.utils import cint

from event_streaming.consumer.resolve.rules import Namesake
from event_streaming.identity.registry import LocalKey

NAMES_PER_QUERY = 1_000
# names by these rules come from a counter or are random; the others say something
COUNTED = ("naming_series:", "autoincrement", "hash", "random", "uuid")


def doctype_exists(doctype: str) -> bool:
	return bool(frappe.db.exists("DocType", doctype, cache=True))


def is_single(doctype: str) -> bool:
	return bool(cint(frappe.get_meta(doctype).issingle))


def exists(local: LocalKey) -> bool:
	doctype, name = local
	return bool(is_single(doctype) or frappe.db.exists(doctype, name))


def written(local: LocalKey) -> str | None:
	"""The name of a document as it is written here: a database may find "a" for "A", and "u" for "ü"."""
	name = frappe.db.get_value(*local, "name")
	return None if name is None else str(name)


def is_counted(doctype: str) -> bool:
	"""Whether a DocType's names come from a counter or at random: the same name on two sites is then an accident."""
	meta = frappe.get_meta(doctype)
	if cint(meta.issingle) or cint(meta.get("is_virtual")):
		return False
	rule = (meta.autoname or "").lower()
	if not rule and not hasattr(get_controller(doctype), "autoname"):
		# Frappe gives a random one
		return True
	if rule.startswith(COUNTED) or "#" in rule:
		return True
	return bool(frappe.db.exists("Document Naming Rule", {"document_type": doctype, "disabled": 0}))


def existing_names(doctype: str, names: Iterable[str]) -> dict[str, str]:
	"""Those of `names` that are names of documents here, each with the name as it is written here."""
	return {name: found.name for name, found in namesakes(doctype, names).items()}


def namesakes(doctype: str, names: Iterable[str]) -> dict[str, Namesake]:
	"""Those of `names` that are names of documents here; one query for a thousand.

	Databases that take "a" and "A" for the same, and "u" and "ü", do so for names; what Frappe accepts as a link is accepted here.
	"""
	names = sorted(names)
	if not doctype_exists(doctype):
		return {}
	if is_single(doctype):
		return {name: Namesake(doctype, None) for name in names}
	if cint(frappe.get_meta(doctype).get("is_virtual")):
		# only the DocType's own code knows; Frappe asks it when the document is saved
		return {name: Namesake(name, None) for name in names}
	table = frappe.qb.DocType(doctype)
	found: dict[str, Namesake] = {}
	for start in range(0, len(names), NAMES_PER_QUERY):
		part = names[start : start + NAMES_PER_QUERY]
		rows: Any = (
			frappe.qb.from_(table).select(table.name, table.creation).where(table.name.isin(part)).run()
		)
		exact = {str(name): Namesake(str(name), creation) for name, creation in rows}
		found.update({name: exact[name] for name in part if name in exact})
		found.update(_in_another_spelling(doctype, [name for name in part if name not in exact], exact))
	return found


def _in_another_spelling(doctype: str, names: list[str], rows: dict[str, Namesake]) -> dict[str, Namesake]:
	"""Those of the names that the database takes for one of `rows`: only it knows, so that each that may be one is asked for alone.

	"Zürich" is "Zurich" to MariaDB, but "กรุง" is not "กรง", though either is the other with a mark. PostgreSQL takes all names
	for what they are.
	"""
	if frappe.db.db_type == "postgres":
		return {}
	alike = {folded(name) for name in rows}
	asked = {name: written((doctype, name)) for name in names if folded(name) in alike}
	return {name: rows[found] for name, found in asked.items() if found in rows}


def folded(name: str) -> str:
	"""The name without capitals and marks: two names that are not the same so are not looked at any further."""
	parts = unicodedata.normalize("NFKD", name.casefold())
	return "".join(each for each in parts if not unicodedata.combining(each))
