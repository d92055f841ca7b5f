"""Fixtures of the browser tests: the Desk of a site, seen by a System Manager.

`desk(site)` gives a new browser window that is logged in. Chromium is Debian's.
"""

import os
from collections.abc import Callable

import pytest
from browsing import CHROMIUM_ARGUMENTS, PASSWORD, PERSON, WINDOW, Desk
from playwright.sync_api import BrowserContext, sync_playwright
from scene import Streams, make_streams

from sandbox.desk import build_desk
from sandbox.servers import packages
from sandbox.sites.cluster import Cluster
from sandbox.sites.site import Site


@pytest.fixture(scope="session")
def built_desk(cluster: Cluster) -> None:
	"""A bench has built its Desk already. A site that is up may remember that there was none."""
	if os.environ.get("EVENT_STREAMING_BENCH"):
		return
	build_desk()
	for site in cluster.sites.values():
		site.run(forget_bundles)


@pytest.fixture(scope="session")
def browser():
	packages.ensure(packages.DESK)
	with sync_playwright() as playwright:
		chromium = playwright.chromium.launch(
			executable_path=packages.program("chromium"), args=CHROMIUM_ARGUMENTS
		)
		yield chromium
		chromium.close()


@pytest.fixture(scope="session")
def sessions(browser, built_desk) -> Callable[[Site], BrowserContext]:
	"""A browser profile for each site that is logged in there; its cache makes every page but the first quick."""
	contexts: dict[str, BrowserContext] = {}

	def session_of(site: Site) -> BrowserContext:
		if site.url not in contexts:
			site.run(make_person, email=PERSON, password=PASSWORD)
			context = contexts[site.url] = browser.new_context(viewport=WINDOW)
			answer = context.request.post(
				f"{site.url}/api/method/login", form={"usr": PERSON, "pwd": PASSWORD}
			)
			assert answer.ok, answer.text()
		return contexts[site.url]

	return session_of


@pytest.fixture
def desk(sessions) -> Callable[[Site], Desk]:
	windows: list[Desk] = []

	def open_window(site: Site) -> Desk:
		windows.append(Desk(sessions(site), site.url))
		return windows[-1]

	yield open_window
	for window in windows:
		window.page.close()


@pytest.fixture
def streams(producer: Site, consumer: Site) -> Streams:
	return make_streams(producer, consumer)


def make_person(email: str, password: str) -> None:
	"""Runs inside a site: somebody who looks after the streams, without Administrator's special rights."""
	import frappe
	from frappe.utils.password import update_password

	if not frappe.db.exists("User", email):
		person = frappe.get_doc(
			{"doctype": "User", "email": email, "first_name": "Admin", "send_welcome_email": 0}
		)
		person.insert(ignore_permissions=True)
		person.add_roles("System Manager")
	update_password(email, password)


def forget_bundles() -> None:
	"""Runs inside a site."""
	import frappe

	frappe.client_cache.delete_value("assets_json", shared=True)
