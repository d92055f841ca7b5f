"""What a rehearsal relies on: every statement of Frappe goes through `frappe.db.sql`, where it can be replaced on one connection."""

import pytest
from documents import unique


@pytest.mark.mariadb("it is asked how many questions it has been asked")
def test_whatever_stands_in_the_place_of_sql_sees_every_statement(producer):
	seen, asked = producer.run(write_in_many_ways, title=unique("statement"))

	assert len(seen) == asked
	assert {"SAVEPOINT", "ROLLBACK", "RELEASE", "START", "INSERT", "UPDATE", "DELETE", "SELECT"} <= set(seen)


def write_in_many_ways(title: str) -> tuple[list[str], int]:
	"""The first words of the statements that were seen, and how many MariaDB has been asked."""
	import frappe

	database, seen = frappe.local.db, []
	original = database.sql

	def watched(query, *args, **kwargs):
		if kwargs.get("run", True):
			seen.append(str(query).split()[0].upper())
		return original(query, *args, **kwargs)

	def asked() -> int:
		return int(original("show session status like 'Questions'")[0][1])

	before = asked()
	database.sql = watched
	try:
		doc = frappe.get_doc({"doctype": "Note", "title": title}).insert()
		doc.db_set("content", "a")
		frappe.db.set_value("Note", doc.name, "content", "b")
		frappe.db.savepoint("here")
		table = frappe.qb.DocType("Note")
		frappe.qb.update(table).set(table.content, "c").where(table.name == doc.name).run()
		frappe.db.rollback(save_point="here")
		frappe.db.savepoint("there")
		frappe.db.release_savepoint("there")
		frappe.db.bulk_insert("Event Update Log Consumer", ["name", "parent"], [(title, title)])
		with frappe.db.unbuffered_cursor():
			list(frappe.db.sql("select name from tabNote", as_list=True, as_iterator=True))
		frappe.delete_doc("Note", doc.name, force=True)
		frappe.db.rollback()
	finally:
		del database.sql
	return seen, asked() - before - 1
