"""`python -m sandbox.desk`: builds the Desk's bundles."""

import sys

from sandbox.desk import build_desk
from sandbox.errors import SandboxError
from sandbox.progress import say

if __name__ == "__main__":
	try:
		say(f"The Desk is in {build_desk()}")
	except SandboxError as error:
		sys.exit(f"\n{error}")
