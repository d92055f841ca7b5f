"""Draws mutants by lot: `python sampling.py PROJECT SEED MOST PACKAGE …` prints them as JSON, in the order in which they are to be run.

Runs in an environment of its own, which has cosmic-ray (requirements/mutation.txt), and imports nothing of the project. The packages
take turns; with the same seed and sources the list is always the same.
"""

import ast
import json
import random
import sys
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

# the first two take arguments that somebody has to think of; the last one stumbles over `except a.b:`
LEFT_OUT = ("core/VariableReplacer", "core/VariableInserter", "core/ExceptionReplacer")
# of the operators that cosmic-ray would put into each other's place
NEAR = ({"Add", "Sub"}, {"Mul", "Div"}, {"BitAnd", "BitOr"})
SAME = ("Is", "IsNot")
# module, operator, number of its place in the module
Place = tuple[Path, str, int]


def main() -> None:
	project, seed, most = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
	chance = random.Random(seed)
	waiting = []
	for package in sys.argv[4:]:
		places = [place for module in modules_of(project / package) for place in places_in(module)]
		chance.shuffle(places)
		waiting.append(places)
	found: list[dict] = []
	while len(found) < most and any(waiting):
		for places in filter(None, waiting):
			while places and not (mutant := mutated(project, *places.pop())):
				pass
			if mutant:
				found.append(mutant)
	print(json.dumps(found[:most]))


def modules_of(package: Path) -> list[Path]:
	if package.suffix:
		return [package]
	return sorted(path for path in package.glob("*.py") if path.name != "__init__.py")


def is_far_fetched(operator: str) -> bool:
	"""What nobody would write by mistake: a sum turned into a shift, texts compared with `is`. There are many of these."""
	kind, _, change = operator.partition("_")
	was, now = change.split("_") if change.count("_") == 1 else ("", "")
	if kind.endswith("BinaryOperator"):
		return {was, now} not in NEAR
	return kind.endswith("ComparisonOperator") and (was in SAME) != (now in SAME)


def places_in(module: Path) -> list[Place]:
	"""(module, operator, occurrence) of all that can be changed in it."""
	tree = get_ast(module.read_text())
	nodes = list(ast_nodes(tree))
	found = []
	for name in operator_names():
		if name in LEFT_OUT or is_far_fetched(name):
			continue
		operator = get_operator(name)()
		count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
		found += [(module, name, number) for number in range(count)]
	return found


def mutated(project: Path, module: Path, operator: str, occurrence: int) -> dict | None:
	"""None where the mutant does what the module does (only its annotations differ), or is no Python."""
	code = module.read_text()
	text = mutate_code(code, get_operator(operator)(), occurrence)
	if not text or meaning(text) in (meaning(code), None):
		return None
	lines, others = code.splitlines(), text.splitlines()
	at = next(number for number, (one, other) in enumerate(zip(lines, others, strict=False)) if one != other)
	return {
		"module": str(module.relative_to(project)),
		"operator": operator.removeprefix("core/"),
		"line": at + 1,
		"was": lines[at].strip(),
		"now": others[at].strip(),
		"text": text,
	}


class WithoutAnnotations(ast.NodeTransformer):
	def visit_arg(self, node):
		node.annotation = None
		return node

	def visit_FunctionDef(self, node):
		node.returns = None
		self.generic_visit(node)
		return node

	def visit_AnnAssign(self, node):
		self.generic_visit(node)
		node.annotation = ast.Constant(value=None)
		return node


def meaning(code: str) -> str | None:
	"""The same for two texts that do the same whatever types they claim; None for what can't be read."""
	try:
		return ast.dump(WithoutAnnotations().visit(ast.parse(code)))
	except SyntaxError:
		return None


if __name__ == "__main__":
	main()
