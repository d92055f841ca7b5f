"""What a producer keeps of what it has sent ahead."""

from doctypes import CITY, ORDER


def test_what_is_sent_again_in_another_hour_counts_once(producer):
	answers = [
		("10:00", CITY, 5, False),
		("11:00", ORDER, 8, True),
		("12:00", ORDER, 8, True),
		# the clock is set back
		("10:30", ORDER, 9, True),
		("10:31", ORDER, 9, True),
		# of a DocType that was not taken ahead
		("12:30", CITY, 6, False),
		("12:31", ORDER, 8, False),
	]

	assert producer.run(count_all, answers=answers) == [1, 2, 2, 3, 3, 4, 4]


def count_all(answers: list) -> list[int]:
	"""How many events have counted after each of the answers."""
	from datetime import datetime
	from types import SimpleNamespace

	from event_streaming.producer.log import hours

	real, found = hours.now_datetime, []
	try:
		for clock, doctype, position, is_ahead in answers:
			now = datetime.fromisoformat(f"2026-11-29T{clock}")
			hours.now_datetime = lambda now=now: now
			event = SimpleNamespace(
				ref_doctype=doctype, position=position, at_position=position, steps=1, creation=now
			)
			hours.count_sent("http://somebody.example", [event], is_ahead)
			found.append(
				sum(
					each.events for each in hours.hours_since("http://somebody.example", datetime(2026, 1, 1))
				)
			)
	finally:
		hours.now_datetime = real
	return found
