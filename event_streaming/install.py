"""What has to be there once the app is installed. It makes no roles and no custom fields: those come with need."""

import frappe

from event_streaming.admin.alerts import make_notifications
from event_streaming.patches.v1_0 import take_over_older_app
from event_streaming.producer.streamed import forget_streamed_doctypes


def before_install() -> None:
	"""Take over what Frappe 13's or 14's own module has left: Frappe 15 removed its DocTypes but not their tables.

	A new installation runs no patches.
	"""
	if take_over_older_app.execute():
		# came with the DocTypes; Frappe makes it itself in a moment, and insists on that
		frappe.db.delete("Module Def", {"name": "Event Streaming"})


def after_install() -> None:
	"""Store the settings' defaults, have Frappe clear our logs, make the Notifications of alerts, forget what was cached
	by an earlier installation."""
	settings = frappe.get_single("Event Streaming Settings")
	settings.flags.ignore_permissions = True
	settings.save()
	# its validation takes over the `default_log_clearing_doctypes` of every app
	log_settings = frappe.get_single("Log Settings")
	log_settings.flags.ignore_permissions = True
	log_settings.save()
	make_notifications()
	forget_streamed_doctypes()
