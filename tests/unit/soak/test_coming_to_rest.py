"""What the soak makes of what happens when nobody works any more."""

from types import SimpleNamespace

from sandbox.errors import RemoteError
from tests.soak.storm import come_to_rest


def test_a_resync_that_ends_with_an_error_is_found_and_does_not_end_the_soak():
	quiet = {"events": 0, "busy": 0, "more": 0, "error": ""}
	answers = {"make_retries_due": 0, "pull": quiet, "open_rows": 1}

	def run(function: str, **_arguments):
		name = function.rpartition(".")[2]
		if name == "resync_failed":
			raise RemoteError("TransactionLost", "the savepoint is gone", "Traceback")
		return answers[name]

	world = SimpleNamespace(
		shape=SimpleNamespace(flows=[SimpleNamespace(source="p", target="c")]),
		sites={"p": SimpleNamespace(run=run), "c": SimpleNamespace(run=run)},
		url=lambda letter: f"http://{letter}",
	)

	[found] = come_to_rest(world)
	assert found == "a resync on c of p ended with TransactionLost: the savepoint is gone"
