"""Spans of open subscriptions say of every event what a row for each event would have said."""

import random

import pytest

from event_streaming.producer.log.spans import at_cursor, cover, parsed, say_too_much, written


class Feed:
	"""One subscription, its log, and a row for each event that was sent of it: what the spans are compared with."""

	def __init__(self, seed: int):
		self.random = random.Random(seed)
		self.head, self.cursor, self.approved_at = 0, 0, 0
		self.events: list[int] = []
		self.flows, self.is_open = True, True
		self.spans, self.sent_openly = (), set()

	def log(self) -> None:
		for _event in range(self.random.randint(1, 5)):
			self.head += 1
			if self.random.random() < 0.4:
				self.events.append(self.head)

	def page(self) -> None:
		"""As page.py: a page looks at some positions; of what does not flow, and of what it holds, the spans are noted."""
		# what lies beyond the cursor has not arrived
		self.sent_openly = {each for each in self.sent_openly if each <= self.cursor}
		if not self.flows:
			self.note(False)
			self.arrive(self.head)
			return
		reach = min(self.head, self.cursor + self.random.randint(1, 6))
		found = [each for each in self.events if self.cursor < each <= reach and each > self.approved_at]
		if found:
			self.note(self.is_open)
			if self.is_open:
				self.sent_openly.update(found)
		elif say_too_much(self.spans, self.cursor, self.approved_at):
			self.note(False)
		self.arrive(reach)

	def note(self, is_open: bool) -> None:
		self.spans = parsed(written(at_cursor(self.spans, self.cursor, is_open, self.approved_at)))

	def arrive(self, reach: int) -> None:
		"""The answer is taken, in part, or lost; or the consumer goes back to a backup."""
		kind = self.random.random()
		if kind < 0.7:
			self.cursor = reach
		elif kind < 0.85:
			self.cursor = self.random.randint(self.cursor, reach)
		elif kind < 0.9:
			self.cursor = self.random.randint(0, self.cursor)

	def decide(self) -> None:
		kind = self.random.random()
		if kind < 0.3:
			self.flows = False
		elif kind < 0.7:
			# a condition, or what was withdrawn: it starts anew where the log ends
			self.flows, self.approved_at = True, self.head
			self.is_open = self.random.random() < 0.6
		else:
			# hidden fields, rights of the user: nothing is approved anew
			self.is_open = not self.is_open

	def step(self) -> None:
		kind = self.random.random()
		if kind < 0.4:
			self.log()
		elif kind < 0.9:
			self.page()
		else:
			self.decide()


@pytest.mark.parametrize("seed", range(300))
def test_an_event_counts_as_taken_when_it_was_sent_openly_and_the_cursor_has_passed_it(seed):
	feed = Feed(seed)
	for _step in range(200):
		feed.step()
		by_rows = [each for each in feed.events if each in feed.sent_openly and each <= feed.cursor]
		assert [each for each in feed.events if cover(feed.spans, each, feed.cursor)] == by_rows, feed.spans


def test_while_a_subscription_is_open_nothing_is_written():
	begun = at_cursor((), 10, True, 4)

	assert begun == ((10, 0),)
	assert at_cursor(begun, 5_000, True, 4) == begun


def test_what_was_taken_before_a_condition_stays_known_and_what_came_after_does_not():
	spans = at_cursor(at_cursor((), 10, True, 4), 30, False, 40)

	assert [position for position in (9, 11, 30, 31, 50) if cover(spans, position, 60)] == [11, 30]


def test_a_consumer_that_goes_back_has_not_what_comes_after():
	spans = ((0, 10), (20, 40))

	assert at_cursor(spans, 25, False, 0) == ((0, 10), (20, 25))
	assert at_cursor(spans, 5, False, 0) == ((0, 5),)


def test_spans_do_not_grow_without_end():
	spans = tuple((number * 10, number * 10 + 5) for number in range(30))

	assert len(at_cursor(spans, 1_000, True, 205)) < 15


@pytest.mark.parametrize("text", [None, "", "[", "{}", "[1]", '[["a", 1]]', "[[1,2,3]]"])
def test_what_can_not_be_read_says_nothing(text):
	assert parsed(text) == ()
