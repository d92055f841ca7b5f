"""Inside a site: runs functions that `sandbox.sites.shell` sends, one line of JSON each way per call.

Each call that ends a transaction starts from nothing, as a web request or a job does: a new connection, empty
caches, the user Administrator. After a call with `commit` false, the transaction and everything else stays
open for the next call.

Standard output is the answers' channel, therefore whatever a function prints goes to the log.
"""

import __future__

import ast
import contextlib
import faulthandler
import importlib
import json
import linecache
import os
import pkgutil
import signal
import sys
import traceback
from typing import Any

from sandbox.engine import entry


class ShellServer:
	def __init__(self):
		self.is_open = False
		self.calls = 0

	def answer(self, request: dict) -> dict:
		try:
			return {"result": getattr(self, "do_" + request["do"])(request)}
		except BaseException as error:
			self.close(commit=False)
			return {"error": describe(error)}

	def do_run(self, request: dict) -> Any:
		frappe = self.open()
		function = self.load(request, frappe)
		result = frappe.as_json(function(**request["kwargs"]))
		if request["commit"]:
			self.close(commit=True)
		return json.loads(result)

	def do_commit(self, request: dict) -> None:
		self.close(commit=True)

	def do_rollback(self, request: dict) -> None:
		self.close(commit=False)

	def open(self) -> Any:
		import frappe

		if not self.is_open:
			self.is_open = True
			entry.open_site()
		return frappe

	def close(self, commit: bool) -> None:
		"""Ends the transaction and forgets everything that was read in it."""
		if not self.is_open:
			return
		self.is_open = False
		import frappe

		try:
			if getattr(frappe.local, "db", None) and commit:
				frappe.db.commit()
			elif getattr(frappe.local, "db", None):
				# a server that is gone has rolled back by itself; Frappe 15 has no name for the second kind
				gone = getattr(frappe.db, "InterfaceError", frappe.db.OperationalError)
				with contextlib.suppress(frappe.db.OperationalError, gone):
					frappe.db.rollback()
		finally:
			frappe.destroy()

	def load(self, request: dict, frappe: Any) -> Any:
		"""The function: from its source, or by its dotted path."""
		if "path" in request:
			# not frappe.get_attr: a bench gives only what belongs to an installed app
			return pkgutil.resolve_name(request["path"])
		self.calls += 1
		filename = f"<{request['name']} sent to {entry.site_name()}, call {self.calls}>"
		source = request["source"]
		linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
		code = compile(source, filename, "exec", __future__.annotations.compiler_flag, dont_inherit=True)
		names: dict = {"__name__": "sandbox.sent", "frappe": frappe}
		names.update({name: ast.literal_eval(text) for name, text in request["constants"].items()})
		for name, (module, *attribute) in request["imports"].items():
			names[name] = importlib.import_module(module)
			for part in attribute[0].split(".") if attribute else []:
				names[name] = getattr(names[name], part)
		exec(code, names)
		return names[request["name"]]


def describe(error: BaseException) -> dict:
	return {
		"exc_type": type(error).__name__,
		"message": str(error),
		"traceback": "".join(traceback.format_exception(error)),
	}


def main() -> None:
	answers = os.fdopen(os.dup(1), "w", buffering=1)
	os.dup2(2, 1)
	sys.stdout = sys.stderr
	faulthandler.register(signal.SIGUSR1)
	entry.prepare()
	entry.open_site().destroy()
	server = ShellServer()
	print(json.dumps({"result": "ready"}), file=answers)
	for line in sys.stdin:
		print(json.dumps(server.answer(json.loads(line))), file=answers)


if __name__ == "__main__":
	main()
