"""`event-streaming match`: link documents that both sites have already, by Match By."""

import json

import click

from event_streaming.commands.terminal import (
	DONE,
	NEEDS_A_PERSON,
	chosen_producer,
	doctypes_option,
	on_site,
	producer_option,
)

# kind -> what it is called here
KINDS = {
	"linked": "linked before",
	"found": "to be linked",
	"ambiguous": "ambiguous",
	"taken": "taken by another document",
	"forbidden": "not writable for the Event Subscriber",
	"only_there": "only there",
	"only_here": "only here",
}
UNCLEAR = ("ambiguous", "taken", "forbidden")
LISTED = 10


@click.command("match")
@producer_option
@doctypes_option("A Document Type; may be repeated. Default: all approved that have Match By.")
@click.option("--apply", "apply", is_flag=True, help="Link them. Without it nothing is changed.")
@click.option(
	"--json", "as_json", is_flag=True, help="Print the result as JSON, with the first 100 of each kind."
)
@on_site
def match_command(event_producer: str | None, doctypes: tuple[str, ...], apply: bool, as_json: bool) -> int:
	"""Show which documents exist on both sites already, by Match By of the Event Producer's rows; --apply links them.

	Linking changes no document: a copy, or the next event of a document, brings the producer's values.

	\b
	Exit codes:
	  0  every document that both sites have is clear
	  1  it could not be done; the message says why
	  3  some are not clear: more than one has the same values, or one is taken already
	  4  a pull from the producer is running: try again in a moment
	"""
	from event_streaming.consumer.first_copy import linking

	name = chosen_producer(event_producer)
	work = linking.apply_match if apply else linking.preview_match
	answers = work(name, list(doctypes))
	if as_json:
		click.echo(json.dumps(answers, indent=1, ensure_ascii=False))
	else:
		for answer in answers:
			tell(answer)
	unclear = any(answer["counts"][kind] for answer in answers for kind in UNCLEAR)
	return NEEDS_A_PERSON if unclear else DONE


def tell(answer: dict) -> None:
	counts = answer["counts"]
	if "linked_now" in answer:
		click.echo(f"{answer['doctype']}: {answer['linked_now']} linked")
	parts = ", ".join(f"{counts[kind]} {label}" for kind, label in KINDS.items() if counts[kind])
	click.echo(f"{answer['doctype']} by {', '.join(answer['match_by'])}: {parts or 'nothing on either site'}")
	for kind in ("found", *UNCLEAR):
		for row in answer["rows"][kind][:LISTED]:
			values = ", ".join(row["values"])
			click.echo(f"  {KINDS[kind]}: {row['there']} (there) = {row['here']} (here): {values}")
		if counts[kind] > LISTED:
			click.echo(f"  {KINDS[kind]}: {counts[kind] - LISTED} more; --json shows 100")
