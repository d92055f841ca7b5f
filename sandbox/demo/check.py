"""Whether both sites hold the same: every document of the demo's DocTypes, field by field. Pure, but for reading.

What has to differ: a locally named document's name and the fields that say where it came from, what belongs to
one site's own view (likes, tags, who has seen it), the stamps of rows (each site writes its own; nothing shows
them), and what a mapping says. Everything else has to be equal, also the document's owner, creation and last
change, and the rows with their names and their order.
"""

from dataclasses import dataclass, field

from sandbox.demo.company import (
	CUSTOMER,
	DELIVERY,
	INVOICE,
	ITEM,
	PRODUCT_DEFAULTS,
	PRODUCT_FIELDS,
	RECEIPT,
	RECEIPT_DEFAULTS,
	RECEIPT_FIELDS,
	TERRITORY,
)
from sandbox.sites.site import Site

SAME_NAME = (TERRITORY, CUSTOMER, ITEM)
WHERE_FROM = {"remote_docname", "remote_site_name"}
OWN_VIEW = {"_user_tags", "_comments", "_assign", "_liked_by", "_seen", "__last_sync_on"}
ROW_STAMPS = ("owner", "creation", "modified", "modified_by")
STAMPS = ("owner", "creation", "modified", "modified_by", "docstatus")

Documents = dict[str, dict[str, dict]]


@dataclass
class Result:
	"""What was compared (DocType -> how many documents) and what differs, one sentence each."""

	compared: dict[str, int] = field(default_factory=dict)
	fields: int = 0
	differences: list[str] = field(default_factory=list)


def read_documents(doctypes: list[str]) -> dict:
	"""Runs inside a site: DocType -> name -> the whole document."""
	import frappe

	return {
		doctype: {
			name: frappe.get_doc(doctype, name).as_dict(convert_dates_to_str=True)
			for name in frappe.get_all(doctype, pluck="name", limit=0)
		}
		for doctype in doctypes
	}


def read_office(site: Site) -> Documents:
	return site.run(read_documents, doctypes=[*SAME_NAME, INVOICE, DELIVERY])


def read_branch(site: Site) -> Documents:
	return site.run(read_documents, doctypes=[*SAME_NAME, INVOICE, RECEIPT])


def compare(office: Documents, branch: Documents, own: Documents, office_url: str) -> Result:
	"""`own` is what the branch had before anything was streamed: it has to be there as it was."""
	result = Result()
	for doctype in SAME_NAME:
		_compare_each(
			result, doctype, expected(office, doctype), without(branch[doctype], own[doctype]), {"name"}
		)
	invoices = without(branch[INVOICE], own[INVOICE])
	_compare_each(result, INVOICE, expected(office, INVOICE), by_origin(result, invoices, office_url), set())
	receipts = by_origin(result, branch[RECEIPT], office_url)
	_compare_each(
		result, RECEIPT, {name: as_receipt(doc) for name, doc in office[DELIVERY].items()}, receipts, set()
	)
	for doctype, documents in own.items():
		for name, doc in documents.items():
			if not is_as_it_was(doc, branch[doctype].get(name)):
				result.differences.append(f"{doctype} {name} is the branch's own and was changed or removed")
	return result


def is_as_it_was(before: dict, now: dict | None) -> bool:
	"""The subscription has added fields to the DocType; they are empty here."""
	return now is not None and now == {**before, **dict.fromkeys(WHERE_FROM & now.keys())}


def expected(office: Documents, doctype: str) -> dict[str, dict]:
	"""Those documents of the head office that the branch has to have, by name."""
	submitted = {name: doc for name, doc in office[INVOICE].items() if doc["docstatus"] == 1}
	if doctype == INVOICE:
		return submitted
	if doctype == ITEM:
		return office[ITEM]
	customers = {doc["customer"] for doc in submitted.values()}
	if doctype == TERRITORY:
		customers = {office[CUSTOMER][name]["territory"] for name in customers}
	return {name: office[doctype][name] for name in customers}


def without(documents: dict[str, dict], own: dict[str, dict]) -> dict[str, dict]:
	return {name: doc for name, doc in documents.items() if name not in own}


def by_origin(result: Result, documents: dict[str, dict], office_url: str) -> dict[str, dict]:
	"""The branch's documents by the name that they have at the head office."""
	found: dict[str, dict] = {}
	for doc in documents.values():
		name = doc.get("remote_docname")
		if doc.get("remote_site_name") != office_url or not name or name in found:
			result.differences.append(
				f"{doc['doctype']} {doc['name']} at the branch stands for {name or 'nothing'}"
			)
		else:
			found[name] = doc
	return found


def as_receipt(delivery: dict) -> dict:
	"""The goods receipt that a delivery note has to become."""
	lines = [
		{
			"idx": row["idx"],
			"name": row["name"],
			**{here: row[there] for here, there in PRODUCT_FIELDS.items()},
			**PRODUCT_DEFAULTS,
		}
		for row in delivery["items"]
	]
	return {
		**{stamp: delivery[stamp] for stamp in STAMPS},
		**{here: delivery[there] for here, there in RECEIPT_FIELDS.items()},
		**RECEIPT_DEFAULTS,
		"products": lines,
	}


def _compare_each(
	result: Result, doctype: str, office: dict[str, dict], branch: dict[str, dict], also: set[str]
) -> None:
	result.compared[doctype] = len(office)
	for name in sorted(set(office) | set(branch)):
		if name not in branch:
			result.differences.append(f"{doctype} {name} is missing at the branch")
		elif name not in office:
			result.differences.append(f"{doctype} {name} is at the branch, but not at the head office")
		else:
			_compare_fields(result, f"{doctype} {name}", office[name], branch[name], also)


def _compare_fields(result: Result, what: str, there: dict, here: dict, also: set[str]) -> None:
	left_out = OWN_VIEW | WHERE_FROM | ({"name"} - also)
	for fieldname in sorted(set(there) - left_out):
		old, new = there[fieldname], here.get(fieldname)
		if isinstance(old, list):
			_compare_rows(result, f"{what}, {fieldname}", old, new or [])
			continue
		result.fields += 1
		if old != new:
			result.differences.append(
				f"{what}: {fieldname} is {old!r} at the head office, {new!r} at the branch"
			)


def _compare_rows(result: Result, what: str, there: list[dict], here: list[dict]) -> None:
	if len(there) != len(here):
		result.differences.append(f"{what}: {len(there)} rows at the head office, {len(here)} at the branch")
		return
	for number, (old, new) in enumerate(zip(there, here, strict=True), start=1):
		# the parent's name is compared with the parent
		row = {key: value for key, value in old.items() if key not in ("parent", *ROW_STAMPS)}
		_compare_fields(result, f"{what}, row {number}", row, new, {"name"})
