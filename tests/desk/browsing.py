"""A person's browser on one site, for the tests of the Desk: opens pages, waits until they have settled, and hears
every complaint that the browser or the Desk makes meanwhile.

It never looks away: each page is checked when it has settled, and a complaint fails the test unless ALLOWED
says why it may be there. Class names of Frappe's own (`frappe-control` …) are not used, as the sandbox's
engine has renamed them.
"""

import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import BrowserContext, Page

from sandbox.engine.monoframe import ENGINE
from sandbox.paths import work_folder

PERSON, PASSWORD = "admin.of.streams@example.com", "not-a-secret-on-a-test-site"
WINDOW = {"width": 1400, "height": 1000}
SETTLED_SECONDS = 0.3
PATIENCE_SECONDS = 30

# No sandbox, as root may not have one; the rest keeps Chromium from calling home, which a machine without a way
# out would answer with errors.
CHROMIUM_ARGUMENTS = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
]

# What may be heard on a page that is all right: (what, why).
ALLOWED = [
	(
		re.compile(r"socket\.io"),
		"On a bench without its socket.io server the Desk goes on without live updates.",
	),
]


@dataclass
class Desk:
	"""A window with the Desk of one site."""

	context: BrowserContext
	site_url: str
	complaints: list[str] = field(default_factory=list)

	def __post_init__(self):
		self.page: Page = self.context.new_page()
		self.page.set_default_timeout(PATIENCE_SECONDS * 1000)
		self.under_way: set = set()
		self.left_behind: set = set()  # what a page that was left had still been asking for
		self.leaving = False
		self.between = False
		self.page.on("request", self._on_request)
		self.page.on("framenavigated", self._on_navigated)
		self.page.on("requestfinished", lambda request: self.under_way.discard(request))
		self.page.on("requestfailed", self._on_request_failed)
		self.page.on("response", self._on_response)
		self.page.on("console", self._on_console)
		self.page.on(
			"pageerror", lambda error: self._complain("script error", f"{error} {error.stack or ''}")
		)

	def open(self, route: str) -> None:
		"""A page as when its address is typed in: everything is loaded anew."""
		self.leaving = True
		self.page.goto(f"{self.site_url}/app/{route}")
		self.leaving = False
		self.wait_until("Boolean(window.frappe && frappe.get_route && (frappe.get_route() || []).length)")
		self.settle()

	def open_list(self, doctype: str) -> None:
		self._go("List", doctype)
		self.wait_until(
			"(doctype) => frappe.get_route()[0] === 'List' && window.cur_list && cur_list.doctype === doctype",
			doctype,
		)
		self.settle()
		# a slow page may not have asked for its rows yet when nothing seems to be under way
		self.wait_until(
			"() => !(cur_list.$result.find('.list-count').text()"
			".startsWith(__('Refreshing', null, 'Document count in list view')))"
		)

	def open_form(self, doctype: str, name: str | int | None = None) -> None:
		"""The form of a document; without a name, of a Single."""
		self._go("Form", doctype, *([] if name is None else [str(name)]))
		self.wait_for_form(doctype, str(doctype if name is None else name))

	def open_new(self, doctype: str) -> None:
		self._go("Form", doctype, "new")
		self.wait_until(
			"(doctype) => window.cur_frm && cur_frm.doctype === doctype && cur_frm.is_new()", doctype
		)
		self.settle()

	def wait_for_form(self, doctype: str, name: str) -> None:
		self.wait_until(
			"([doctype, name]) => frappe.get_route()[0] === 'Form' && window.cur_frm && cur_frm.doc"
			" && cur_frm.doctype === doctype && String(cur_frm.doc.name) === name && !cur_frm.is_new()",
			[doctype, name],
		)
		self.settle()

	def _go(self, view: str, doctype: str, *name: str) -> None:
		"""As a link would, where the Desk is open already; else the page's address is typed in."""
		if self.page.url.startswith(self.site_url):
			self.value("(route) => { frappe.set_route(...route) }", [view, doctype, *name])
		else:
			self.open("/".join([slug(doctype), *(quote(part, safe="") for part in name)]))

	def wait_until(self, condition: str, argument=None) -> None:
		"""Waits for a condition in JavaScript. A dialog or a complaint in the meantime is the better error."""
		until = time.monotonic() + PATIENCE_SECONDS
		while not self.page.evaluate(condition, argument):
			self._fail_on_complaints()
			if time.monotonic() > until:
				self.screenshot("timed-out")
				raise AssertionError(
					f"{self.page.url}: never became true: {condition} with {argument!r}; it shows\n{self.text()}"
				)
			self.page.wait_for_timeout(100)

	def wait_in_list(self, condition: str) -> None:
		"""As `wait_until`, for a list: it is asked anew now and then, as by somebody who presses Refresh."""
		until = time.monotonic() + PATIENCE_SECONDS
		while not self.page.evaluate(condition) and time.monotonic() < until:
			self.page.wait_for_timeout(2000)
			self.value("() => { cur_list.refresh() }")
			self.settle()
		self.wait_until(condition)

	def settle(self) -> None:
		"""Waits until the page asks for nothing any more, then fails on what it has complained about."""
		until = time.monotonic() + PATIENCE_SECONDS
		quiet_since = time.monotonic()
		while time.monotonic() - quiet_since < SETTLED_SECONDS:
			if self.under_way:
				quiet_since = time.monotonic()
			if time.monotonic() > until:
				urls = ", ".join(request.url for request in self.under_way)
				raise AssertionError(f"{self.page.url}: still waiting for {urls}")
			self.page.wait_for_timeout(50)
		self._fail_on_complaints()

	def take_message(self) -> str:
		"""The text of the message dialog that is open, and closes it."""
		dialog = self.page.locator(".modal.show .msgprint")
		dialog.wait_for()
		text = dialog.inner_text()
		self.page.locator(".modal.show .btn-modal-close:visible").first.click()
		self.page.locator(".modal.show").wait_for(state="detached")
		self.page.locator(".modal-backdrop").wait_for(state="detached")
		return text

	def press(self, label: str) -> None:
		"""A button of the page that is shown, by its label; one that is in a group, too."""
		buttons = self.page.get_by_role("button", name=label, exact=True).locator("visible=true")
		item = f"a[data-label='{quote(label)}']"
		groups = self.page.locator(".inner-group-button:visible", has=self.page.locator(item))
		buttons.or_(groups).first.wait_for()
		if buttons.count():
			buttons.first.click()
			return
		groups.first.locator("button").first.click()
		groups.first.locator(item).click()

	def confirm(self) -> None:
		"""Yes, in a dialog that asks. Its first field is left before: a list that it offers late would cover the button."""
		self.page.evaluate("document.activeElement?.closest('.modal.show input')?.blur()")
		self.page.locator(
			".modal.show .btn-modal-primary:visible, .modal.show .btn-primary:visible"
		).first.click()

	def fill(self, fieldname: str, value: str) -> None:
		"""Types into a field of the form and leaves it."""
		box = self.page.locator(f"[data-fieldname='{fieldname}']:visible input:visible").first
		box.fill(value)
		box.press("Tab")

	def text(self) -> str:
		"""What the page that is shown says."""
		return self.page.locator("body").inner_text()

	def value(self, expression: str, argument=None):
		"""A value of the page's own JavaScript."""
		return self.page.evaluate(expression, argument)

	def screenshot(self, name: str) -> Path:
		"""Kept in .work/screenshots, for a person to look at."""
		engine = "bench" if os.environ.get("EVENT_STREAMING_BENCH") else ENGINE
		file = work_folder() / "screenshots" / engine / f"{name}.png"
		self.page.screenshot(path=file)
		return file

	def _fail_on_complaints(self) -> None:
		# a message in green or blue is an answer, not an error
		dialog = self.page.locator(".modal.show:has(.modal-header .indicator.red) .msgprint:visible")
		if dialog.count():
			self._complain("dialog", dialog.first.inner_text())
		if self.complaints:
			where = self.page.url
			heard, self.complaints[:] = "\n".join(self.complaints), []
			self.screenshot("complaint")
			raise AssertionError(f"{where}\n{heard}")

	def _complain(self, kind: str, text: str) -> None:
		if not any(pattern.search(text) for pattern, _why in ALLOWED):
			self.complaints.append(f"{kind}: {text}")

	def _on_request(self, request) -> None:
		if request.is_navigation_request() and request.frame == self.page.main_frame:
			self.left_behind |= self.under_way
			self.between = True
		elif self.between:
			# the page that is left goes on until the next one has come
			self.left_behind.add(request)
		if request.url.startswith("http") and "/socket.io/" not in request.url:
			self.under_way.add(request)

	def _on_navigated(self, frame) -> None:
		if frame == self.page.main_frame:
			self.between = False

	def _on_request_failed(self, request) -> None:
		self.under_way.discard(request)
		# the browser may tell it only when the next page is there
		if request.failure == "net::ERR_ABORTED" and (self.leaving or request in self.left_behind):
			return
		self._complain("failed request", f"{request.method} {request.url}: {request.failure}")

	def _on_response(self, response) -> None:
		if response.status >= 400:
			self._complain("failed request", f"{response.request.method} {response.url}: {response.status}")

	def _on_console(self, message) -> None:
		if message.type == "error":
			self._complain("console error", f"{message.text} ({message.location.get('url')})")


def slug(doctype: str) -> str:
	return doctype.lower().replace(" ", "-")
