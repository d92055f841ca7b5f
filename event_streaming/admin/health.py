"""Whether this site can answer at all, for a load balancer, to anybody: ok or not, and nothing else.

It looks at the database and at Redis. Not at the streams: a node that can answer stays in use while a stream stands still;
`status`, the metrics and the alerts are for those.
"""

import json

import frappe
from redis.exceptions import RedisError
from werkzeug.wrappers import Response

from event_streaming.site.claims import redis_key

# however many ask, it is looked once in so many seconds; the others get what was seen then
REMEMBERED_SECONDS = 2


def health() -> Response:
	"""200 and {"ok": true}, or 503 and {"ok": false}."""
	ok = is_well()
	return Response(
		json.dumps({"ok": ok}),
		status=200 if ok else 503,
		content_type="application/json",
		headers={"Cache-Control": "no-store"},
	)


def is_well() -> bool:
	"""Nobody is refused for asking too often: another could then ask in a load balancer's name until that takes the node away."""
	key = redis_key("health", "")
	try:
		seen = frappe.cache.get(frappe.cache.make_key(key))
		if seen is not None:
			return seen == b"1"
		ok = database_answers()
		frappe.cache.setex(frappe.cache.make_key(key), REMEMBERED_SECONDS, int(ok))
	except RedisError:
		return False
	return ok


def database_answers() -> bool:
	series = frappe.qb.DocType("Series")
	try:
		frappe.qb.from_(series).select(series.name).limit(1).run()
	except Exception:
		# what the database says of itself is nobody's business
		return False
	return True
