"""The table on the terminal, and the same as JSON."""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure

HERE = Path(__file__).parent


def machine() -> dict[str, Any]:
	"""What the figures were taken on."""
	return {
		"system": platform.platform(),
		"processors": os.cpu_count(),
		"load before": round(os.getloadavg()[0], 2),
		"commit": git("rev-parse", "--short", "HEAD")
		+ (" and changes" if git("status", "--porcelain") else ""),
	}


def git(*words: str) -> str:
	done = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True)
	return done.stdout.strip()


def print_heading(about: dict[str, Any]) -> None:
	print(" · ".join(f"{key} {value}" for key, value in about.items()))
	print()
	print(f"{'what':<44} {'median':>10} {'middle half':>17}  {'to reach':<11} from")


def print_figure(figure: Figure) -> None:
	digits = ".2f" if figure.unit == "×" else ".4g"
	value = f"{figure.value:{digits}} {figure.unit}"
	spread = "" if figure.low is None else f"{figure.low:{digits}} – {figure.high:{digits}}"
	print(f"{figure.name:<44} {value:>10} {spread:>17}  {figure.target:<11} {figure.note}", flush=True)


def write_json(path: Path, about: dict[str, Any], figures: list[Figure]) -> None:
	path.parent.mkdir(parents=True, exist_ok=True)
	content = {"about": about, "figures": [figure.as_dict() for figure in figures]}
	path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
