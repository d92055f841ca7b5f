"""What gunicorn loads for a site's web process: `sandbox.engine.wsgi:application`."""

from sandbox.engine import entry

entry.prepare()
application = entry.wsgi_application()
