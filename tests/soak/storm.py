"""One run: subscribe, let everybody loose with faults for so long, come to rest, look, check."""

import dataclasses
import json
import os
import time
from pathlib import Path

from sandbox.errors import RemoteError
from tests.soak import people
from tests.soak.again import RESULT
from tests.soak.checker import Finding, check
from tests.soak.evidence import Evidence, evidence_from
from tests.soak.faults.all_of_them import FAULTS, LINES, RESTORES, STANDING, USUAL, Fate
from tests.soak.history import OK
from tests.soak.kinds import KINDS
from tests.soak.shapes import shape_of
from tests.soak.world import INSIDE, LOOKING, World, open_world

REST_SECONDS = 90
# how long nothing may come when only notifications tell of it
TOLD_SECONDS = 25
PROBE_SECONDS = 1.5
# loading a backup takes some seconds; what people do after it is what is looked at
RESTORE_SECONDS, AFTER_RESTORE_SECONDS = 240, 20


@dataclasses.dataclass
class Plan:
	"""What a run is to be."""

	shape: str = "star"
	seconds: int = 120
	seed: int = 1
	faults: tuple[str, ...] = USUAL
	writers: int = 2
	probes: int = 3
	kinds: tuple[str, ...] = KINDS

	def command(self) -> str:
		return (
			f"make storm SECONDS={self.seconds} SHAPE={self.shape} SEED={self.seed} "
			f"FAULTS={','.join(self.faults) or 'none'} KINDS={','.join(self.kinds) or 'none'}"
		)


@dataclasses.dataclass
class Result:
	plan: Plan
	findings: list[Finding]
	operations: dict[str, int]
	faults: dict[str, int]
	events: int
	versions: int
	seconds: float

	def told(self) -> str:
		what = ", ".join(f"{count} {name}" for name, count in self.faults.items()) or "no faults"
		outcomes = ", ".join(f"{count} {name}" for name, count in self.operations.items())
		lines = [
			f"{self.plan.shape}, seed {self.plan.seed}: {sum(self.operations.values())} steps in {self.plan.seconds} s"
			f" ({outcomes}), {self.versions} states, {self.events} events taken, {what}; {self.seconds:.0f} s in all",
			*(f"  FOUND {finding}" for finding in self.findings),
			f"  again: {self.plan.command()}" if self.findings else "  nothing found",
		]
		return "\n".join(lines)

	def kept(self) -> dict:
		"""For the sum over runs: `python -m tests.soak.again`."""
		database = os.environ.get("EVENT_STREAMING_DATABASE", "")
		return {
			"shape": self.plan.shape,
			"seconds": self.plan.seconds,
			"seed": self.plan.seed,
			"faults": "all" if self.plan.faults == USUAL else ",".join(self.plan.faults) or "none",
			"kinds": ",".join(self.plan.kinds) or "none",
			"database": database,
			"steps": sum(self.operations.values()),
			"outcomes": self.operations,
			"states": self.versions,
			"events": self.events,
			"struck": sum(self.faults.values()),
			"found": list(dict.fromkeys(finding.kind for finding in self.findings)),
		}


def run(plan: Plan, folder: Path, say=print) -> Result:
	began = time.monotonic()
	with open_world(shape_of(plan.shape, plan.kinds, plan.seed), plan.seed, folder) as world:
		for name in plan.faults:
			FAULTS[name].prepare(world)
		world.subscribe()
		say(f"{plan.shape}, seed {plan.seed}: {plan.seconds} s begin after {time.monotonic() - began:.0f} s")
		storm(world, plan)
		# what never comes to rest does not do so the second time
		# what has come in for so long may take as long
		behind = come_to_rest(world, REST_SECONDS + plan.seconds)
		extra = behind or repaired(world) or [*told_in_time(world, plan), *come_to_rest(world)]
		evidence, raw = look(world)
	(folder / "evidence.json").write_text(json.dumps(raw))
	findings = [*check(evidence), *(Finding("never at rest", text) for text in extra)]
	result = summed_up(plan, evidence, findings, time.monotonic() - began)
	(folder / RESULT).write_text(json.dumps(result.kept(), indent=1))
	return result


def storm(world: World, plan: Plan) -> None:
	fates = []
	lines = [name for name in plan.faults if name in LINES]
	others = [name for name in plan.faults if name not in (*LINES, *RESTORES, *STANDING)]
	restores = [name for name in plan.faults if name in RESTORES]
	if restores:
		fates.append(Fate(world, plan.seed, restores, (8, 12)))
	if lines:
		fates.append(Fate(world, plan.seed, lines, (2, 8)))
	if others:
		fates.append(Fate(world, plan.seed, others, (0.2, 2.5)))
	people.lay_out(world)
	people.begin(world, plan.seed, plan.writers)
	for fate in fates:
		fate.start()
	time.sleep(plan.seconds)
	deadline = time.monotonic() + RESTORE_SECONDS
	while restores and not world.restored and time.monotonic() < deadline:
		time.sleep(0.5)
	if world.restored:
		time.sleep(max(0, max(world.restored.values()) + AFTER_RESTORE_SECONDS - world.history.now()))
	for fate in fates:
		fate.end()
	people.end(world)
	world.bring_up()


def told_in_time(world: World, plan: Plan) -> list[str]:
	"""With all processes up and nobody pulling by hand, what people save comes over by notifications alone, again and again."""
	for letter in world.sites:
		world.run(letter, f"{INSIDE}.hear_again")
	for probe in range(plan.probes):
		people.begin(world, plan.seed + 1000 + probe, 1, calm=True)
		time.sleep(PROBE_SECONDS)
		people.end(world)
		deadline, last = time.monotonic() + TOLD_SECONDS, None
		while (behind := behind_of(world)) and time.monotonic() < deadline:
			if behind != last:
				# something comes: how long it all takes, on a machine with more work than processors, nobody has promised
				deadline, last = time.monotonic() + TOLD_SECONDS, behind
			time.sleep(0.3)
		if behind:
			return [f"nobody was told: {each} after {TOLD_SECONDS} s" for each in behind]
	return []


def behind_of(world: World) -> list[str]:
	found = []
	for flow in world.shape.flows:
		head = world.run(flow.source, "tests.soak.sites.rest.wanted_head", consumer=world.url(flow.target))
		cursor = world.run(flow.target, "tests.soak.sites.rest.cursor", producer=world.url(flow.source))
		if cursor < head:
			found.append(f"{flow.target} is at {cursor} of {head} of {flow.source}")
	return found


def come_to_rest(world: World, seconds: float = REST_SECONDS) -> list[str]:
	"""Pull in every direction, retries made due, until nothing moves any more. What is open then, a person has tried again once."""
	deadline = time.monotonic() + seconds
	quiet, resynced = 0, False
	while time.monotonic() < deadline:
		moved, errors = 0, []
		for flow in world.shape.flows:
			moved += world.run(flow.target, f"{INSIDE}.make_retries_due")
			summary = world.run(flow.target, f"{INSIDE}.pull", event_producer=world.url(flow.source))
			moved += summary["events"] + summary["busy"] + summary["more"] + bool(summary["error"])
			errors += [summary["error"]] if summary["error"] else []
		quiet = 0 if moved else quiet + 1
		if quiet >= 2 and world.policy == "Ask":
			# whatever is settled goes to the other site
			settled = [world.run(letter, f"{INSIDE}.settle_conflicts", seed=0) for letter in world.sites]
			quiet = 0 if any(settled) else quiet
		if quiet >= 2:
			if resynced or not any(world.run(letter, f"{INSIDE}.open_rows") for letter in world.sites):
				return []
			resynced, quiet = True, 0
			for flow in world.shape.flows:
				try:
					world.sites[flow.target].run(
						f"{INSIDE}.resync_failed", event_producer=world.url(flow.source)
					)
				except RemoteError as error:
					# with nothing wrong around it any more, a resync ends with what has come of each event
					return [
						f"a resync on {flow.target} of {flow.source} ended with {str(error).splitlines()[0]}"
					]
	return [f"still moving after {seconds:.0f} s: {errors}"]


def repaired(world: World) -> list[str]:
	"""What was missed while it was not subscribed to is brought in line, and what follows from that comes to rest."""
	wrong = []
	# twice: in a ring, what one repair brings may be what the next site has missed
	for _round in range(2 if world.resubscribed else 0):
		for (target, source), doctypes in world.resubscribed.items():
			values = {"event_producer": world.url(source), "doctypes": list(doctypes)}
			with world.history.operation("repair", target, "repair", source=source) as line:
				line["result"] = world.run(target, f"{INSIDE}.verify_and_repair", **values)
				line["outcome"] = OK
		wrong += come_to_rest(world)
	return wrong


def look(world: World) -> tuple[Evidence, dict]:
	raw = {
		"shape": world.shape.name,
		"flows": [dataclasses.asdict(flow) for flow in world.shape.flows],
		"sites": {},
		"history": world.history.lines,
		"restored": world.restored,
	}
	for letter in world.sites:
		raw["sites"][letter] = {**world.run(letter, f"{LOOKING}.collect"), "url": world.url(letter)}
	return evidence_from(raw), raw


def summed_up(plan: Plan, evidence: Evidence, findings: list[Finding], seconds: float) -> Result:
	operations: dict[str, int] = {}
	faults: dict[str, int] = {}
	for line in evidence.history:
		if line["what"].startswith("fault "):
			faults[line["what"]] = faults.get(line["what"], 0) + 1
		else:
			operations[line["outcome"]] = operations.get(line["outcome"], 0) + 1
	operations = {OK: operations.pop(OK, 0), **operations}
	return Result(
		plan,
		findings,
		operations,
		faults,
		events=sum(len(site.sync_logs) for site in evidence.sites.values()),
		versions=sum(len(site.versions) for site in evidence.sites.values()),
		seconds=seconds,
	)
