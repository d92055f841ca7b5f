"""Trouble that is seen minute after minute -> episodes: one for each, whatever comes and goes or is forgotten."""

from event_streaming.admin.episodes import (
	BEHIND,
	FAILED,
	LOOKS_TO_BEGIN,
	LOOKS_TO_END,
	UNREACHABLE,
	Episode,
	Trouble,
	look,
)

A, B = "https://a.example", "https://b.example"


class Watch:
	"""Looks again and again, with what a site would keep between two looks."""

	def __init__(self):
		self.going_on: list[Episode] = []
		self.counts: dict[str, int] = {}
		self.told: list[tuple[str, str, tuple[str, ...]]] = []

	def see(self, *troubles: tuple[str, str], times: int = 1) -> None:
		for _time in range(times):
			step = look(
				[Trouble(kind, site, f"{site}!") for kind, site in troubles], self.going_on, self.counts
			)
			self.counts = step.counts
			for found in step.begin:
				sites = tuple(each.site for each in found)
				self.told.append(("begins", found[0].kind, sites))
				self.going_on.append(Episode(str(len(self.told)), found[0].kind, sites))
			for episode in step.end:
				self.told.append(("is over", episode.kind, episode.sites))
				self.going_on.remove(episode)
			for left in step.left:
				self.going_on = [left if each.name == left.name else each for each in self.going_on]


def test_an_episode_is_told_once_when_it_begins_and_once_when_it_is_over():
	watch = Watch()

	watch.see((UNREACHABLE, A), times=500)
	watch.see(times=500)

	assert watch.told == [("begins", UNREACHABLE, (A,)), ("is over", UNREACHABLE, (A,))]


def test_what_is_seen_only_now_and_then_begins_nothing():
	watch = Watch()

	for _time in range(50):
		watch.see((UNREACHABLE, A), times=LOOKS_TO_BEGIN[UNREACHABLE] - 1)
		watch.see()

	assert watch.told == []


def test_a_line_that_comes_and_goes_is_one_episode():
	watch = Watch()

	for _time in range(50):
		watch.see((UNREACHABLE, A), times=LOOKS_TO_BEGIN[UNREACHABLE])
		watch.see(times=LOOKS_TO_END - 1)
	watch.see()

	assert watch.told == [("begins", UNREACHABLE, (A,)), ("is over", UNREACHABLE, (A,))]


def test_sites_that_fall_out_together_are_one_episode_until_all_are_back():
	watch = Watch()

	watch.see((UNREACHABLE, A), (UNREACHABLE, B), times=10)
	watch.see((UNREACHABLE, B), times=LOOKS_TO_END * 2)
	assert watch.told == [("begins", UNREACHABLE, (A, B))]
	watch.see(times=LOOKS_TO_END)

	assert watch.told[1:] == [("is over", UNREACHABLE, (B,))]


def test_a_site_that_is_back_and_falls_out_again_is_told_while_others_are_still_away():
	watch = Watch()
	watch.see((UNREACHABLE, A), (UNREACHABLE, B), times=10)

	# back for a moment only: the same episode
	watch.see((UNREACHABLE, B), times=LOOKS_TO_END - 1)
	watch.see((UNREACHABLE, A), (UNREACHABLE, B), times=100)
	assert watch.told == [("begins", UNREACHABLE, (A, B))]
	watch.see((UNREACHABLE, B), times=LOOKS_TO_END)
	watch.see((UNREACHABLE, A), (UNREACHABLE, B), times=100)

	assert watch.told[1:] == [("begins", UNREACHABLE, (A,))]


def test_another_site_and_another_kind_are_episodes_of_their_own():
	watch = Watch()

	watch.see((UNREACHABLE, A), times=10)
	watch.see((UNREACHABLE, A), (UNREACHABLE, B), (FAILED, A), times=10)

	assert watch.told == [
		("begins", UNREACHABLE, (A,)),
		("begins", FAILED, (A,)),
		("begins", UNREACHABLE, (B,)),
	]


def test_what_takes_longer_to_count_as_trouble_does():
	watch = Watch()

	watch.see((BEHIND, A), times=LOOKS_TO_BEGIN[BEHIND] - 1)
	assert watch.told == []
	watch.see((BEHIND, A))

	assert watch.told == [("begins", BEHIND, (A,))]


def test_counts_that_are_lost_make_it_later_and_never_twice():
	watch = Watch()
	watch.see((FAILED, A), times=10)
	watch.see(times=LOOKS_TO_END - 1)

	watch.counts = {}
	watch.see(times=LOOKS_TO_END - 1)
	assert watch.told == [("begins", FAILED, (A,))]
	watch.see()

	assert watch.told[1:] == [("is over", FAILED, (A,))]


def test_counts_are_kept_for_nothing_that_is_not_there():
	watch = Watch()
	watch.see((UNREACHABLE, A))
	watch.see()

	assert watch.counts == {}
