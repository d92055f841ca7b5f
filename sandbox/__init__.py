"""Two or three complete Frappe sites on one machine, without a bench: for the demo and for the tests.

Outside, in the process that runs pytest or the demo: `cluster`, `site`, `shell`, `rest`, `servers`, `sites`,
`processes`, `children`, `packages`, `paths`, `bench`. Inside a site's own processes: `entry` and what it
starts (`shell_server`, `worker`, `scheduler`, `wsgi`, `command`), and `engine*`, which make `import frappe` work.

The app never imports anything of this package, and nothing of it is in the installed app.
"""
