"""The minute's sweep of a site with many producers: a bounded number of jobs, fair turns, and who is away costs the others nothing."""

import pytest

COUNT = 250


@pytest.fixture
def site(consumer):
	consumer.run(forget)
	yield consumer
	consumer.run(remove_producers)


def forget() -> None:
	import frappe

	for kind in ("kept:sweep", "slow", "queued"):
		for key in frappe.cache.get_keys(f"event_streaming:{kind}:"):
			frappe.cache.delete(key)
	empty_queues()


def empty_queues() -> None:
	"""Of the sweep's jobs."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	for queue in get_queue_list():
		for job in get_queue(queue).jobs:
			if job and "sweep_part" in str(job.kwargs.get("method")):
				job.delete()


def make_producers(count: int, away: int = 0) -> None:
	"""Their rows alone: nobody is called."""
	import frappe

	for number in range(count):
		url = f"http://shop{number:04}.example"
		frappe.get_doc({"doctype": "Event Producer", "producer_url": url, "name": url}).db_insert()
		state = {"event_producer": url, "failures": int(number < away), "connection": "Online"}
		frappe.get_doc({"doctype": "Event Producer Last Update", **state}).db_insert()
	frappe.db.commit()


def remove_producers() -> None:
	import frappe

	for doctype, field in (("Event Producer", "name"), ("Event Producer Last Update", "event_producer")):
		frappe.db.delete(doctype, {field: ["like", "http://shop%"]})
	frappe.db.commit()
	forget()


def sweep_a_minute(hanging: list | None = None, seconds_each: float = 0, backlog: str = "") -> dict:
	"""What one minute's sweep queues, and what those jobs do, each in its turn, with what they queue in turn."""
	from types import SimpleNamespace

	import frappe
	from frappe.utils import add_to_date, now_datetime

	from event_streaming.consumer.pull import sweep

	clock, jobs, asked, queued, slices = [0.0], [], [], [], []

	def pull(name: str, seconds: int = 0, patience: int = 0):
		waits = name in (hanging or ())
		asked.append([name, bool(patience)])
		clock[0] += (patience or 30) if waits else seconds_each
		later = add_to_date(now_datetime(), seconds=60)
		values = {"last_pull": now_datetime()}
		if waits:
			values = {} if patience else {"failures": 1, "next_pull": later}
		frappe.db.set_value(
			"Event Producer Last Update", {"event_producer": name}, values or {"docstatus": 0}
		)
		return SimpleNamespace(error="away" if waits else "", goes_on=name == backlog)

	kept = {each: getattr(sweep, each) for each in ("pull", "monotonic", "request_pull", "_queue")}
	sweep.pull, sweep.monotonic = pull, lambda: clock[0]
	sweep.request_pull, sweep._queue = queued.append, lambda part, parts, job: jobs.append((part, parts))
	try:
		sweep.pull_due()
		first = list(jobs)
		while jobs:
			part, began, before = jobs.pop(0), clock[0], len(asked)
			sweep.sweep_part(*part)
			slices.append([part[0], clock[0] - began, len(asked) - before])
			assert len(slices) < 1_000
	finally:
		for name, function in kept.items():
			setattr(sweep, name, function)
	return {"jobs": first, "asked": asked, "queued": queued, "slices": slices}


def test_a_few_have_a_job_each(site):
	site.run(make_producers, count=5)

	found = site.run(sweep_a_minute)

	assert len(found["queued"]) == 5 and not found["jobs"]


def test_many_are_asked_by_a_few_jobs_each_once(site):
	site.run(make_producers, count=COUNT)

	found = site.run(sweep_a_minute)

	assert len(found["jobs"]) == 3
	assert len({name for name, _quickly in found["asked"]}) == len(found["asked"]) == COUNT
	assert site.run(sweep_a_minute)["asked"] == []


def test_a_job_lets_others_have_their_turn_and_goes_on(site):
	site.run(make_producers, count=COUNT)

	found = site.run(sweep_a_minute, seconds_each=1)

	assert len(found["asked"]) == COUNT
	assert all(seconds <= 11 for _part, seconds, _asked in found["slices"])
	# one after the other: none has to wait until another part is done
	assert len({part for part, _seconds, _asked in found["slices"][:3]}) == 3


def test_who_does_not_answer_is_waited_for_shortly_and_then_apart(site):
	site.run(make_producers, count=COUNT, away=5)
	hanging = [f"http://shop{number:04}.example" for number in (1, 2, 100, 101)]

	found = site.run(sweep_a_minute, hanging=hanging)

	# those that failed before, and those that have not answered in time just now
	apart = {name for name, quickly in found["asked"] if not quickly}
	assert apart >= {f"http://shop{number:04}.example" for number in range(5)}
	assert apart <= {*(f"http://shop{number:04}.example" for number in range(5)), *hanging}
	for part, seconds, _asked in found["slices"]:
		assert seconds <= 6 or part == "away"
	again = site.run(sweep_a_minute, hanging=hanging)["asked"]
	assert all(name in hanging and not quickly for name, quickly in again)
	assert apart | {name for name, _quickly in again} >= set(hanging)


def test_a_backlog_goes_on_in_a_job_of_its_own(site):
	site.run(make_producers, count=30)

	assert site.run(sweep_a_minute, backlog="http://shop0007.example")["queued"] == [
		"http://shop0007.example"
	]


def test_one_that_breaks_ends_nobody_elses_turn(site):
	site.run(make_producers, count=30)

	assert site.run(sweep_with_one_that_raises, name="http://shop0007.example") == 29


def sweep_with_one_that_raises(name: str) -> int:
	from types import SimpleNamespace

	from event_streaming.consumer.pull import sweep

	asked = []

	def pull(each: str, **_how):
		if each == name:
			raise ValueError("broken")
		asked.append(each)
		return SimpleNamespace(error="", more=False)

	original, sweep.pull = sweep.pull, pull
	try:
		sweep.sweep_part("0", 1)
	finally:
		sweep.pull = original
	return len(asked)


def test_one_that_is_back_with_a_backlog_has_a_job_of_its_own_for_it(site):
	"""And no more of the time of those that are waited for than any other."""
	site.run(make_producers, count=30, away=1)

	assert site.run(seconds_of_a_turn, part="away") == [2]


def seconds_of_a_turn(part: str) -> list:
	from types import SimpleNamespace

	from event_streaming.consumer.pull import sweep

	asked = []

	def pull(_name: str, seconds=None, patience=None):
		asked.append(seconds)
		return SimpleNamespace(error="", goes_on=False)

	original, sweep.pull = sweep.pull, pull
	try:
		sweep.sweep_part(part, 1)
	finally:
		sweep.pull = original
	return asked


def minute() -> int:
	"""Jobs of the sweep that wait after what the scheduler does."""
	from frappe.utils.background_jobs import get_queue, get_queue_list

	from event_streaming.consumer.pull import sweep

	sweep.pull_due()
	jobs = [job for queue in get_queue_list() for job in get_queue(queue).jobs if job]
	return sum("sweep_part" in str(job.kwargs.get("method")) for job in jobs)


def test_a_sweep_that_waits_is_not_begun_again_and_one_that_the_queue_has_lost_is(site):
	site.run(make_producers, count=30)

	assert site.run(minute) == 1
	assert site.run(minute) == 1
	site.run(empty_queues)
	assert site.run(minute) == 1


def test_a_sweep_whose_worker_has_died_is_begun_again_within_the_minute(site):
	site.run(make_producers, count=30)

	found = site.run(die_at_work, part="0")

	# while it may be alive nobody else begins
	assert found["waiting"] == 0
	assert 0 < found["seconds_believed"] <= 60
	site.run(forget_marks)
	assert site.run(minute) == 1


def die_at_work(part: str) -> dict:
	"""As kill -9 ends it, while it asks a producer; how long others take it for alive."""
	import frappe

	from event_streaming.consumer.pull import sweep
	from event_streaming.site.claims import redis_key

	def die(*_args, **_how):
		raise KeyboardInterrupt

	original, sweep.pull = sweep.pull, die
	try:
		sweep.sweep_part(part, 1)
	except KeyboardInterrupt:
		pass
	finally:
		sweep.pull = original
	return {
		"waiting": minute(),
		"seconds_believed": frappe.cache.ttl(frappe.cache.make_key(redis_key("sweep", part))),
	}


def forget_marks() -> None:
	"""As their expiry does."""
	import frappe

	for key in frappe.cache.get_keys("event_streaming:kept:sweep:"):
		frappe.cache.delete(key)


def test_one_that_was_taken_for_lost_leaves_the_rest_to_the_one_that_began_after_it(site):
	site.run(make_producers, count=30)

	assert site.run(asked_by_one_at_work, part="0", then="another job") == 1
	site.run(forget_marks)
	# and where it is not known any more who is at work, the rest is asked by a new job
	assert site.run(asked_by_one_at_work, part="0", then="") == 1
	assert site.run(minute) == 1


def test_none_begins_where_one_is_at_work(site):
	site.run(make_producers, count=30)
	site.run(mark, part="0", text="another job")

	assert site.run(asked_by_one_at_work, part="0", then="") == 0


def mark(part: str, text: str) -> None:
	"""Who has the part, by what is kept of it."""
	import frappe

	from event_streaming.site.claims import redis_key

	key = frappe.cache.make_key(redis_key("sweep", part))
	if text:
		frappe.cache.set(key, text, ex=60)
	else:
		frappe.cache.delete(key)


def asked_by_one_at_work(part: str, then: str) -> int:
	"""How many it asks, if it is said to be another's part while it asks the first one."""
	from types import SimpleNamespace

	from event_streaming.consumer.pull import sweep

	asked = []

	def pull(name: str, **_how):
		asked.append(name)
		mark(part, then)
		return SimpleNamespace(error="", goes_on=False)

	original, sweep.pull = sweep.pull, pull
	try:
		sweep.sweep_part(part, 1)
	finally:
		sweep.pull = original
	return len(asked)
