"""Proof every morning: a verify that begins by itself, repairs what it may, and is told of in one mail."""

import pytest
from doctypes import CITY
from documents import insert, unique
from streams import SUBSCRIBER, pull, subscribe, wait_for

pytestmark = pytest.mark.usefixtures("orders")

ADDRESS, PERSON = "proof@example.com", "who-looks-after@example.com"


def forget_cities() -> None:
	"""What other tests have left of them would be compared, too."""
	import frappe

	frappe.db.delete(CITY)
	frappe.db.delete("Event Document Identity", {"local_doctype": CITY})
	frappe.db.commit()


def set_up(event_producer: str, policy: str = "Producer Wins", **values) -> None:
	import frappe

	doc = frappe.get_doc("Event Producer", event_producer)
	doc.update({"verify_from_hour": 0, "verify_report_to": "proof@example.com", **values})
	doc.producer_doctypes[0].conflict_policy = policy
	doc.save()


def night(event_producer: str) -> dict:
	"""Minute after minute until nothing more is begun, and the work between them; the mails of it."""
	import frappe

	from event_streaming.consumer.long_work import scheduled
	from event_streaming.consumer.long_work.runner import run_slice
	from event_streaming.consumer.tasks import task

	frappe.db.delete("Email Queue")
	frappe.flags.mute_emails = False
	sent, send = [], frappe.sendmail
	frappe.sendmail = lambda **mail: sent.append(mail)
	kinds = []
	try:
		while names := scheduled.go_on():
			frappe.db.commit()
			for name in names:
				kinds.append(task.load(name).kind)
				while run_slice(name).more:
					pass
		frappe.db.commit()
		again = scheduled.go_on()
	finally:
		frappe.sendmail = send
	kept = frappe.db.get_value(
		"Event Producer Last Update",
		{"event_producer": event_producer},
		["scheduled_for", "scheduled_task", "scheduled_part"],
	)
	return {
		"kinds": kinds,
		"again": again,
		"mails": [[mail["recipients"], mail["subject"], mail["message"]] for mail in sent],
		"for": str(kept[0]),
		"task": kept[1],
		"parts": kept[2],
	}


def another_day(event_producer: str) -> None:
	import frappe

	frappe.db.set_value(
		"Event Producer Last Update",
		{"event_producer": event_producer},
		"scheduled_for",
		frappe.utils.add_days(frappe.utils.today(), -1),
	)


def by_sql(names: list, country: str, days: int = 0) -> None:
	"""As SQL does it: no event, and no time stamp unless `days` from now are given."""
	import frappe

	for name in names:
		frappe.db.set_value(CITY, name, "country_name", country, update_modified=False)
		if days:
			when = frappe.utils.add_days(frappe.utils.now_datetime(), days)
			frappe.db.set_value(CITY, name, "modified", when, update_modified=False)


def countries(names: list) -> list:
	import frappe

	return [frappe.db.get_value(CITY, name, "country_name") for name in names]


@pytest.fixture
def cities(producer, consumer) -> list[str]:
	for site in (producer, consumer):
		site.run(forget_cities)
	subscribe(consumer, producer, CITY)
	names = [unique("City") for _each in range(3)]
	for name in names:
		producer.run(insert, doctype=CITY, title=name, country_name="Siam")
	pull(consumer, producer)
	return names


def test_a_report_for_nobody_in_particular_goes_to_people_and_to_no_user_of_a_connection(
	producer, consumer, cities
):
	"""Those that invitations have made have addresses at which nobody gets mail, and are System Managers as every subscriber."""
	left = "stream-ab12cd@event-streaming.invalid"
	consumer.run(make_manager, user=left)
	try:
		consumer.run(set_up, event_producer=producer.url, verify_by_itself="Every Day", verify_report_to="")
		alone = consumer.run(night, event_producer=producer.url)["mails"][0][0]
		consumer.run(make_manager, user=PERSON)
		consumer.run(another_day, event_producer=producer.url)
		found = consumer.run(night, event_producer=producer.url)["mails"][0][0]
	finally:
		consumer.run(forget_managers, users=[left, PERSON])

	# who uses the own account for a connection is told where there is nobody else
	assert alone == [SUBSCRIBER]
	assert PERSON in found and not {left, SUBSCRIBER}.intersection(found)


def make_manager(user: str) -> None:
	import frappe

	doc = frappe.get_doc({"doctype": "User", "email": user, "first_name": "A", "send_welcome_email": 0})
	doc.append("roles", {"role": "System Manager"})
	doc.insert()


def forget_managers(users: list) -> None:
	import frappe

	for user in users:
		frappe.delete_doc("User", user, force=True, ignore_missing=True)


def test_a_night_compares_repairs_what_it_may_and_mails_once(producer, consumer, cities):
	consumer.run(set_up, event_producer=producer.url)
	idle = consumer.run(night, event_producer=producer.url)
	consumer.run(
		set_up,
		event_producer=producer.url,
		verify_by_itself="Every Day",
		verify_repair="Missing and Different",
		policy="Newest Wins",
	)
	consumer.run(by_sql, names=cities[:1], country="Laos")
	consumer.run(by_sql, names=cities[1:2], country="Burma", days=1)

	done = consumer.run(night, event_producer=producer.url)

	assert (idle["kinds"], idle["mails"]) == ([], [])
	assert (done["kinds"], done["again"], done["task"]) == (["Verify", "Repair"], [], None)
	[[recipients, subject, text]] = done["mails"]
	assert recipients == [ADDRESS]
	assert "1 documents need a person" in subject
	assert "2 differed: 0 are missing here, 2 are different, 0 are only here." in text
	assert "1 were repaired. 1 need a person." in text
	# what was changed last here is a person's, where the policy is not that the producer wins
	assert cities[1] in text and cities[0] not in text
	assert consumer.run(countries, names=cities) == ["Siam", "Burma", "Siam"]

	consumer.run(
		set_up,
		event_producer=producer.url,
		verify_by_itself="Every Day",
		verify_repair="Missing and Different",
	)
	consumer.run(another_day, event_producer=producer.url)
	next_day = consumer.run(night, event_producer=producer.url)

	assert "1 documents differed, all are repaired" in next_day["mails"][0][1]
	assert consumer.run(countries, names=cities) == ["Siam"] * 3


def test_each_time_another_part_until_all_have_had_their_turn(producer, consumer, cities):
	consumer.run(set_up, event_producer=producer.url, verify_by_itself="Every Day", verify_share="A Seventh")
	consumer.run(by_sql, names=cities, country="Laos")

	differed, parts = 0, []
	for _night in range(7):
		done = consumer.run(night, event_producer=producer.url)
		parts.append(done["parts"])
		[[_recipients, _subject, text]] = done["mails"]
		differed += int(text.split(" differed:")[0].rsplit(">", 1)[1])
		assert f"This was part {done['parts']} of 7" in text
		consumer.run(another_day, event_producer=producer.url)

	assert parts == [1, 2, 3, 4, 5, 6, 7]
	assert differed == 3
	# nothing was allowed to be repaired
	assert consumer.run(countries, names=cities) == ["Laos"] * 3


def verify_of_the_night() -> None:
	"""Until it is done, and not yet followed by anything."""
	import frappe

	from event_streaming.consumer.long_work import scheduled
	from event_streaming.consumer.long_work.runner import run_slice

	[name] = scheduled.go_on()
	frappe.db.commit()
	while run_slice(name).more:
		pass


def follow_on(event_producer: str) -> str | None:
	from event_streaming.consumer.long_work import scheduled

	return scheduled.follow(event_producer)


def somebody_waits() -> bool:
	import frappe

	statements = (str(each.Info).lower() for each in frappe.db.sql("show full processlist", as_dict=True))
	return any("for update" in each and "event producer last update" in each for each in statements)


def scheduled_task(event_producer: str) -> str | None:
	import frappe

	return frappe.db.get_value(
		"Event Producer Last Update", {"event_producer": event_producer}, "scheduled_task"
	)


@pytest.mark.mariadb("the second one is refused there, and goes on a minute later")
def test_of_two_that_follow_a_verify_at_once_one_begins_the_repair_and_it_is_not_forgotten(
	producer, consumer, cities
):
	consumer.run(
		set_up,
		event_producer=producer.url,
		verify_by_itself="Every Day",
		verify_repair="Missing and Different",
	)
	consumer.run(by_sql, names=cities[:1], country="Laos")
	consumer.run(verify_of_the_night)
	first, second = consumer.shell(), consumer.shell()

	begun = first.run(follow_on, event_producer=producer.url, commit=False)
	waiting = second.start(follow_on, event_producer=producer.url)
	wait_for(lambda: consumer.run(somebody_waits), "the second one at the lock")
	first.commit()

	assert begun and waiting.wait() is None
	assert consumer.run(scheduled_task, event_producer=producer.url) == begun
