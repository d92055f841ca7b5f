"""Which DocTypes are linked to by Dynamic Links, as Frappe finds out for a rename."""

import pytest
from documents import unique


@pytest.mark.parametrize("again", [False, True])
def test_a_first_link_of_its_kind_is_seen_only_by_who_looks_again(site, again):
	"""Nothing of Frappe has looked at the document: it was written as this app writes one that comes cancelled."""
	assert site.run(link_after_a_rename, name=unique("todo"), again=again) == (
		"later" if again else "at first"
	)


def link_after_a_rename(name: str, again: bool) -> str:
	import frappe

	from event_streaming.consumer.life_cycle.documents import look_for_dynamic_links_again

	note = frappe.get_doc({"doctype": "Note", "title": name}).insert().name
	frappe.db.delete("ToDo", {"reference_type": "Note"})
	look_for_dynamic_links_again()
	frappe.model.dynamic_links.get_dynamic_link_map()
	todo = frappe.get_doc(
		{"doctype": "ToDo", "description": name, "reference_type": "Note", "reference_name": note}
	)
	todo.set_new_name()
	todo.db_insert()
	if again:
		look_for_dynamic_links_again()
	frappe.rename_doc("Note", note, f"{note} later", force=True, show_alert=False)
	now = frappe.db.get_value("ToDo", todo.name, "reference_name")
	return {note: "at first", f"{note} later": "later"}[now]
