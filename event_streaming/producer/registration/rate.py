"""How often one user may register: each registration makes this site call another one, so that it is counted."""

import frappe
from redis.exceptions import RedisError

from event_streaming.exceptions import TooManyRegistrations
from event_streaming.messages.coded import _
from event_streaming.site.claims import KEPT

# what a person or a pull does is a few; an administrator who sets up a row of DocTypes one by one stays far below
MOST, SECONDS = 60, 60


def count_registration() -> None:
	"""Count one of the user who asks. Raises TooManyRegistrations (429) beyond MOST in SECONDS."""
	key = frappe.cache.make_key(f"{KEPT}registrations:{frappe.session.user}")
	try:
		# in one transaction: a counter without an end would lock the user out for good
		pipe = frappe.cache.pipeline()
		pipe.set(key, 0, nx=True, ex=SECONDS)
		pipe.incr(key)
		counted = pipe.execute()[1]
	except RedisError:
		return
	if counted > MOST:
		frappe.throw(
			_(
				"{0} has registered more than {1} times within {2} seconds. Wait a minute, then try again."
			).format(frappe.session.user, MOST, SECONDS),
			TooManyRegistrations,
		)
