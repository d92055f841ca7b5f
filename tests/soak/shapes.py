"""Who subscribes to what, and who writes what: a star and a ring of three sites.

Each document has one site that owns it, and only people of that site write it; by a flow or two it comes to others. Besides, in the
star, tickets are written by the people of two sites that subscribe to each other. (Changes that meet in a ring are a known, open
matter: see docs/reliability.md.)
"""

from dataclasses import dataclass, field, replace

from tests.doctypes import ORDER, TICKET
from tests.soak.evidence import Flow
from tests.soak.kinds import KINDS, Role, roles_of, with_kinds

ITEM, CUSTOMER, INVOICE = "Shop Item", "Shop Customer", "Shop Invoice"
MASTERS = (ITEM, CUSTOMER, ORDER)
NAMES = {"p": "producer", "c": "consumer", "t": "third"}


@dataclass(frozen=True)
class Shape:
	"""`writes` says for each site whose documents of which DocType its people make and change."""

	name: str
	flows: tuple[Flow, ...]
	writes: dict[str, tuple[str, ...]]
	contested: dict[str, tuple[str, ...]]
	# who else is at work on each site, by a letter that they are called after
	roles: dict[str, dict[str, Role]] = field(default_factory=dict)


def shape_of(name: str, kinds: tuple[str, ...] = KINDS, seed: int = 0) -> Shape:
	"""A shape with all that these kinds need."""
	bare = SHAPES[name]()
	flows = with_kinds(name, bare.flows, kinds, seed)
	return replace(bare, flows=flows, roles={letter: roles_of(name, letter, kinds) for letter in NAMES})


def star() -> Shape:
	"""Masters go out from p, to c all that was changed together or none of it; invoices come in to p; p and c both write tickets."""
	return Shape(
		"star",
		(
			Flow("p", "c", (*MASTERS, TICKET), together=True),
			Flow("p", "t", MASTERS),
			Flow("c", "p", (INVOICE, TICKET)),
			Flow("t", "p", (INVOICE,)),
		),
		{"p": MASTERS, "c": (INVOICE,), "t": (INVOICE,)},
		{"p": (TICKET,), "c": (TICKET,), "t": ()},
	)


def ring() -> Shape:
	"""Each site makes all kinds, and takes all of what the one before it has."""
	everything = (*MASTERS, INVOICE)
	return Shape(
		"ring",
		tuple(Flow(source, target, everything) for source, target in ("pc", "ct", "tp")),
		dict.fromkeys("pct", everything),
		dict.fromkeys("pct", ()),
	)


SHAPES = {"star": star, "ring": ring}
