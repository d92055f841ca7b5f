"""Commands that come to an end: run, and what they have printed is in the error when they fail."""

import subprocess
from collections.abc import Sequence
from typing import Any

from sandbox.errors import SandboxError

# of what a command has printed, its end
SHOWN = 6_000


def run_checked(command: Sequence[str], failure: str, **options: Any) -> str:
	"""What the command has printed on its output. `options` are those of subprocess.run; it reads nothing unless they say so.

	Raises SandboxError: `failure`, and below it what the command has said.
	"""
	if "input" not in options:
		options.setdefault("stdin", subprocess.DEVNULL)
	options.setdefault("stdout", subprocess.PIPE)
	options.setdefault("stderr", subprocess.PIPE)
	result = subprocess.run(command, text=True, errors="replace", **options)
	if result.returncode != 0:
		said = "\n".join(part.strip() for part in (result.stdout, result.stderr) if part)
		raise SandboxError(f"{failure}\n{said[-SHOWN:]}".rstrip())
	return result.stdout or ""
