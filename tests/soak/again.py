"""Checks the evidence of a run that is over again: `python -m tests.soak.again FOLDER`."""

import json
import sys
from pathlib import Path

from tests.soak.checker import check
from tests.soak.evidence import evidence_from


def main() -> int:
	findings = check(evidence_from(json.loads((Path(sys.argv[1]) / "evidence.json").read_text())))
	print("\n".join(map(str, findings)) or "nothing found")
	return int(bool(findings))


if __name__ == "__main__":
	sys.exit(main())
