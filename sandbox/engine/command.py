"""Inside a site: runs a command of the app as `bench --site <site> <command>` does.

Run by `python -m sandbox site <name> <command> …`.
"""

import importlib
import sys

import click

from sandbox.engine import entry
from sandbox.paths import APP


def main() -> None:
	entry.prepare()
	import frappe

	group = click.Group("site", help=f"Commands of {APP} on the site {entry.site_name()}.")
	for command in importlib.import_module(f"{APP}.commands").commands:
		group.add_command(command)
	context = frappe._dict(sites=[entry.site_name()], force=False, profile=False, verbose=False)
	group.main(args=sys.argv[1:], prog_name="site", obj=context)


if __name__ == "__main__":
	main()
