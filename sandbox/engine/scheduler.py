"""A site's scheduler: `python -m sandbox.engine.scheduler`. Queues what is due; the worker runs it.

Frappe's own scheduler loop looks every four minutes and at all sites of a bench. This one looks at one site,
every few seconds, so that a job with the cron line of every minute runs every minute.
"""

import time
import traceback

from sandbox.engine import entry

SECONDS_BETWEEN_LOOKS = 5


def main() -> None:
	entry.prepare()
	while True:
		try:
			queue_what_is_due()
		except Exception:
			traceback.print_exc()
		time.sleep(SECONDS_BETWEEN_LOOKS)


def queue_what_is_due() -> None:
	"""One look. `enqueue_events` has had three signatures: with the site, and without (the fork has two)."""
	import inspect

	frappe = entry.open_site()
	from frappe.utils import scheduler

	try:
		if scheduler.is_scheduler_inactive(verbose=False):
			return
		takes_site = bool(inspect.signature(scheduler.enqueue_events).parameters)
		scheduler.enqueue_events(entry.site_name()) if takes_site else scheduler.enqueue_events()
		frappe.db.commit()
	finally:
		frappe.destroy()


if __name__ == "__main__":
	main()
