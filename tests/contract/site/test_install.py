"""What an installed app relies on: Frappe has found its DocTypes, its workspace and its commands, and keeps them."""

import json
from pathlib import Path

from sandbox.paths import PROJECT

MODULE = PROJECT / "event_streaming" / "event_streaming"


def names_in(folder: Path) -> list[str]:
	files = folder.glob("*/*.json")
	return sorted(json.loads(file.read_text())["name"] for file in files if file.stem == file.parent.name)


def documents_of_module(doctype: str) -> list[str]:
	import frappe

	return sorted(frappe.get_all(doctype, {"module": "Event Streaming"}, pluck="name", limit=0))


def test_each_doctype_and_workspace_of_the_module_is_on_the_site(site):
	assert site.run(documents_of_module, doctype="DocType") == names_in(MODULE / "doctype")
	assert site.run(documents_of_module, doctype="Workspace") == names_in(MODULE / "workspace")


def test_the_module_belongs_to_an_app_of_exactly_this_name(site):
	"""Frappe has a migration that deletes the DocTypes of its old module unless this app is installed."""
	assert site.run(app_of_module) == ["event_streaming", True]


def app_of_module() -> list:
	import frappe

	app = frappe.db.get_value("Module Def", "Event Streaming", "app_name")
	return [app, "event_streaming" in frappe.get_installed_apps()]


def test_frappes_migration_that_removes_its_old_module_leaves_ours_alone(site):
	before = site.run(documents_of_module, doctype="DocType")

	site.run(run_removing_patch)

	assert site.run(documents_of_module, doctype="DocType") == before


def run_removing_patch() -> None:
	"""Where this version of Frappe still has it."""
	import importlib

	try:
		patch = importlib.import_module("frappe.patches.v15_0.remove_event_streaming")
	except ImportError:
		return
	patch.execute()


def test_every_path_in_the_hooks_can_be_called(site):
	assert site.run(missing_in_hooks) == []


def missing_in_hooks() -> list[str]:
	import frappe

	hooks = frappe.get_hooks(app_name="event_streaming")
	paths = [path for paths in hooks["doc_events"]["*"].values() for path in as_list(paths)]
	paths += [path for paths in hooks["scheduler_events"]["cron"].values() for path in as_list(paths)]
	paths += [path for paths in hooks["override_whitelisted_methods"].values() for path in as_list(paths)]
	for name in ("before_install", "after_install", "before_uninstall", "after_uninstall"):
		paths += as_list(hooks[name])
	return [path for path in paths if not callable(frappe.get_attr(path))]


def as_list(value) -> list:
	return [value] if isinstance(value, str) else list(value)


def test_the_key_for_secrets_is_made_where_there_is_none_and_left_where_there_is_one(site):
	made, kept = site.run(make_keys)

	assert made[0] == "encryption_key" and made[1] == made[2]
	assert kept == []


def make_keys() -> list:
	"""As Frappe makes one, without writing it."""
	import frappe
	import frappe.installer

	from event_streaming.install import make_encryption_key

	written = []
	original, key = frappe.installer.update_site_config, frappe.local.conf.encryption_key
	frappe.installer.update_site_config = lambda name, value, **_options: written.extend((name, value))
	try:
		frappe.local.conf.pop("encryption_key", None)
		make_encryption_key()
		made = [*written, frappe.local.conf.encryption_key]
		written.clear()
		make_encryption_key()
	finally:
		frappe.installer.update_site_config = original
		frappe.local.conf.encryption_key = key
	return [made, written]


def test_a_site_that_was_installed_has_a_key(site):
	assert site.run(has_key)


def has_key() -> bool:
	import json

	import frappe

	with open(frappe.get_site_path("site_config.json")) as file:
		return bool(json.load(file).get("encryption_key"))
