"""Processes of the sandbox end with their run, however that ends. No site is needed for these."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.paths import PROJECT
from sandbox.servers import children, runs

SLEEP = ["sleep", "300"]


@pytest.fixture
def work(tmp_path, monkeypatch):
	monkeypatch.setenv("EVENT_STREAMING_WORK", str(tmp_path))
	return tmp_path


def start_sleeping(folder, name="sleeper", command=SLEEP):
	return children.start(name, command, run_folder=folder, log=folder / "log")


def is_running(pid):
	try:
		os.kill(pid, 0)
	except ProcessLookupError:
		return False
	with open(f"/proc/{pid}/stat") as stat:
		return stat.read().rpartition(")")[2].split()[0] != "Z"


def wait_for(condition, seconds=30):
	deadline = time.monotonic() + seconds
	while not condition():
		assert time.monotonic() < deadline
		time.sleep(0.02)


def test_kill_ends_the_whole_group(tmp_path):
	child = start_sleeping(
		tmp_path, command=["sh", "-c", "sleep 300 & echo $! > $0; wait", str(tmp_path / "pid")]
	)
	wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
	grandchild = int((tmp_path / "pid").read_text())

	child.kill()

	wait_for(lambda: not is_running(grandchild))
	assert list((tmp_path / "pids").iterdir()) == []


def test_a_child_that_dies_at_once_is_reported_with_its_log(tmp_path):
	child = start_sleeping(tmp_path, "server", ["sh", "-c", "echo no such option; exit 1"])

	with pytest.raises(SandboxError, match=r"(?s)server ended at once.*no such option"):
		children.wait_until(lambda: False, child, 10)


def test_a_free_port_is_one_that_nobody_listens_on():
	port = children.free_port()

	assert port in children.PORTS
	assert not children.accepts_connections(port)


def test_children_of_a_killed_run_are_gone_and_its_folder_is_cleaned_up(work):
	script = (
		"from sandbox.servers import children, runs\n"
		"with runs.run_folder() as folder:\n"
		f"	child = children.start('sleeper', {SLEEP!r}, run_folder=folder, log=folder / 'log')\n"
		"	print(child.pid, flush=True)\n"
		"	child.process.wait()\n"
	)
	run = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
	pid = int(run.stdout.readline())
	# before that, the kernel has not been told to end it; what is left then is the next run's to end
	wait_for(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep"))

	run.send_signal(signal.SIGKILL)
	run.communicate()

	wait_for(lambda: not is_running(pid))
	wait_for(lambda: not runs.living_runs())
	assert runs.end_dead_runs() == 1
	assert list(runs.runs_folder().iterdir()) == []


def test_a_living_run_is_left_alone(work):
	with runs.run_folder() as folder:
		os.utime(folder, (0, 0))

		assert runs.end_dead_runs() == 0
		assert runs.living_runs() == [folder]
	assert runs.living_runs() == []


def test_a_leftover_is_not_mistaken_for_another_process_with_its_id(tmp_path):
	other = start_sleeping(tmp_path)
	note = tmp_path / "pids" / str(other.pid)
	note.write_text(note.read_text().replace('"started": "', '"started": "1'))

	assert children.end_leftovers(tmp_path) == 0
	assert other.is_running()
	other.kill()


def test_files_changed_for_a_run_are_put_back_when_it_ends(work, tmp_path):
	config = tmp_path / "site_config.json"
	config.write_text('{"host_name": "before"}')

	with runs.run_folder() as folder:
		runs.note_for_putting_back(folder, config)
		config.write_text('{"host_name": "during"}')

	assert config.read_text() == '{"host_name": "before"}'
