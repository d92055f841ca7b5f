"""What runs inside of a site: the fork of Frappe and its repairs, and the processes (web, worker, scheduler, shells, commands)."""
