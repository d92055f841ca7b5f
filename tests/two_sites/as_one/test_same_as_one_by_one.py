"""Whatever is done on the producer: a site that applies events as one ends as a site that applies them one by one, in its documents,
its ledgers and the order of their lines."""

import os
import random

import pytest
from doctypes import CITY, ORDER, with_orders
from documents import set_settings
from logs import sync_logs
from shop import (
	INVOICE,
	LEDGER,
	PAYMENT,
	comparable,
	differences_of,
	make_company,
	make_invoice,
	make_payment,
)
from streams import pull, subscribe

STEPS = 60


def history(seed: int, company: str, steps: int) -> None:
	"""Documents of several kinds are made, saved, submitted, paid, cancelled, renamed and deleted, one commit each."""
	import frappe

	prefix = company.rpartition(" ")[2]
	drawn, kept = random.Random(seed), {"orders": [], "cities": [], "invoices": []}

	def city():
		kept["cities"].append(
			frappe.get_doc({"doctype": CITY, "title": f"c{prefix} {len(kept['cities'])}"}).insert().name
		)

	def save_city():
		if kept["cities"]:
			shop_change(CITY, drawn.choice(kept["cities"]), country_name=str(drawn.random()))

	def order():
		values = {"title": f"o{prefix}", "rows": [{"item": "bolt", "qty": 1}]}
		values["city"] = drawn.choice(kept["cities"]) if kept["cities"] else None
		kept["orders"].append(frappe.get_doc({"doctype": ORDER, **values}).insert().name)

	def save_order():
		if kept["orders"]:
			doc = frappe.get_doc(ORDER, drawn.choice(kept["orders"][-3:]))
			if doc.docstatus < 2:
				doc.note = str(drawn.random())
			if doc.docstatus == 0:
				doc.total = drawn.randrange(100)
				doc.rows[drawn.randrange(len(doc.rows))].qty = drawn.randrange(9)
				doc.append("rows", {"item": str(drawn.random()), "qty": 2})
			if doc.docstatus < 2:
				doc.save()

	def submit_order():
		if kept["orders"]:
			doc = frappe.get_doc(ORDER, drawn.choice(kept["orders"][-3:]))
			if doc.docstatus < 2:
				doc.submit() if doc.docstatus == 0 else doc.cancel()

	def drop_order():
		if len(kept["orders"]) > 3:
			name = kept["orders"].pop(0)
			if frappe.db.get_value(ORDER, name, "docstatus") != 1:
				frappe.delete_doc(ORDER, name)

	def rename_city():
		if len(kept["cities"]) > 1:
			new = f"c{prefix} renamed {drawn.randrange(10**9)}"
			frappe.rename_doc(CITY, kept["cities"].pop(0), new)
			kept["cities"].append(new)

	def invoice():
		kept["invoices"].append(make_invoice(company, submit=False))

	def submit_invoice():
		drafts = [each for each in kept["invoices"] if frappe.db.get_value(INVOICE, each, "docstatus") == 0]
		if drafts:
			name = drawn.choice(drafts)
			if drawn.random() < 0.5:
				doc = frappe.get_doc(INVOICE, name)
				doc.items[0].qty += 1
				doc.save()
			frappe.get_doc(INVOICE, name).submit()

	def pay():
		booked = [each for each in kept["invoices"] if frappe.db.get_value(INVOICE, each, "docstatus") == 1]
		if booked:
			make_payment(drawn.choice(booked), 5)

	def shop_change(doctype, name, **values):
		doc = frappe.get_doc(doctype, name)
		doc.update(values)
		doc.save()

	doings = (
		*(city, save_city, save_city, order, order, save_order, save_order, save_order, submit_order),
		*(submit_order, drop_order, rename_city, invoice, invoice, submit_invoice, submit_invoice, pay),
	)
	for _number in range(steps):
		for doing in drawn.sample(doings, 1) * drawn.choice((1, 1, 2, 3)):
			frappe.db.savepoint("step")
			try:
				doing()
			except frappe.ValidationError:
				frappe.db.rollback(save_point="step")
			frappe.db.commit()


def everything(company: str) -> dict:
	"""All documents of the kinds that are streamed, and the ledger's lines in their order."""
	import frappe

	found, prefix = {}, company.rpartition(" ")[2]
	mine = {
		CITY: {"name": ["like", f"c{prefix} %"]},
		ORDER: {"title": f"o{prefix}"},
		**{doctype: {"company": company} for doctype in (INVOICE, PAYMENT)},
	}
	for doctype, filters in mine.items():
		for name in frappe.get_all(doctype, filters, pluck="name", limit=0, order_by="name asc"):
			doc = comparable(frappe.get_doc(doctype, name).as_dict(convert_dates_to_str=True))
			if doctype == INVOICE:
				# payments that are applied here stamp it by this site's clock
				doc.pop("modified")
			found[f"{doctype} {name}"] = doc
	fields = ["voucher_no", "account", "party", "debit", "credit", "is_cancelled", "posting_date"]
	lines = frappe.get_all(
		LEDGER, filters={"company": company}, fields=fields, limit=0, order_by="creation asc, name asc"
	)
	# of one voucher they are written at once
	vouchers = list(dict.fromkeys((line.voucher_no, line.is_cancelled) for line in lines))
	found["ledger"] = sorted(map(str, lines))
	found["order of vouchers"] = [list(each) for each in vouchers]
	return found


def differing(one: dict, other: dict) -> dict:
	found = {}
	for key in {*one, *other}:
		first, second = one.get(key), other.get(key)
		if isinstance(first, dict) and isinstance(second, dict):
			first, second = differences_of(second, first), []
		if first != second:
			found[key] = (first, second)
	return found


def make_cities(company: str) -> None:
	"""The first ones that the producer makes are here already, as something else."""
	import frappe

	for number in range(3):
		title = f"c{company.rpartition(' ')[2]} {number}"
		frappe.get_doc({"doctype": CITY, "title": title, "country_name": "its own"}).insert()


@pytest.mark.parametrize("match_by", ["", "name"])
@pytest.mark.parametrize("seed", range(int(os.environ.get("EVENT_STREAMING_SEEDS", "2"))))
def test_it_ends_as_one_by_one(producer, consumer, third, seed, match_by):
	with_orders(producer, consumer, third)
	# another one in each run: on a bench companies stay
	abbr = f"S{random.randrange(10**6)}"
	for site in (producer, consumer, third):
		company = site.run(make_company, abbr=abbr)
		if site is not producer:
			site.run(set_settings, events_per_commit=7)
			if match_by:
				site.run(make_cities, company=company)
	rows = [{"ref_doctype": each, "use_same_name": 1, "match_by": match_by} for each in (CITY, ORDER)]
	subscribe(consumer, producer, *rows, INVOICE, PAYMENT)
	subscribe(third, producer, *({**row, "one_by_one": 1} for row in rows), INVOICE, PAYMENT, one_by_one=1)
	producer.run(history, seed=seed, company=company, steps=STEPS)

	for site in (consumer, third):
		pull(site, producer)

	together, alone = (site.run(everything, company=company) for site in (consumer, third))
	differences = differing(together, alone)
	assert not differences, differences
	as_one = [row for row in sync_logs(consumer) if "Applied as one" in (row["outcome"] or "")]
	assert as_one
	assert len(together) > 20
	assert not [row for row in sync_logs(third) if "Applied as one" in (row["outcome"] or "")]
	statuses = [{(row["event_id"], row["status"]) for row in sync_logs(site)} for site in (consumer, third)]
	assert statuses[0] == statuses[1]
