"""Names of the policies for conflicts, also of single fields, and what kinds of conflict there are. Pure.

What a policy does: `Settler.winner` in apply/conflicts.py.
"""

from collections.abc import Mapping

PRODUCER_WINS, CONSUMER_WINS, NEWEST_WINS, ASK = "Producer Wins", "Consumer Wins", "Newest Wins", "Ask"
POLICIES = (PRODUCER_WINS, CONSUMER_WINS, NEWEST_WINS, ASK)

# kinds of conflict, as Event Sync Log has them
SAME_FIELD = "Both Changed a Field"
DELETED_HERE = "Deleted Here, Changed There"
DELETED_THERE = "Changed Here, Deleted There"
RENAMED = "Renamed on Both Sites"
MADE_AGAIN = "Deleted and Made Again Here"
MERGED_HERE = "Merged Here, Changed There"
SUBMITTED_HERE = "Submitted Here, Changed There"
SUBMITTED_THERE = "Changed Here, Submitted There"
KINDS = (
	SAME_FIELD,
	DELETED_HERE,
	DELETED_THERE,
	RENAMED,
	MADE_AGAIN,
	MERGED_HERE,
	SUBMITTED_HERE,
	SUBMITTED_THERE,
)


def policies_in(text: str | None) -> dict[str, str]:
	"""Field -> policy, as a person has typed them: `field: Policy`, separated by commas or line breaks. What is no policy is in it as
	it was typed, for `problem_of` to say so."""
	found: dict[str, str] = {}
	for entry in (text or "").replace(",", "\n").splitlines():
		name, _colon, policy = entry.partition(":")
		if name.strip():
			found[name.strip()] = next(
				(each for each in POLICIES if each.lower() == " ".join(policy.lower().split())),
				policy.strip(),
			)
	return found


def policy_for(table: str, fieldname: str, policies: Mapping[str, str], otherwise: str) -> str:
	"""The policy of one field ("" as its table: of the document itself): its own, its table's, or that of the whole row."""
	own = f"{table}.{fieldname}" if table else fieldname
	return policies.get(own) or (policies.get(table) if table else None) or otherwise
