"""Whether both sites hold the same: every document that was streamed, field by field, and ledgers line by line.

What has to differ: a locally named document's name, in links too, and the fields that say where it came from; what
belongs to one site's own view (likes, tags, who has seen it) and its own numbering of trees; the stamps of rows
(each site writes its own; nothing shows them); and what a mapping says. What both sites have made by themselves,
accounts of a company for one, may differ in who made it and when, and an invoice in when its payment changed it.
Everything else has to be equal.
"""

from dataclasses import dataclass, field

from sandbox.demo.company import (
	BRANCH,
	COMPANY,
	CONTACT,
	CUSTOMER,
	HEAD_OFFICE,
	INVOICE,
	ITEM,
	LEDGER,
	OF_COMPANY,
	ORDER,
	PAYMENT,
	PRODUCT_DEFAULTS,
	PRODUCT_FIELDS,
	RECEIPT,
	RECEIPT_DEFAULTS,
	UNIT,
)
from sandbox.demo.sites import Side, Sites
from sandbox.sites.site import Site

READ = (COMPANY, *OF_COMPANY, ITEM, CUSTOMER, CONTACT, UNIT, ORDER, INVOICE, PAYMENT, RECEIPT)
LOCALLY_NAMED = (INVOICE, PAYMENT)
MADE_ON_BOTH = (COMPANY, *OF_COMPANY, CONTACT, UNIT)
WHERE_FROM = {"remote_docname", "remote_site_name"}
OWN_VIEW = {"_user_tags", "_comments", "_assign", "_liked_by", "_seen", "__last_sync_on"}
OF_TREES = {"lft", "rgt", "old_parent"}
WHO_AND_WHEN = {"owner", "creation", "modified", "modified_by"}
LINKS_TO_RENAMED = ("amended_from", "return_against", "reference_name")
STAMPS = ("owner", "creation", "modified", "modified_by", "docstatus")

Documents = dict[str, dict[str, dict]]


@dataclass
class Result:
	"""What was compared (DocType -> how many documents) and what differs, one sentence each."""

	compared: dict[str, int] = field(default_factory=dict)
	fields: int = 0
	lines: int = 0
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


def read(site: Site) -> Documents:
	return site.run(read_documents, doctypes=list(READ))


def ledger_of(side: Side, voucher: str) -> list[dict]:
	"""The lines that a voucher has posted, as they can be compared between sites."""
	fields = ["account", "cost_center", "party", "debit", "credit", "is_cancelled", "posting_date"]
	lines = side.admin.list(LEDGER, fields=fields, filters={"voucher_no": voucher}, limit=0)
	return sorted(
		lines, key=lambda line: (line["account"], line["debit"], line["credit"], line["is_cancelled"])
	)


def compare(sites: Sites, own_before: tuple[Documents, Documents]) -> Result:
	"""`own_before` is what each site had before anything was streamed: it has to be there as it was."""
	result = Result()
	office, branch = read(sites.office.site), read(sites.branch.site)
	_compare_masters(result, office, branch)
	_compare_company(result, office, branch, HEAD_OFFICE)
	_compare_company(result, branch, office, BRANCH)
	_compare_sales(result, sites, office, branch)
	receipts = by_origin(result, branch[RECEIPT], sites.office.url)
	orders = {name: doc for name, doc in office[ORDER].items() if doc["customer"] == BRANCH}
	_compare_each(result, RECEIPT, {name: as_receipt(doc) for name, doc in orders.items()}, receipts)
	for before, now, place in zip(own_before, (office, branch), ("head office", "branch"), strict=True):
		_check_own(result, before, now, place)
	return result


def _compare_masters(result: Result, office: Documents, branch: Documents) -> None:
	_compare_each(result, ITEM, office[ITEM], pick(branch[ITEM], office[ITEM]))
	for doctype in (CUSTOMER, CONTACT):
		_compare_each(result, doctype, office[doctype], pick(branch[doctype], office[doctype]))
	_compare_each(result, UNIT, office[UNIT], branch[UNIT])


def _compare_company(result: Result, there: Documents, here: Documents, company: str) -> None:
	"""The company and all that its life cycle has made."""
	_compare_each(result, COMPANY, pick(there[COMPANY], [company]), pick(here[COMPANY], [company]))
	for doctype in OF_COMPANY:
		_compare_each(
			result, doctype, of_company(there[doctype], company), of_company(here[doctype], company)
		)


def _compare_sales(result: Result, sites: Sites, office: Documents, branch: Documents) -> None:
	sold = of_company(branch[ORDER], BRANCH)
	_compare_each(result, ORDER, sold, of_company(office[ORDER], BRANCH))
	came, names = {}, {}
	for doctype in LOCALLY_NAMED:
		came[doctype] = by_origin(result, of_company(office[doctype], BRANCH), sites.branch.url)
		names |= {name: doc["name"] for name, doc in came[doctype].items()}
	for doctype in LOCALLY_NAMED:
		expected = {
			name: translated(doc, names)
			for name, doc in of_company(branch[doctype], BRANCH).items()
			if doc["docstatus"]
		}
		_compare_each(result, doctype, expected, came[doctype])
		for name in expected:
			_compare_ledger(result, sites, name, names.get(name, name))


def _compare_ledger(result: Result, sites: Sites, there: str, here: str) -> None:
	old, new = ledger_of(sites.branch, there), ledger_of(sites.office, here)
	result.lines += len(old)
	if not old or old != new:
		result.differences.append(
			f"{there} has posted {old} at the branch, as {here} {new} at the head office"
		)


def _check_own(result: Result, before: Documents, now: Documents, place: str) -> None:
	for doctype, documents in before.items():
		for name, doc in documents.items():
			if doctype not in MADE_ON_BOTH and not is_as_it_was(doc, now[doctype].get(name)):
				result.differences.append(f"{doctype} {name} is the {place}'s own and was changed or removed")


def is_as_it_was(before: dict, now: dict | None) -> bool:
	"""The subscription has added fields to the DocType; they are empty here."""
	return now is not None and now == {**before, **dict.fromkeys(WHERE_FROM & now.keys())}


def pick(documents: dict[str, dict], names) -> dict[str, dict]:
	return {name: documents[name] for name in names if name in documents}


def of_company(documents: dict[str, dict], company: str) -> dict[str, dict]:
	return {name: doc for name, doc in documents.items() if doc["company"] == company}


def by_origin(result: Result, documents: dict[str, dict], url: str) -> dict[str, dict]:
	"""Documents that came from the other site, by the name that they have there."""
	found: dict[str, dict] = {}
	for doc in documents.values():
		name = doc.get("remote_docname")
		if doc.get("remote_site_name") != url or not name or name in found:
			result.differences.append(f"{doc['doctype']} {doc['name']} stands for {name or 'nothing'}")
		else:
			found[name] = doc
	return found


def translated(doc: dict, names: dict[str, str]) -> dict:
	"""Links to documents that have another name on the other site."""
	doc = {key: names.get(value, value) if key in LINKS_TO_RENAMED else value for key, value in doc.items()}
	return {
		key: [translated(row, names) for row in value] if isinstance(value, list) else value
		for key, value in doc.items()
	}


def as_receipt(order: dict) -> dict:
	"""The goods receipt that an order for the branch has to become."""
	lines = [
		{
			"idx": row["idx"],
			"name": row["name"],
			**{here: row[there] for here, there in PRODUCT_FIELDS.items()},
			**PRODUCT_DEFAULTS,
		}
		for row in order["items"]
	]
	return {
		"doctype": RECEIPT,
		**{stamp: order[stamp] for stamp in STAMPS},
		**RECEIPT_DEFAULTS,
		"products": lines,
	}


def _compare_each(result: Result, doctype: str, there: dict[str, dict], here: dict[str, dict]) -> None:
	result.compared[doctype] = result.compared.get(doctype, 0) + len(there)
	for name in sorted(set(there) | set(here)):
		if name not in here:
			result.differences.append(f"{doctype} {name} has not arrived")
		elif name not in there:
			result.differences.append(f"{doctype} {name} is there, and should not be")
		else:
			_compare_fields(result, f"{doctype} {name}", there[name], here[name])


def _compare_fields(result: Result, what: str, there: dict, here: dict) -> None:
	doctype = there.get("doctype")
	left_out = OWN_VIEW | WHERE_FROM | OF_TREES
	if doctype in (*LOCALLY_NAMED, RECEIPT):
		left_out = left_out | {"name"}
	if doctype in MADE_ON_BOTH:
		left_out = left_out | WHO_AND_WHEN
	if doctype == INVOICE:
		# a payment's life cycle changes its invoice on both sites
		left_out = left_out | {"modified", "modified_by"}
	for fieldname in sorted(set(there) - left_out):
		old, new = there[fieldname], here.get(fieldname)
		if isinstance(old, list):
			_compare_rows(result, f"{what}, {fieldname}", old, new or [])
			continue
		result.fields += 1
		if old != new:
			result.differences.append(f"{what}: {fieldname} is {old!r} where it was made, {new!r} here")


def _compare_rows(result: Result, what: str, there: list[dict], here: list[dict]) -> None:
	if len(there) != len(here):
		result.differences.append(f"{what}: {len(there)} rows where it was made, {len(here)} here")
		return
	for number, (old, new) in enumerate(zip(there, here, strict=True), start=1):
		# the parent's name is compared with the parent
		row = {key: value for key, value in old.items() if key not in ("parent", *WHO_AND_WHEN)}
		_compare_fields(result, f"{what}, row {number}", row, new)
