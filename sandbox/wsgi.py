"""What gunicorn loads for a site's web process: `sandbox.wsgi:application`."""

from sandbox import entry

entry.prepare()
application = entry.wsgi_application()
