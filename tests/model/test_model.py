"""The models of the protocol hold, and each finds the known bugs that are put back into it.

No site is needed, only SPIN and gcc. What a model is about, and which code it stands for, is in its header.
"""

import re

import pytest

from tests.model.checker import MODELS, read, search

NAMES = sorted(path.stem for path in MODELS.glob("*.pml"))
# a model whose search is smaller has lost what it was to search
FEWEST_STATES = 10_000
# a process that goes on for ever has an end that it does not come to
NEVER_REACHED = re.compile(r'"-end-"$')


def defines(model: str, beginning: str) -> list[str]:
	"""What can be defined in a model, by what its header says."""
	header = (MODELS / f"{model}.pml").read_text().split("*/")[0]
	return list(dict.fromkeys(re.findall(rf"\b({beginning}_[A-Z_]+)", header)))


BUGS = [(model, bug) for model in NAMES for bug in defines(model, "BUG")]
LIMITS = [(model, limit) for model in NAMES for limit in defines(model, "KNOWN")]
WITH_LIVENESS = [
	model for model in NAMES if re.search(r"^ltl ", (MODELS / f"{model}.pml").read_text(), re.MULTILINE)
]


def is_a_property(violated: str) -> bool:
	"""Whether it is one of the model's own assertions: not a place beyond the end of an array."""
	return violated.startswith("assertion violated") and "array index" not in violated


@pytest.mark.parametrize("model", NAMES)
def test_a_model_holds_in_all_that_it_can_do(model, tmp_path):
	found = search(model, "", tmp_path)

	assert found.errors == 0, found.said
	assert found.complete, found.said
	assert found.states >= FEWEST_STATES, found.said
	# what no run comes to shows nothing
	assert [line for line in found.unreached if not NEVER_REACHED.search(line)] == []


@pytest.mark.parametrize("model", WITH_LIVENESS)
def test_what_has_to_come_comes_in_the_end(model, tmp_path):
	found = search(model, "", tmp_path, liveness=True)

	assert found.errors == 0, found.said
	assert found.complete, found.said
	assert found.states >= FEWEST_STATES, found.said


@pytest.mark.parametrize(("model", "bug"), BUGS)
def test_a_known_bug_that_is_put_back_is_found(model, bug, tmp_path):
	found = search(model, bug, tmp_path)

	assert found.errors > 0, found.said
	assert is_a_property(found.violated), found.said


@pytest.mark.parametrize(("model", "limit"), LIMITS)
def test_what_is_known_not_to_hold_does_not(model, limit, tmp_path):
	"""When this fails the limit is gone: take it out of the header and of docs/reliability.md."""
	found = search(model, limit, tmp_path)

	assert is_a_property(found.violated), found.said


@pytest.mark.parametrize("model", NAMES)
def test_each_model_has_a_bug_to_put_back_and_none_that_its_header_does_not_tell(model):
	whole = (MODELS / f"{model}.pml").read_text()
	used = set(re.findall(r"\b((?:BUG|KNOWN)_[A-Z_]+)", whole.split("*/", 1)[1]))
	told = {*defines(model, "BUG"), *defines(model, "KNOWN")}

	assert defines(model, "BUG")
	assert used == told


def test_a_search_that_was_cut_off_is_no_answer():
	said = "State-vector 20 byte, depth reached 9999, errors: 0\n 1234 states, stored\n"

	assert read(said).complete
	assert not read(f"error: max search depth too small\n{said}").complete
	assert not read(f"pan: reached -DMEMLIM bound\n{said}").complete
	assert not read(f"Warning: Search not completed\n{said}").complete
	with pytest.raises(ValueError, match="without a result"):
		read("Killed")
