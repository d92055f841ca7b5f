"""Takes over what the older Event Streaming has left in this site's database: Frappe 13's and 14's own module, or the
app of the same name for Frappe 15.

Producers, consumers and mappings stay where they are and get what they lack; the two logs are copied into tables of the
new shape. Each step may be interrupted and run again, and does nothing when there is nothing (more) to take over.
"""

from event_streaming.patches.v1_0.older_app import (
	identities,
	origins,
	subscriptions,
	sync_log,
	tables,
	update_log,
)
from event_streaming.producer.subscriptions.streamed import forget_streamed_doctypes


def execute() -> bool:
	"""Run before the DocTypes are brought up to date. Returns whether there was anything to take over."""
	if not tables.move_logs_away():
		return False
	print("Event Streaming: taking over the data of the older app")
	tables.load_doctypes()
	update_log.take_over()
	sync_log.take_over()
	subscriptions.take_over()
	identities.take_over()
	origins.take_over()
	sync_log.settle_failed()
	tables.drop_kept_logs()
	forget_streamed_doctypes()
	return True
