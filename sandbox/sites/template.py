"""Inside a new site: makes its database and installs the apps. `python -m sandbox.sites.template framework|app`.

Run by `sandbox.sites.clones` in the folder of the site that becomes the template; nothing else uses it.
"""

import sys

from sandbox.engine import entry
from sandbox.paths import APP, TEST_APP

ADMIN_PASSWORD = "admin"
TIME_ZONE = "Asia/Bangkok"  # of a site that is not given another: no daylight saving, and not UTC


def make_framework() -> None:
	"""A Frappe site with nothing but the framework, past the set-up wizard."""
	import frappe
	from frappe.installer import _init_database

	frappe.init(entry.site_name(), sites_path=".")
	conf = frappe.local.conf
	_init_database(
		db_name=conf.db_name,
		db_user=conf.db_user,
		db_password=conf.db_password,
		db_socket=conf.db_socket,
		db_type=conf.db_type,
		admin_password=ADMIN_PASSWORD,
		setup_db=False,
		force=True,
	)
	finish_setup_wizard()
	frappe.db.commit()
	frappe.destroy()


def finish_setup_wizard() -> None:
	"""What the wizard would have set, and the scheduler switched on."""
	import frappe

	settings = frappe.get_single("System Settings")
	settings.update(
		{
			"setup_complete": 1,
			"enable_scheduler": 1,
			"country": "Thailand",
			"time_zone": TIME_ZONE,
			"language": "en",
			"currency": "THB",
			"float_precision": "3",
			"allow_error_traceback": 1,
		}
	)
	settings.flags.ignore_mandatory = True
	settings.save()
	frappe.db.set_default("desktop:home_page", "workspace")
	frappe.db.set_value("User", "Administrator", "time_zone", "")


def install_apps() -> None:
	frappe = entry.open_site()
	from frappe.installer import install_app

	install_app(APP)
	install_app(TEST_APP)
	frappe.db.commit()
	frappe.destroy()


if __name__ == "__main__":
	entry.prepare()
	{"framework": make_framework, "app": install_apps}[sys.argv[1]]()
