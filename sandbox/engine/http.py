"""The site over HTTP: the fork's own application, with Frappe's header names and a bench's static files."""

from collections.abc import Callable, Iterable
from pathlib import Path

# As they arrive in the WSGI environment: a client sends Frappe's name, the fork reads its own.
REQUEST_HEADERS = {
	"HTTP_X_FRAPPE_CSRF_TOKEN": "HTTP_X_MONOFRAME_CSRF_TOKEN",
	"HTTP_X_FRAPPE_REQUEST_ID": "HTTP_X_MONOFRAME_REQUEST_ID",
	"HTTP_X_FRAPPE_DOCTYPE": "HTTP_X_MONOFRAME_DOCTYPE",
	"HTTP_FRAPPE_AUTHORIZATION_SOURCE": "HTTP_MONOFRAME_AUTHORIZATION_SOURCE",
}


def application() -> Callable:
	"""What gunicorn serves: the site, /assets and /files."""
	import monoframe.app
	from monoframe.middlewares import StaticDataMiddleware
	from werkzeug.middleware.shared_data import SharedDataMiddleware

	site = frappe_headers(monoframe.app.application)
	with_assets = SharedDataMiddleware(site, {"/assets": str(Path("assets").resolve())})
	return StaticDataMiddleware(with_assets, {"/files": str(Path(".").resolve())})


def frappe_headers(site: Callable) -> Callable:
	"""Translates the names of Frappe's own headers, which the fork has renamed, both ways."""

	def translated(environ: dict, start_response: Callable) -> Iterable[bytes]:
		for theirs, ours in REQUEST_HEADERS.items():
			if theirs in environ:
				environ[ours] = environ[theirs]

		def start(status, headers, exc_info=None):
			renamed = [(name.replace("X-Monoframe-", "X-Frappe-"), value) for name, value in headers]
			return start_response(status, renamed, exc_info)

		return site(environ, start)

	return translated
