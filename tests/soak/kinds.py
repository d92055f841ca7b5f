"""What storms play besides: conditions, names that are given again, people on a site that takes. Their DocTypes, flows and roles.

- *Parcels* have a condition: only those that are wanted flow. Their site lets them come to fit and stop to, and renames, merges and
  deletes them meanwhile.
- *Letters* are written by two sites, of which one gives only those that are wanted.
- *Places* get the names that others had before, or that differ from them only in capitals or accents.
- *Guests* are people of a site that takes places: they delete what came, make one of their own under its name, and edit what came.
"""

import random
from dataclasses import dataclass, replace

from tests.soak.evidence import Flow

PARCEL, LETTER, PLACE = "Soak Parcel", "Soak Letter", "Soak Place"
KINDS_DOCTYPES = (PARCEL, LETTER, PLACE)
CONDITIONS, NAMES, GUESTS = "conditions", "names", "guests"
KINDS = (CONDITIONS, NAMES, GUESTS)
WANTED = "wanted"
CONDITION = f"doc.{WANTED} == 1"
KEEP, REMOVE = "Keep", "Remove"


@dataclass(frozen=True)
class Role:
	"""Somebody at work on a site: with which DocType, on whose documents, and how often what, of a hundred."""

	doctype: str
	weights: dict[str, int]
	contested: bool = False
	# whose documents they meddle with, where that is not their own site
	of: str = ""


NAMED = {"make": 16, "change": 20, "set_in_database": 5, "rows": 6, "attach": 6}
NAMED |= {
	"rename": 8,
	"respell": 5,
	"delete": 6,
	"again": 5,
	"move_on": 6,
	"swap": 3,
	"merge": 4,
	"merge_and_make": 3,
}
FITTING = {**NAMED, "toggle": 26, "toggle_in_database": 8, "come_back_renamed": 5}
WRITTEN = {
	"make": 14,
	"change": 24,
	"toggle": 26,
	"toggle_in_database": 6,
	"attach": 4,
	"rename": 5,
	"delete": 3,
}
MEDDLING = {"take_away": 10, "put_in_its_place": 14, "edit": 24}
MEDDLING |= {"make_own": 8, "change_own": 12, "rename_own": 8, "delete_own": 14}


def roles_of(shape: str, letter: str, kinds: tuple[str, ...]) -> dict[str, Role]:
	"""By a letter that the process of each is called after."""
	found = {}
	makes = shape == "ring" or letter == "p"
	if CONDITIONS in kinds and makes:
		found["q"] = Role(PARCEL, FITTING)
	if CONDITIONS in kinds and shape == "star" and letter in "pc":
		found["l"] = Role(LETTER, WRITTEN, contested=True)
	if {NAMES, GUESTS} & {*kinds} and makes:
		found["n"] = Role(PLACE, NAMED)
	if GUESTS in kinds and shape == "star" and letter in "ct":
		found["g"] = Role(PLACE, MEDDLING, of="p")
	return found


def with_kinds(shape: str, flows: tuple[Flow, ...], kinds: tuple[str, ...], seed: int) -> tuple[Flow, ...]:
	"""The flows, and what these kinds need of them; what becomes of what does not fit any more is by lot."""
	chance = random.Random(f"{seed} kinds")
	return tuple(one_with_kinds(shape, flow, kinds, chance) for flow in flows)


def one_with_kinds(shape: str, flow: Flow, kinds: tuple[str, ...], chance: random.Random) -> Flow:
	ends = chance.choice((KEEP, REMOVE))
	out = shape == "ring" or flow.source == "p"
	doctypes, conditions = list(flow.doctypes), dict(flow.conditions)
	if CONDITIONS in kinds and out:
		doctypes.append(PARCEL)
		conditions[PARCEL] = ends
	if CONDITIONS in kinds and shape == "star" and {flow.source, flow.target} == {"p", "c"}:
		doctypes.append(LETTER)
		conditions |= {LETTER: KEEP} if flow.source == "p" else {}
	if {NAMES, GUESTS} & {*kinds} and out:
		doctypes.append(PLACE)
	guests = (PLACE,) if GUESTS in kinds and shape == "star" and out else ()
	own = (PLACE,) if guests and flow.target == "t" else ()
	return replace(flow, doctypes=tuple(doctypes), conditions=conditions, guests=guests, own_names=own)
