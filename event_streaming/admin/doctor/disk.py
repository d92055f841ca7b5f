"""What the doctor looks at of this machine's disks: is there room for files, and for the database where it runs here?"""

import os
import shutil
from collections.abc import Iterator

import frappe

from event_streaming.admin.doctor.finding import FAULT, OK, WARNING, Finding
from event_streaming.messages.coded import _

MEGABYTE = 1024 * 1024
# with less, nothing is written any more soon; a backup or a first copy needs more than that
LEAST, SCARCE = 200 * MEGABYTE, 1024 * MEGABYTE


def examine() -> Iterator[Finding]:
	"""One finding for each disk that this site writes to; a database on another machine can't be looked at from here."""
	seen = set()
	# files are often on a disk of their own
	files = (frappe.get_site_path("private", "files"), frappe.get_site_path("public", "files"))
	for folder in (frappe.get_site_path(), *files, database_folder()):
		if not folder or not os.path.isdir(folder):
			continue
		device = os.stat(folder).st_dev
		if device not in seen:
			seen.add(device)
			yield room(os.path.realpath(folder), shutil.disk_usage(folder).free)


def database_folder() -> str:
	"""Where the database says that it keeps its files; "" where it does not tell."""
	if frappe.db.db_type != "mariadb":
		return ""
	found = frappe.db.sql("SHOW GLOBAL VARIABLES LIKE 'datadir'")
	return str(found[0][1]) if found else ""


def room(folder: str, free: int) -> Finding:
	"""Whether what is free on the disk of a folder is enough."""
	if free >= SCARCE:
		return Finding("disk", folder, OK, _("There is room on the disk of {0}.").format(folder))
	return Finding(
		"disk",
		folder,
		FAULT if free < LEAST else WARNING,
		_("Only {0} MB are free on the disk of {1}: when it is full, no document can be saved here.").format(
			f"{free // MEGABYTE:,}", folder
		),
		_(
			"Free up disk space: delete old backups and logs, set fewer days in Log Settings, or enlarge the disk. What could not be"
			" applied is retried automatically."
		),
	)
