"""A line between a site and a server that takes its time, or takes what is said and brings nothing back any more."""

import contextlib
import socket
import threading
import time

from tests.faults.broker.door import Door


class SlowLine(Door):
	"""Passes on what comes at `url` to a port of this machine. What goes back comes `seconds` later; from the moment on that `silent_from`
	was said to the server, nothing comes back."""

	def __init__(self, port: int, seconds: float = 0, silent_from: bytes = b""):
		self.port, self.seconds, self.silent_from = port, seconds, silent_from
		super().__init__()
		# how often somebody has come
		self.connections = 0

	def _serve(self, connection: socket.socket) -> None:
		self.connections += 1
		far, silent = socket.create_connection(("127.0.0.1", self.port)), threading.Event()
		for source, target, is_back in ((connection, far, False), (far, connection, True)):
			threading.Thread(
				target=self._pass_on, args=(source, target, is_back, silent), daemon=True
			).start()

	def _pass_on(
		self, source: socket.socket, target: socket.socket, is_back: bool, silent: threading.Event
	) -> None:
		with contextlib.suppress(OSError), source, target:
			while data := source.recv(65_536):
				if not is_back and self.silent_from and self.silent_from in data:
					silent.set()
				if is_back:
					time.sleep(self.seconds)
				if not (is_back and silent.is_set()):
					target.sendall(data)
