"""What the soak makes of what happens when nobody works any more."""

from types import SimpleNamespace

import pytest

from sandbox.errors import RemoteError
from tests.soak import world as soak
from tests.soak.storm import come_to_rest

QUIET = {"events": 0, "busy": 0, "more": 0, "error": ""}
FLOW = SimpleNamespace(source="p", target="c")


def world_that_answers(run) -> soak.World:
	"""Its sites give what `run` gives for the name of a function."""
	site = SimpleNamespace(run=lambda function, /, **_values: run(function.rpartition(".")[2]))
	lines = {letter: SimpleNamespace(url=f"http://{letter}") for letter in soak.NAMES}
	return soak.World(SimpleNamespace(site=lambda _name: site), SimpleNamespace(flows=[FLOW]), lines, None)


def test_a_resync_that_ends_with_an_error_is_found_and_does_not_end_the_soak():
	def run(name: str):
		if name == "resync_failed":
			raise RemoteError("TransactionLost", "the savepoint is gone", "Traceback")
		return {"make_retries_due": 0, "pull": QUIET, "open_rows": 1}[name]

	[found] = come_to_rest(world_that_answers(run))
	assert found == "a resync on c of p ended with TransactionLost: the savepoint is gone"


@pytest.mark.parametrize("taken_back", soak.TAKEN_BACK)
def test_what_the_database_takes_back_is_asked_again(monkeypatch, taken_back):
	"""A worker of the site still writes the rows that the soak itself makes due: one of the two is taken back."""
	monkeypatch.setattr(soak, "AGAIN_SECONDS", 0)
	left = {"make_retries_due": 2, "pull": 1, "open_rows": 1}

	def run(name: str):
		if left[name]:
			left[name] -= 1
			raise RemoteError(taken_back, "try restarting transaction", "Traceback")
		return {"make_retries_due": 0, "pull": QUIET, "open_rows": 0}[name]

	assert come_to_rest(world_that_answers(run)) == []
	assert not any(left.values())


def test_what_is_taken_back_for_ever_and_any_other_error_are_said(monkeypatch):
	monkeypatch.setattr(soak, "AGAIN_SECONDS", 0)
	calls = []

	def run(name: str):
		calls.append(name)
		raise RemoteError(name, "refused", "Traceback")

	world = world_that_answers(run)
	for kind, count in (("QueryDeadlockError", soak.TRIES + 1), ("ValidationError", 1)):
		with pytest.raises(RemoteError, match="refused"):
			# as people are told which site they are of
			world.run("c", kind, letter="c", function="create")
		assert calls.count(kind) == count
