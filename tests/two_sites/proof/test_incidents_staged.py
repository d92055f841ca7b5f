"""Incidents of docs/incidents.md that no other test stages: what stands still or breaks is said, and what it says mends it."""

import json
import os
import subprocess
import time

import pytest
from doctypes import CITY
from documents import insert, read_doc, unique
from fake_producer import FakeProducer
from fake_site import Authority
from shop import JOURNAL, company_on_both, ledger_of, make_journal
from streams import SUBSCRIBER, make_event_producer, make_subscriber, pull, subscribe


def standing(seconds: int = 0) -> list:
	"""Headline, its text, and what needs a person; with `seconds` as if the last contact had been so long ago."""
	import frappe

	from event_streaming.admin.status import site_status

	if seconds:
		contact = frappe.utils.add_to_date(frappe.utils.now_datetime(), seconds=-seconds)
		frappe.db.set_value("Event Producer Last Update", {"connection": "Online"}, "last_contact", contact)
	status = site_status()
	[row] = status["producers"]
	return [row["headline"]["label"], row["headline"]["text"], status["needs_attention"]]


@pytest.mark.usefixtures("cities_streamed")
def test_without_a_worker_the_headline_is_not_green_for_long_and_the_doctor_says_why(producer, consumer):
	pull(consumer, producer)
	assert consumer.run(standing)[0] == consumer.run(standing, seconds=600)[0] == "Up to Date"

	label, text, needs = consumer.run(standing, seconds=1200)
	done = consumer.command("event-streaming", "doctor", "--quiet")

	assert label == "Not Pulling" and "doctor" in text and len(needs) == 1 and producer.url in needs[0]
	assert consumer.command("event-streaming", "status").returncode == 3
	assert "No background worker takes jobs of the queue default" in done.stdout
	assert "→ Start one: bench worker --queue default" in done.stdout
	pull(consumer, producer)
	assert consumer.run(standing) == ["Up to Date", "", []]


def pull_on_a_full_disk(event_producer: str) -> list:
	"""Whatever adds a row is refused, as by a disk that is full; the error that the job ends with, and what is said then."""
	import frappe

	from event_streaming.consumer.pull.loop import pull

	original, said = frappe.db.sql, ""

	def full(query, *args, **kwargs):
		if str(query).lstrip().upper().startswith("INSERT"):
			raise frappe.db.OperationalError(1114, "The table is full")
		return original(query, *args, **kwargs)

	frappe.db.sql = full
	try:
		pull(event_producer)
	except Exception as error:
		said = str(error)
	finally:
		frappe.db.sql = original
	return [said, *standing()]


def pull_that_breaks(event_producer: str) -> list:
	"""A hook, or a fault of the app's own, ends each pull; what is said then."""
	from event_streaming.consumer.pull import loop

	original = loop.apply_page

	def broken(*args, **kwargs):
		raise RuntimeError("nobody expected this")

	loop.apply_page = broken
	try:
		loop.pull(event_producer)
	except RuntimeError:
		pass
	finally:
		loop.apply_page = original
	return standing()


@pytest.mark.usefixtures("cities_streamed")
def test_a_pull_that_ends_with_an_unexpected_error_is_said_until_one_has_come_to_its_end(producer, consumer):
	pull(consumer, producer)
	name = producer.run(insert, doctype=CITY, title=unique("City"))

	label, text, needs = consumer.run(pull_that_breaks, event_producer=producer.url)

	assert label == "Warning" and "RuntimeError" in text and any("RuntimeError" in line for line in needs)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=name)
	assert consumer.run(standing) == ["Up to Date", "", []]


def rooms(free: list) -> list:
	from event_streaming.admin.doctor import disk, this_site

	here = [finding.level for finding in this_site.examine() if finding.check == "disk"]
	return [here, *([found.level, found.message] for found in (disk.room("/srv", each) for each in free))]


@pytest.mark.mariadb("the disk of MariaDB is filled")
@pytest.mark.usefixtures("cities_streamed")
def test_a_full_disk_is_told_before_and_when_it_is_full_and_loses_nothing(producer, consumer):
	for site in (producer, consumer):
		here, scarce, full = site.run(rooms, free=[900 << 20, 10 << 20])
		assert here and set(here) == {"ok"}
		assert scarce[0] == "warning" and full[0] == "fault" and "Only 10 MB are free" in full[1]
	pull(consumer, producer)
	name = producer.run(insert, doctype=CITY, title=unique("City"))

	error, label, text, needs = consumer.run(pull_on_a_full_disk, event_producer=producer.url)

	assert "full" in error
	assert label == "Warning" and "disk is full" in text and any("disk is full" in line for line in needs)
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=name)
	assert consumer.run(standing) == ["Up to Date", "", []]


def look_at_certificates(url: str) -> dict:
	"""What the doctor says of a producer's connection, after a pull."""
	from event_streaming.admin.doctor.examination import examine
	from event_streaming.consumer.pull.loop import pull

	pull(url)
	return {
		each.check: [each.level, each.message]
		for each in examine(url)
		if each.check in ("certificate", "connection") and each.subject == url
	}


class Known(FakeProducer):
	"""It says of itself what a doctor asks, so that it is looked at further."""

	def content_for(self, request):
		if request.path.endswith("site_facts"):
			facts = {"site": self.url, "app": "0", "frappe": "0", "now": time.time()}
			return 200, json.dumps({"message": facts}).encode()
		return super().content_for(request)


def test_a_certificate_is_told_before_it_ends_and_when_it_has(consumer, orders, tmp_path):
	consumer.run(make_subscriber)
	ours = Authority()
	with Known(CITY) as fake:
		fake.speak_tls(ours.context(tmp_path, days=5))
		rows = [{"ref_doctype": CITY, "use_same_name": 1}]
		consumer.run(make_event_producer, url=fake.url, rows=rows, ca_certificate=ours.pem)
		found = consumer.run(look_at_certificates, url=fake.url)
		assert found["connection"][0] == "ok"
		assert found["certificate"][0] == "warning" and "ends on" in found["certificate"][1]

		fake.server.socket._context = ours.context(tmp_path, days=-1)

		assert consumer.run(standing)[0] == "Up to Date"
		level, message = consumer.run(look_at_certificates, url=fake.url)["connection"]
		assert level == "fault" and "certificate has expired. Renew it there" in message
		label, text, _needs = consumer.run(standing)
		assert label == "Offline" and "certificate has expired" in text


# ---- closed books


def freeze_books(until: str, role: str) -> None:
	import frappe

	if not frappe.db.exists("Role", role):
		frappe.get_doc({"doctype": "Role", "role_name": role}).insert()
	doc = frappe.get_doc("Shop Settings")
	doc.update({"books_frozen_until": until, "frozen_books_role": role})
	doc.save()


def give_role(user: str, role: str) -> None:
	import frappe

	frappe.get_doc("User", user).add_roles(role)


def test_a_voucher_for_frozen_books_waits_and_comes_when_they_are_opened_for_the_subscriber(
	producer, consumer
):
	company = company_on_both(producer, consumer)
	subscribe(consumer, producer, JOURNAL)
	consumer.run(freeze_books, until="2099-12-31", role="Books Opener")
	name = producer.run(make_journal, company=company, rows=1)
	pull(consumer, producer)
	# what the life cycle refuses is tried a few times
	for _try in range(3):
		consumer.command("event-streaming", "resync", "--producer", producer.url)

	[cause] = consumer.rest().method("event_streaming.api.causes")
	assert "not authorized to add or update entries before 2099-12-31" in cause["example"]["text"]
	assert (cause["doctype"], cause["count"]) == (JOURNAL, 1)
	assert consumer.run(standing)[0] in ("1 Failed", "1 Retrying")
	assert not consumer.run(ledger_of, voucher=name)

	consumer.run(give_role, user=SUBSCRIBER, role="Books Opener")
	consumer.rest().method("event_streaming.api.retry_cause", cause=cause["cause"])

	assert len(consumer.run(ledger_of, voucher=name)) == 2
	assert consumer.run(standing) == ["Up to Date", "", []]


# ---- a disk that is really full


@pytest.fixture
def small_disk(producer, tmp_path):
	"""A folder of 1 MB that is full, in place of the folder in which the producer's site keeps its files."""
	folder = producer.run(files_folder)
	if os.environ.get("EVENT_STREAMING_BENCH") or os.geteuid():
		pytest.skip("only root of the sandbox's machine can mount a small disk")
	mounted = subprocess.run(
		["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", folder], capture_output=True, text=True
	)
	if mounted.returncode:
		pytest.skip(f"this machine mounts no small disk: {mounted.stderr.strip()}")
	try:
		yield folder
	finally:
		subprocess.run(["umount", "-l", folder], check=True)


def files_folder() -> str:
	import os

	import frappe

	return os.path.abspath(frappe.get_site_path("private", "files"))


def attach(name: str, kilobytes: int) -> str:
	import frappe

	values = {"doctype": "File", "file_name": f"{frappe.generate_hash(length=8)}.txt", "is_private": 1}
	values |= {"attached_to_doctype": CITY, "attached_to_name": name}
	try:
		frappe.get_doc({**values, "content": frappe.generate_hash(length=10) * 100 * kilobytes}).insert()
		frappe.db.commit()
	except OSError as error:
		frappe.db.rollback()
		return str(error)
	return ""


@pytest.mark.usefixtures("cities_streamed")
def test_a_producer_whose_disk_is_really_full_says_so_and_loses_nothing_of_the_rest(
	producer, consumer, small_disk
):
	name = producer.run(insert, doctype=CITY, title=unique("City"))
	assert producer.run(attach, name=name, kilobytes=100) == ""
	pull(consumer, producer)

	assert "No space left" in producer.run(attach, name=name, kilobytes=3000)
	found = producer.command("event-streaming", "doctor", "--quiet")

	assert "MB are free on the disk" in found.stdout and small_disk in found.stdout, found.stdout
	# what needs no room on that disk goes on, and what could not be saved is no event
	other = producer.run(insert, doctype=CITY, title=unique("City"))
	pull(consumer, producer)
	assert consumer.run(read_doc, doctype=CITY, name=other)
	assert consumer.run(standing) == ["Up to Date", "", []]
