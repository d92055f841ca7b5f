"""Both sites go on with the same two documents before they hear of each other: what was found in small, and sequences at random.

Each case has documents of its own, and many are played at once: whatever is wrong with one is said of that one.

	EVENT_STREAMING_CROSSINGS_SEED  the seed to begin with
	EVENT_STREAMING_CROSSINGS       how many sequences (8)
	EVENT_STREAMING_CROSSINGS_CASE  one case alone, as it is printed
	EVENT_STREAMING_SOAK_SECONDS    go on for so long, with fresh seeds (`make soak PYTEST_ARGS="-k at_random"`)
"""

import ast
import os
import random
import time
from dataclasses import dataclass

import pytest
from crossing_steps import (
	do_steps,
	forget_orders,
	make_due,
	queue_again,
	queue_nothing,
	what_is_open,
	what_is_there,
	what_was_said,
)
from doctypes import CITY, ORDER
from documents import unique
from streams import pull, subscribe

pytestmark = pytest.mark.usefixtures("orders", "no_orders")
SOAK_SECONDS = int(os.environ.get("EVENT_STREAMING_SOAK_SECONDS") or 0)
SEED = int(os.environ.get("EVENT_STREAMING_CROSSINGS_SEED") or 0)
HOW_MANY = int(os.environ.get("EVENT_STREAMING_CROSSINGS") or 8)
CASE = os.environ.get("EVENT_STREAMING_CROSSINGS_CASE")
VERBS = ["merge", "merge", "rename", "attach", "change", "delete", "remake"]

# where A and B were made; what was settled since; what each site does before it hears of the other
Case = tuple[list[str], list[str], list[str]]

FOUND: dict[str, Case] = {
	"merged into one that the other site has renamed": (["c A", "p B"], ["p rename A"], ["c merge B into A"]),
	"merged into one that was renamed by the site that deletes it": (
		["p A", "p B"],
		["c rename A"],
		["p merge B into A", "c delete A"],
	),
	"a file of one that the other site has renamed and merges": (
		["p A", "p B"],
		["c rename B"],
		["p attach B", "p rename A", "c merge B into A"],
	),
	"made again, and the new one is renamed": (
		["c A", "c B"],
		["c rename B"],
		["p merge B into A", "c remake B", "c rename B'"],
	),
	"made again, while it is merged into one that is renamed": (
		["p A", "c B"],
		[],
		["p rename B", "p remake A", "c merge A into B"],
	),
	"deleted, while it is merged into one that is renamed after": (
		["p A", "c B"],
		["p rename B"],
		["p delete B", "c merge B into A", "c rename A"],
	),
	"merged into one that was renamed, and made again": (
		["c A", "p B"],
		["p rename A"],
		["p merge B into A", "c remake A"],
	),
	"renamed and merged into, and made again": (
		["c A", "p B"],
		[],
		["p rename A", "p merge B into A", "c remake A"],
	),
	"renamed on both sites, and merged into": (
		["c A", "p B"],
		[],
		["p rename A", "c rename A", "p merge B into A"],
	),
	"renamed on both sites, and merged into by the one where it was made": (
		["c A", "p B"],
		[],
		["p rename A", "c rename A", "c merge B into A"],
	),
	"changed on both sites, and merged before that is settled": (
		["p A", "p B"],
		[],
		["p change B", "c change B", "c merge A into B"],
	),
}


@pytest.fixture
def no_orders(producer, consumer):
	for site in (producer, consumer):
		site.run(forget_orders)
		site.run(queue_nothing)
	yield
	for site in (producer, consumer):
		site.run(forget_orders)
		site.run(queue_again)


@dataclass
class Sites:
	"""Two sites that subscribe to each other; `first` says who hears of the other first."""

	producer: object
	consumer: object
	first: str = "told"

	@property
	def by_letter(self) -> dict:
		return {"p": self.producer, "c": self.consumer}

	@property
	def directions(self) -> list[tuple]:
		found = [(self.consumer, self.producer), (self.producer, self.consumer)]
		return found if self.first == "told" else found[::-1]

	def subscribe(self) -> None:
		for taker, giver in self.directions:
			subscribe(taker, giver, ORDER, CITY, use_same_name=1, conflict_policy="Newest Wins")

	def play(self, cases: list[Case]) -> dict[int, list[str]]:
		"""Number of the case -> what is wrong with it, and what was done."""
		prefixes = [unique("ORD") for _case in cases]
		notes: list[list[str]] = [[] for _case in cases]
		for phase in range(3):
			for letter, site in self.by_letter.items():
				todo = [
					(number, prefix, step)
					for number, prefix in enumerate(prefixes)
					for step in steps_of(cases[number], phase, letter)
				]
				results = site.run(do_steps, letter=letter, todo=[each[1:] for each in todo]) if todo else []
				for (number, prefix, step), result in zip(todo, results, strict=True):
					notes[number].append(f"{letter} {step} -> {result}".replace(prefix, "…"))
			at_rest = self.settle()
		wrong = self.look(prefixes)
		if not at_rest and not wrong:
			raise AssertionError("the two sites do not come to rest")
		return {number: [*faults, *notes[number]] for number, faults in wrong.items()}

	def settle(self) -> bool:
		for _round in range(12):
			for taker, _giver in self.directions:
				taker.run(make_due)
			if not sum(pull(taker, giver)["events"] for taker, giver in self.directions):
				return True
		return False

	def look(self, prefixes: list[str]) -> dict[int, list[str]]:
		there, here = (site.run(what_is_there) for site in (self.producer, self.consumer))
		opened = [(letter, *log) for letter, site in self.by_letter.items() for log in site.run(what_is_open)]
		found: dict[int, list[str]] = {}
		for number, prefix in enumerate(prefixes):
			faults = [
				f"{title}: {there.get(title)} on p, {here.get(title)} on c"
				for title in sorted({*there, *here})
				if title.startswith(prefix) and there.get(title) != here.get(title)
			]
			faults += [f"open on {each[0]}: {each[1:]}" for each in opened if each[1].startswith(prefix)]
			if faults:
				found[number] = [fault.replace(prefix, "…") for fault in faults]
		return found

	def shorter(self, case: Case) -> tuple[Case, list[str]]:
		"""The case without any step that it is wrong without."""
		wrong = self.play([case]).get(0, ["not so again, alone"])
		while True:
			fewer = [
				(case[0], case[1][:cut] + case[1][cut + 1 :], case[2]) for cut in range(len(case[1]))
			] + [(case[0], case[1], case[2][:cut] + case[2][cut + 1 :]) for cut in range(len(case[2]))]
			found = self.play(fewer)
			if not found:
				return case, wrong
			case, wrong = fewer[min(found)], found[min(found)]

	def told(self) -> str:
		rows = [
			f"{letter} {row}" for letter, site in self.by_letter.items() for row in site.run(what_was_said)
		]
		return "\n".join(rows)


def steps_of(case: Case, phase: int, letter: str) -> list[str]:
	mine = [step.partition(" ")[2] for step in case[phase] if step.startswith(letter)]
	return [f"make {which}" for which in mine] if phase == 0 else mine


def at_random(rng: random.Random) -> Case:
	made = {letter: rng.choice("pc") for letter in "AB"}
	settled = [f"{rng.choice('pc')} rename {rng.choice('AB')}" for _step in range(rng.randint(0, 1))]
	crossing = []
	for site in "pc":
		titles = ["A", "B"]
		crossing += [
			f"{site} {step_at_random(rng, site, titles, made)}" for _step in range(rng.randint(1, 3))
		]
	return [f"{site} {letter}" for letter, site in made.items()], settled, crossing


def step_at_random(rng: random.Random, site: str, titles: list[str], made: dict[str, str]) -> str:
	verb, which = rng.choice(VERBS), rng.choice(titles)
	if verb == "merge":
		return f"merge {which} into {rng.choice([each for each in titles if each != which])}"
	if verb == "remake" and made[which[0]] != site:
		# of two that are made under one name on both sites one is refused
		return f"change {which}"
	if verb == "remake":
		titles.append(f"{which}'")
	return f"{verb} {which}"


def said(case: Case, wrong: list[str]) -> str:
	return "\n".join([str(case), *(f"    {line[:1000]}" for line in wrong)])


@pytest.mark.parametrize("first", ["told", "heard"])
def test_what_was_found_leaves_the_same_on_both_sites(producer, consumer, first):
	sites = Sites(producer, consumer, first)
	sites.subscribe()

	wrong = sites.play(list(FOUND.values()))

	names = list(FOUND)
	assert not wrong, "\n".join(f"{names[number]}: {said((), lines)}" for number, lines in wrong.items())


@pytest.mark.timeout(600 + 2 * SOAK_SECONDS)
def test_sequences_at_random_leave_the_same_on_both_sites(producer, consumer):
	seed, deadline = SEED, time.monotonic() + SOAK_SECONDS
	while True:
		rng = random.Random(seed)
		sites = Sites(producer, consumer, rng.choice(["told", "heard"]))
		sites.subscribe()
		cases = [ast.literal_eval(CASE)] if CASE else [at_random(rng) for _number in range(HOW_MANY)]
		print(f"seed {seed}: {len(cases)} sequences, {sites.first}", flush=True)
		wrong = sites.play(cases)
		if CASE:
			print(sites.told())
		shown = [
			said(cases[number], lines) if CASE else said(*sites.shorter(cases[number]))
			for number, lines in [*wrong.items()][:5]
		]
		assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)}, seed {seed}, {sites.first}:", *shown])
		if time.monotonic() > deadline:
			return
		seed += 1
