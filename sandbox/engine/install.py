"""Installing, migrating and removing an app, in Frappe's own order of steps.

The fork installs only itself and removes nothing. The steps themselves (syncing DocTypes, fixtures, jobs,
patches) are the fork's, and so Frappe's.
"""

import json

import click
import monoframe
import monoframe.installer
import monoframe.migrate
import monoframe.model.sync
import monoframe.patches
from monoframe.model.module_utils import sync_customizations
from monoframe.model.sync import sync_for
from monoframe.utils.dashboard import sync_dashboards
from monoframe.utils.fixtures import sync_fixtures

from sandbox.engine import apps
from sandbox.engine.apps import FRAMEWORK, forget_hooks, get_hooks, get_installed_apps


def apply() -> None:
	installer = monoframe.installer
	installer.install_app = install_app
	installer.remove_app = remove_app
	installer.add_to_installed_apps = add_to_installed_apps
	installer.remove_from_installed_apps = remove_from_installed_apps
	monoframe.patches.get_all_patches = get_all_patches
	monoframe.model.sync.sync_all = sync_all
	monoframe.migrate.SiteMigration.pre_schema_updates = run_before_migrate


def install_app(name: str, verbose: bool = False, set_as_patched: bool = True, force: bool = False) -> None:
	"""Put back: any app can be installed."""
	app = apps.app_package(name)
	if not force and app in get_installed_apps():
		click.secho(f"App {name} already installed", fg="yellow")
		return
	monoframe.flags.in_install = app
	monoframe.flags.ignore_in_install = False
	monoframe.clear_cache()
	forget_hooks()
	hooks = monoframe._dict(apps.load_hooks(app))
	for required in hooks.required_apps or []:
		install_app(required.rpartition("/")[2])
	monoframe.flags.in_install = app
	if app != FRAMEWORK:
		monoframe.only_for("System Manager")
	if any(monoframe.get_attr(method)() is False for method in hooks.before_install or []):
		return
	_sync_new_app(app, force, set_as_patched)
	_after_install(app, hooks)
	monoframe.clear_cache()
	forget_hooks()
	monoframe.client_cache.erase_persistent_caches()
	monoframe.flags.in_install = False


def _sync_new_app(app: str, force: bool, set_as_patched: bool) -> None:
	if app != FRAMEWORK:
		for method in get_hooks("before_app_install"):
			monoframe.get_attr(method)(app)
		monoframe.installer.add_module_defs(app, ignore_if_duplicate=force)
	sync_for(app, force=force, reset_permissions=True)
	add_to_installed_apps(app)
	monoframe.get_doc("Portal Settings", "Portal Settings").sync_menu()
	if set_as_patched:
		monoframe.installer.set_all_patches_as_completed(app)


def _after_install(app: str, hooks: dict) -> None:
	from monoframe.core.doctype.scheduled_job_type.scheduled_job_type import sync_jobs

	for method in hooks.after_install or []:
		monoframe.get_attr(method)()
	for method in get_hooks("after_app_install"):
		monoframe.get_attr(method)(app)
	sync_jobs()
	sync_fixtures(app)
	sync_customizations(app)
	sync_dashboards(app)
	for method in hooks.after_sync or []:
		monoframe.get_attr(method)()


def add_to_installed_apps(app_name: str, rebuild_website: bool = True) -> None:
	"""Put back: the fork has no list of installed apps."""
	apps = get_installed_apps()
	if app_name not in apps:
		_set_installed_apps([*apps, app_name])
	if monoframe.flags.in_install:
		monoframe.installer.post_install(rebuild_website)


def remove_from_installed_apps(app_name: str) -> None:
	_set_installed_apps([app for app in get_installed_apps() if app != app_name])


def _set_installed_apps(apps: list[str]) -> None:
	monoframe.db.set_global("installed_apps", json.dumps(apps))
	monoframe.db.commit()
	forget_hooks()


def remove_app(
	app_name: str, dry_run: bool = False, yes: bool = False, no_backup: bool = False, force: bool = False
) -> None:
	"""Put back: uninstall-app, as Frappe 15 does it, but never with a backup or a question."""
	if not force and app_name not in get_installed_apps():
		click.secho(f"App {app_name} not installed", fg="yellow")
		return
	hooks = get_hooks(app_name=app_name)
	monoframe.flags.in_uninstall = True
	for method in hooks.before_uninstall or []:
		monoframe.get_attr(method)()
	for method in get_hooks("before_app_uninstall"):
		monoframe.get_attr(method)(app_name)
	modules = monoframe.get_all("Module Def", filters={"app_name": app_name}, pluck="name")
	doctypes = monoframe.installer._delete_modules(modules, dry_run=dry_run)
	monoframe.installer._delete_doctypes(doctypes, dry_run=dry_run)
	if not dry_run:
		remove_from_installed_apps(app_name)
		monoframe.db.commit()
	for method in hooks.after_uninstall or []:
		monoframe.get_attr(method)()
	for method in get_hooks("after_app_uninstall"):
		monoframe.get_attr(method)(app_name)
	monoframe.flags.in_uninstall = False
	monoframe.clear_cache()


def get_all_patches(patch_type: monoframe.patches.PatchType | None = None) -> list[str]:
	"""Put back: patches of every installed app."""
	return [
		patch
		for app in get_installed_apps()
		for patch in monoframe.patches.get_patches_from_app(app, patch_type=patch_type)
	]


def sync_all(force: bool = False, reset_permissions: bool = False) -> None:
	"""Put back: DocTypes of every installed app."""
	monoframe.patches._patch_mode(True)
	for app in get_installed_apps():
		sync_for(app, force, reset_permissions=reset_permissions)
	monoframe.patches._patch_mode(False)
	monoframe.clear_cache()


def run_before_migrate(migration: monoframe.migrate.SiteMigration) -> None:
	"""Mends: with several apps, the fork would call each app's before_migrate once for every app."""
	for method in get_hooks("before_migrate"):
		monoframe.get_attr(method)()
	monoframe.db.commit()
