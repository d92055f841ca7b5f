"""Small parts of the sandbox that need no site."""

import importlib.metadata
import json
import os

import pytest

from sandbox.engine import monoframe
from sandbox.engine.alias import real_name
from sandbox.errors import SandboxError
from sandbox.paths import PROJECT, TEST_APP, TEST_APP_SOURCE
from sandbox.servers import databases, packages
from sandbox.sites import clones, rest
from sandbox.sites.environment import entry_environment
from tests.streams import SHAKES_HANDS


@pytest.mark.parametrize(
	("name", "real"),
	[
		("frappe", "monoframe"),
		("frappe.model.document", "monoframe.model.document"),
		("frappe.frappeclient", "monoframe.monoframeclient"),
		("frappefoo.bar", "frappefoo.bar"),
		("event_streaming.tasks.pull", "event_streaming.tasks.pull"),
	],
)
def test_dotted_paths_of_frappe_lead_to_the_engine(name, real):
	assert real_name(name) == real


def test_the_modules_that_shake_hands_anew_are_there():
	assert {path.name for path in PROJECT.glob("tests/*/**/test_*.py")} >= SHAKES_HANDS


def test_another_version_of_the_engine_is_refused(monkeypatch, tmp_path):
	monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.2")

	with pytest.raises(SandboxError, match=r"needs monoframe 0\.0\.1 exactly, and found 0\.0\.2"):
		monoframe.activate(tmp_path)


def test_missing_packages_are_named_to_who_may_not_install_them(monkeypatch):
	monkeypatch.setattr(packages.os, "geteuid", lambda: 1000)

	with pytest.raises(SandboxError, match="apt-get install --no-install-recommends no-such-package"):
		packages.ensure({"no-such-program": "no-such-package"})


def test_the_environment_of_a_site_has_nothing_that_misleads_frappe(monkeypatch, tmp_path):
	monkeypatch.setenv("CI", "true")
	monkeypatch.setenv("DB_HOST", "production.example.com")

	environment = entry_environment("monoframe", tmp_path / "producer")

	assert "CI" not in environment and "DB_HOST" not in environment
	assert environment["SANDBOX_SITE"] == "producer"
	assert environment["PYTHONPATH"].split(os.pathsep) == [str(PROJECT), str(TEST_APP_SOURCE)]


def test_a_socket_path_that_is_too_long_moves_to_a_shorter_folder(tmp_path):
	run_folder = tmp_path / ("x" * 100)
	run_folder.mkdir()

	socket = databases._socket_path(run_folder)

	assert len(str(socket)) <= databases.LONGEST_SOCKET_PATH
	assert socket.parent.is_dir()
	databases.forget_socket_folder(run_folder)
	assert not socket.parent.exists()


def test_the_template_is_built_again_when_something_that_installing_reads_has_changed(tmp_path, monkeypatch):
	monkeypatch.setattr(clones, "PROJECT", tmp_path)
	monkeypatch.setattr(clones, "TEST_APP_SOURCE", tmp_path / "shop")
	app = tmp_path / "event_streaming"
	app.mkdir()
	(app / "hooks.py").write_text("app_name = 'x'")
	before = clones.app_fingerprint()

	(app / "tasks.py").write_text("pass")
	assert clones.app_fingerprint() == before
	(app / "patches.txt").write_text("event_streaming.patches.v1_0.x")
	with_patch = clones.app_fingerprint()
	assert with_patch != before
	test_app = tmp_path / "shop" / TEST_APP
	test_app.mkdir(parents=True)
	(test_app / "install.py").write_text("pass")
	assert clones.app_fingerprint() != with_patch


def test_an_error_of_a_site_is_told_as_the_site_would_show_it():
	shown = json.dumps([json.dumps({"message": "<b>No</b> way"})])

	assert rest._message({"_server_messages": shown, "exception": "x"}) == "No way"
	assert rest._message({"exception": "frappe.exceptions.X: y"}) == "frappe.exceptions.X: y"
