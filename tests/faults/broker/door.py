"""A server on a free port of this machine, for what pretends to be a NATS server."""

import socket
import threading


class Door:
	"""Whoever comes to `url` is served by `_serve`, in a thread of their own."""

	def __init__(self) -> None:
		self.server = socket.create_server(("127.0.0.1", 0))

	@property
	def url(self) -> str:
		return f"nats://127.0.0.1:{self.server.getsockname()[1]}"

	def __enter__(self):
		threading.Thread(target=self._accept, daemon=True).start()
		return self

	def __exit__(self, *_error: object) -> None:
		self.server.close()

	def _accept(self) -> None:
		while True:
			try:
				connection, _address = self.server.accept()
			except OSError:
				return
			threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

	def _serve(self, connection: socket.socket) -> None:
		raise NotImplementedError
