"""Inside a site: an interactive Python with `frappe` connected as Administrator, as `bench console` is one."""

import code

from sandbox.engine import entry


def main() -> None:
	entry.prepare()
	frappe = entry.open_site()
	code.interact(
		banner=f"Site {entry.site_name()}. frappe is connected; frappe.db.commit() keeps what you change.",
		local={"frappe": frappe},
	)
	frappe.destroy()


if __name__ == "__main__":
	main()
