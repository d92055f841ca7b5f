"""Between new code and the end of `migrate` our tables may not be there: other apps' work goes on all the same."""

import pytest


def test_renames_and_deleted_files_need_no_table_of_ours(producer):
	assert producer.run(without_table) == ["new name", 0]


def without_table() -> list:
	import frappe

	note = frappe.get_doc({"doctype": "Note", "title": "old name"}).insert()
	file = frappe.get_doc({"doctype": "File", "file_name": "gone.txt", "content": "gone"}).insert()
	frappe.db.commit()
	frappe.db.sql_ddl("ALTER TABLE `tabEvent Document Identity` RENAME TO `put_aside`")
	frappe.cache.delete_value("db_tables")
	try:
		new = frappe.rename_doc("Note", note.name, "new name", force=True)
		frappe.delete_doc("File", file.name)
		frappe.db.commit()
	finally:
		frappe.db.sql_ddl("ALTER TABLE `put_aside` RENAME TO `tabEvent Document Identity`")
		frappe.cache.delete_value("db_tables")
	frappe.delete_doc("Note", new)
	return [new, frappe.db.count("File", {"name": file.name})]


def test_users_are_saved_where_a_column_of_ours_is_not_there_yet(producer):
	assert producer.run(without_column) == "Saved"


def without_column() -> str:
	import frappe

	values = {"doctype": "User", "email": "early@example.com", "first_name": "Early"}
	user = frappe.get_doc({**values, "send_welcome_email": 0})
	frappe.db.sql_ddl("ALTER TABLE `tabEvent Consumer` RENAME COLUMN `listens` TO `put_aside`")
	frappe.clear_cache()
	try:
		user.insert()
		user.first_name = "Saved"
		user.save()
		frappe.db.commit()
	finally:
		frappe.db.sql_ddl("ALTER TABLE `tabEvent Consumer` RENAME COLUMN `put_aside` TO `listens`")
		frappe.clear_cache()
	saved = frappe.db.get_value("User", user.name, "first_name")
	frappe.delete_doc("User", user.name)
	return saved


def test_documents_are_saved_and_logged_without_the_columns_that_are_still_to_come(producer):
	assert producer.run(without_transaction) == ["Create", None]


def without_transaction() -> list:
	import frappe

	from event_streaming.producer.capture import log
	from tests.streams import stream

	stream("Note")
	# as in a process that has not written any event yet
	log._with_all_columns.clear()
	frappe.db.sql_ddl("ALTER TABLE `tabEvent Update Log` RENAME COLUMN transaction_id TO put_aside")
	try:
		note = frappe.get_doc({"doctype": "Note", "title": frappe.generate_hash()}).insert()
		frappe.db.commit()
	finally:
		frappe.db.sql_ddl("ALTER TABLE `tabEvent Update Log` RENAME COLUMN put_aside TO transaction_id")
	return list(
		frappe.db.get_value("Event Update Log", {"docname": note.name}, ["update_type", "transaction_id"])
	)


def test_streamed_documents_are_renamed_and_deleted_without_the_mark_of_what_was_deleted_here(producer):
	assert producer.run(without_mark) == ["Rename", "Delete"]


def without_mark() -> list:
	import frappe

	from event_streaming.identity import registry
	from tests.streams import stream

	stream("Note")
	note = frappe.get_doc({"doctype": "Note", "title": frappe.generate_hash()}).insert()
	frappe.db.commit()
	frappe.db.sql_ddl("ALTER TABLE `tabEvent Document Identity` RENAME COLUMN deleted_here TO put_aside")
	frappe.clear_cache()
	registry._with_mark.clear()
	try:
		new = frappe.rename_doc("Note", note.name, frappe.generate_hash(), force=True)
		frappe.delete_doc("Note", new)
		frappe.db.commit()
	finally:
		frappe.db.sql_ddl("ALTER TABLE `tabEvent Document Identity` RENAME COLUMN put_aside TO deleted_here")
		frappe.clear_cache()
	names = ["in", [note.name, new]]
	filters = {"docname": names, "update_type": ["!=", "Create"]}
	return frappe.get_all("Event Update Log", filters, pluck="update_type", order_by="name asc")


@pytest.mark.parametrize(
	("table", "column"),
	[("Event Producer Document Type", "not_sent"), ("Event Consumer Document Type", "unsubscribed")],
)
def test_documents_are_saved_where_what_is_streamed_or_managed_cant_be_read_yet(producer, table, column):
	assert producer.run(without_rows, table=table, column=column) == 1


def without_rows(table: str, column: str) -> int:
	import frappe

	from event_streaming.consumer.managed.rows import forget_managed
	from event_streaming.producer.subscriptions.streamed import forget_streamed_doctypes

	frappe.db.sql_ddl(f"ALTER TABLE `tab{table}` RENAME COLUMN `{column}` TO put_aside")
	# as in a process that has read neither
	forget_managed()
	forget_streamed_doctypes()
	try:
		note = frappe.get_doc({"doctype": "Note", "title": frappe.generate_hash()}).insert()
		frappe.db.commit()
	finally:
		frappe.db.sql_ddl(f"ALTER TABLE `tab{table}` RENAME COLUMN put_aside TO `{column}`")
		forget_managed()
		forget_streamed_doctypes()
	return frappe.db.count("Note", {"name": note.name})


def test_the_desk_opens_before_our_tables_are_there(producer):
	assert producer.run(desk_without_table) == {"event_streaming": {"doctypes": []}, "users": 1}


def desk_without_table() -> dict:
	import frappe

	from event_streaming.admin.document import boot

	frappe.db.sql_ddl("ALTER TABLE `tabEvent Document Identity` RENAME TO `put_aside`")
	opened = frappe._dict(user={"can_read": ["Note"]})
	try:
		boot(opened)
		# whatever Frappe and other apps tell the Desk after that
		opened["users"] = frappe.db.count("User", {"name": "Administrator"})
	finally:
		frappe.db.sql_ddl("ALTER TABLE `put_aside` RENAME TO `tabEvent Document Identity`")
	return {key: opened[key] for key in ("event_streaming", "users")}
