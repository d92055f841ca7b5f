"""Runs SPIN on a model of `tests/model`: makes the verifier, compiles it, lets it search, and reads what it says.

Knows nothing of what the models are about. A search that was cut off (depth, memory, time) is an error, never an answer.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.servers.packages import program

MODELS = Path(__file__).parent
# steps of one run of a model, megabytes, and seconds
DEEPEST, MEMORY, TIME = 500_000, 3_000, 240
COMPILED = ("-O1", "-w", "-DVECTORSZ=4096", f"-DMEMLIM={MEMORY}", "-DCOLLAPSE")
# assertions and ends that should not be; or cycles in which what has to come never does
SAFETY = (("-DSAFETY", "-DNOCLAIM"), ())
LIVENESS = (("-DNFAIR=3",), ("-a", "-f"))
CUT_OFF = (
	"max search depth too small",
	"reached -DMEMLIM bound",
	"out of memory",
	"resize hashtable",
	"too many",
)


@dataclass(frozen=True)
class Search:
	"""What a search has found. `unreached` are statements of the model, as the verifier lists them, that no run has come to."""

	errors: int
	states: int
	complete: bool
	violated: str
	unreached: list[str]
	said: str


def search(model: str, define: str, folder: Path, liveness: bool = False) -> Search:
	"""Search all that the model can do, with what `define` names put into it ("" for nothing), in a folder for its files."""
	compiled, asked = LIVENESS if liveness else SAFETY
	# spin itself calls gcc, for what is defined
	program("gcc")
	defines = [f"-D{define}"] if define else []
	_run([program("spin"), *defines, "-a", str(MODELS / f"{model}.pml")], folder)
	_run([program("gcc"), *COMPILED, *compiled, "-o", "pan", "pan.c"], folder)
	said = _run(["./pan", f"-m{DEEPEST}", *asked], folder)
	return read(said)


def read(said: str) -> Search:
	"""What the verifier's words come to."""
	errors, states = (
		re.search(r"errors: (\d+)", said),
		re.search(r"(\d+(?:\.\d+e\+\d+)?) states, stored", said),
	)
	if not errors or not states:
		raise ValueError(f"The search has ended without a result:\n{said}")
	violated = re.search(r"pan:\d+: (.*)", said)
	cut_off = "Search not completed" in said or any(words in said for words in CUT_OFF)
	unreached = re.findall(r"^\t(\w+\.pml:\d+, state \d+, .*)$", said, re.MULTILINE)
	return Search(
		int(errors[1]), int(float(states[1])), not cut_off, violated[1] if violated else "", unreached, said
	)


def _run(command: list[str], folder: Path) -> str:
	"""What a program says; raises when it fails or takes too long."""
	done = subprocess.run(
		command,
		cwd=folder,
		stdin=subprocess.DEVNULL,
		stdout=subprocess.PIPE,
		stderr=subprocess.STDOUT,
		text=True,
		timeout=TIME,
	)
	if done.returncode != 0:
		raise RuntimeError(f"{' '.join(command)}\n{done.stdout}")
	return done.stdout
