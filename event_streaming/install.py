"""What has to be there once the app is installed. It makes no custom fields: those come with need."""

import json

import frappe
from frappe.utils.password import get_encryption_key

from event_streaming.admin.alerts import make_notifications
from event_streaming.admin.navigation import stand_under_automation
from event_streaming.patches.v1_0 import note_keys_that_were_sent, take_over_older_app
from event_streaming.producer.subscriptions.streamed import forget_streamed_doctypes
from event_streaming.site.roles import make_role
from event_streaming.site.site_id import make_id_if_missing

# of the list of Event Sync Log, for everybody: name -> status
# name -> the filter of Event Sync Log: field, operator, value
SAVED_VIEWS = {
	"Failed": ("status", "=", "Failed"),
	"Retrying": ("status", "=", "Retrying"),
	"Waiting": ("status", "=", "Waiting"),
	"Conflicts": ("status", "=", "Conflict"),
	"Changed on Both Sites": ("conflict_type", "is", "set"),
}


def before_install() -> None:
	"""Take over what Frappe 13's or 14's own module has left: Frappe 15 removed its DocTypes but not their tables.

	A new installation runs no patches. The role is made before the DocTypes that name it.
	"""
	make_role()
	if take_over_older_app.execute():
		# came with the DocTypes; Frappe makes it itself in a moment, and insists on that
		frappe.db.delete("Module Def", {"name": "Event Streaming"})


def after_install() -> None:
	"""Make the key that secrets are stored with, store the settings' defaults, have Frappe clear our logs, make the
	Notifications of alerts, forget what was cached by an earlier installation."""
	make_encryption_key()
	settings = frappe.get_single("Event Streaming Settings")
	settings.flags.ignore_permissions = True
	settings.save()
	make_id_if_missing()
	# its validation takes over the `default_log_clearing_doctypes` of every app
	log_settings = frappe.get_single("Log Settings")
	log_settings.flags.ignore_permissions = True
	log_settings.save()
	# where before_install has taken over what there was
	note_keys_that_were_sent.execute()
	make_notifications()
	make_saved_views()
	stand_under_automation()
	forget_streamed_doctypes()


def make_encryption_key() -> None:
	"""After installing and migrating: have Frappe make the site's key, if it has none.

	On Frappe 16 two web processes of a new site can each make one at the first secret that is stored: one of them is written
	over, and what was encrypted with it can't be read any more.
	"""
	get_encryption_key()


def make_saved_views() -> None:
	"""What a person looks for in the list of events, ready to be picked there. One that is there already stays."""
	for name, condition in SAVED_VIEWS.items():
		view = {"reference_doctype": "Event Sync Log", "filter_name": name}
		if not frappe.db.exists("List Filter", view):
			filters = json.dumps([["Event Sync Log", *condition]])
			frappe.get_doc({"doctype": "List Filter", **view, "for_user": "", "filters": filters}).insert(
				ignore_permissions=True
			)
