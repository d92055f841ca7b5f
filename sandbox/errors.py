"""What can go wrong in the sandbox, by meaning."""


class SandboxError(Exception):
	"""The sandbox cannot do what was asked. The message says what happened and what to do next."""


class RemoteError(SandboxError):
	"""An exception raised inside a site by a function that was sent there with `site.run`.

	`exc_type` is the exception's class name ("ValidationError"), `message` its text, `traceback` the text of
	the traceback inside the site.
	"""

	def __init__(self, exc_type: str, message: str, traceback: str):
		self.exc_type = exc_type
		self.message = message
		self.traceback = traceback
		super().__init__(f"{exc_type}: {message}\n\nInside the site:\n{traceback}")


class ShellDied(SandboxError):
	"""The process inside the site is gone, so that the call has no result."""


class RestError(SandboxError):
	"""An HTTP answer of a site that says that the request failed."""

	def __init__(self, status: int, exc_type: str | None, message: str):
		self.status = status
		self.exc_type = exc_type
		self.message = message
		super().__init__(f"HTTP {status} {exc_type or ''}: {message}")
