"""Exit code 0 when the Python that runs this can run the sandbox: 3.11 or later, with what makes environments and what compiles."""

import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

HEADER = Path(sysconfig.get_path("include"), "Python.h")

if __name__ == "__main__":
	suits = sys.version_info >= (3, 11) and find_spec("ensurepip") and find_spec("venv") and HEADER.exists()
	sys.exit(0 if suits else 1)
