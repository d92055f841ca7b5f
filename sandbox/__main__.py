"""`python -m sandbox`: two sites to play with, and commands on them."""

import signal
import subprocess
import sys
from pathlib import Path

import click

from sandbox.clean import main as remove_work_folder
from sandbox.desk import build_desk
from sandbox.engine.monoframe import ENGINE, ENGINE_VERSION, installed_version
from sandbox.errors import SandboxError
from sandbox.paths import PROJECT, work_folder
from sandbox.servers import packages, runs
from sandbox.sites.cluster import open_cluster
from sandbox.sites.environment import entry_environment
from sandbox.sites.template import ADMIN_PASSWORD


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
	"""Frappe sites on this machine, without a bench, with Event Streaming installed on them."""


@main.command()
@click.argument("names", nargs=-1)
@click.option("--without-app", is_flag=True, help="Bare Frappe sites, without Event Streaming.")
@click.option("--web-only", is_flag=True, help="No workers and no scheduler: nothing happens by itself.")
@click.option("--desk", is_flag=True, help="Build the Desk's scripts first, for a look with a browser.")
def up(names: tuple[str, ...], without_app: bool, web_only: bool, desk: bool) -> None:
	"""Bring up sites (default: producer and consumer) and keep them until Ctrl-C."""
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
	signal.signal(
		signal.SIGINT, signal.default_int_handler
	)  # also where a shell started us in its background
	if desk:
		build_desk()
	with open_cluster(list(names or ("producer", "consumer")), with_app=not without_app) as cluster:
		for site in cluster.sites.values():
			if not web_only:
				site.start_worker()
				site.start_scheduler()
			click.echo(f"{site.name:10} {site.url}   Administrator / {ADMIN_PASSWORD}")
		click.echo("Ctrl-C ends them and removes their data.")
		try:
			signal.pause()
		except KeyboardInterrupt:
			click.echo("")


@main.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def site(name: str, command: tuple[str, ...]) -> None:
	"""Run a command of the app on a site that is up, as `bench --site NAME COMMAND …` does.

	For example: python -m sandbox site producer event-streaming --help
	"""
	_become("sandbox.engine.command", _living_site(name), list(command))


@main.command()
@click.argument("name")
def shell(name: str) -> None:
	"""An interactive Python inside a site that is up."""
	_become("sandbox.engine.console", _living_site(name), [])


@main.command()
def check() -> None:
	"""Say whether all is there that the sandbox needs, and what is running."""
	missing = packages.missing(packages.SERVERS, packages.BUILD, packages.MODELS, packages.NODE)
	click.echo(f"Debian packages  {'missing: ' + ' '.join(missing) if missing else 'all there'}")
	click.echo(f"Engine           {ENGINE} {installed_version() or 'missing'} (needed: {ENGINE_VERSION})")
	click.echo(f"Work folder      {work_folder()}")
	for folder in runs.living_runs():
		names = ", ".join(sorted(path.name for path in folder.glob("sites/*"))) or "no sites"
		click.echo(f"Running          {folder.name}: {names}")
	if missing or installed_version() != ENGINE_VERSION:
		raise click.ClickException("`make tools` installs what is missing.")


@main.command()
def clean() -> None:
	"""End all runs and remove the work folder."""
	remove_work_folder()


def _living_site(name: str) -> Path:
	"""The folder of a site that is up; of several runs that have it, the latest."""
	found = [folder / "sites" / name for folder in runs.living_runs()]
	found = [folder for folder in found if folder.is_dir()]
	if not found:
		raise click.ClickException(
			f"No site {name} is up. `python -m sandbox up` brings up producer and consumer."
		)
	return found[-1]


def _become(module: str, site_folder: Path, arguments: list[str]) -> None:
	"""Runs a module inside the site, with our terminal, and ends with its exit code."""
	command = [sys.executable, "-m", module, *arguments]
	sys.exit(subprocess.call(command, cwd=PROJECT, env=entry_environment(ENGINE, site_folder)))


if __name__ == "__main__":
	try:
		main()
	except SandboxError as error:
		sys.exit(f"\n{error}")
