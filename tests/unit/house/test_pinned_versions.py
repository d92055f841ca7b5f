"""A tool that is named in several files has one version: who runs it elsewhere sees what `make lint` sees."""

import json
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
PRE_COMMIT = (PROJECT / ".pre-commit-config.yaml").read_text()
WORKFLOWS = {file.name: file.read_text() for file in (PROJECT / ".github" / "workflows").glob("*.yml")}


def pinned(package: str) -> str:
	[version] = re.findall(
		rf"^{package}==(\S+)$", (PROJECT / "requirements" / "sandbox.txt").read_text(), re.M
	)
	return version


def hook_revision(repository: str) -> str:
	[version] = re.findall(rf"repo: \S*/{repository}\s+rev: v(\S+)", PRE_COMMIT)
	return version


def test_pre_commit_has_the_linters_of_make_lint():
	npm = json.loads((PROJECT / "tools" / "javascript" / "package.json").read_text())["devDependencies"]

	assert hook_revision("ruff-pre-commit") == pinned("ruff")
	assert hook_revision("yamllint") == pinned("yamllint")
	for package in ("eslint", "prettier", "typescript"):
		assert f"[{package}@{npm[package]}]" in PRE_COMMIT


def test_the_lock_file_has_the_versions_that_are_asked_for():
	folder = PROJECT / "tools" / "javascript"
	wanted = json.loads((folder / "package.json").read_text())["devDependencies"]
	locked = json.loads((folder / "package-lock.json").read_text())["packages"]

	assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted


def test_workflows_name_each_action_and_package_with_one_version_and_give_no_job_more_than_reading():
	everything = "\n".join(WORKFLOWS.values())
	actions = dict(re.findall(r"uses: ([\w/-]+)@(v\d+)$", everything, re.M))

	assert len(re.findall(r"uses: ", everything)) == len(
		re.findall(
			rf"uses: (?:{'|'.join(f'{name}@{version}' for name, version in actions.items())})$",
			everything,
			re.M,
		)
	)
	assert not re.findall(r"pip install (?!.*==).*$", everything, re.M)
	assert f"build=={pinned('build')}" in everything
	for name, text in WORKFLOWS.items():
		assert "permissions:\n  contents: read\n" in text, name
		assert text.count("permissions:") == 1, name
		assert text.count("actions/checkout@") == text.count("persist-credentials: false"), name
