"""Which packages are mutated, and the tests that hold each of their modules: nearly all of these need two sites."""

CAPTURE, FEED = "event_streaming/producer/capture", "event_streaming/producer/feed"
UNIT_OF_WORK = "event_streaming/consumer/unit_of_work"
PACKAGES = (CAPTURE, FEED, UNIT_OF_WORK)

UNITS = "tests/unit"
PRODUCER, CONSUMER, STREAM = "tests/two_sites/producer", "tests/two_sites/consumer", "tests/two_sites/stream"
WHOLE = "tests/two_sites/transactions/test_whole_transactions.py"
REHEARSAL = ("tests/two_sites/connecting/test_check_before.py",)

# of a whole package
TESTS = {
	CAPTURE: (f"{PRODUCER}/test_capture.py", f"{PRODUCER}/test_rows_saved_alone.py", WHOLE),
	FEED: (
		f"{PRODUCER}/test_feed.py",
		f"{PRODUCER}/test_given_documents.py",
		f"{PRODUCER}/test_cancelled_under_a_condition.py",
		f"{STREAM}/test_condition_ends.py",
		WHOLE,
	),
	UNIT_OF_WORK: (WHOLE, f"{CONSUMER}/test_pull.py", f"{CONSUMER}/test_bad_controllers.py"),
}
# of single modules, before or in the place of those
MODULES = {
	f"{CAPTURE}/files.py": (f"{STREAM}/test_files.py",),
	f"{CAPTURE}/rows.py": (f"{PRODUCER}/test_rows_saved_alone.py",),
	f"{FEED}/hidden.py": (f"{PRODUCER}/test_fields_not_sent.py", f"{PRODUCER}/test_gone_documents.py"),
	f"{FEED}/old_format.py": (f"{PRODUCER}/test_old_consumer.py",),
	f"{FEED}/open.py": ("tests/two_sites/many/test_open_subscriptions.py",),
	f"{FEED}/shared.py": ("tests/two_sites/many/test_shared_page.py",),
	f"{FEED}/permitted.py": ("tests/two_sites/trust/test_access.py", f"{PRODUCER}/test_feed.py"),
	f"{UNIT_OF_WORK}/rehearsal.py": REHEARSAL,
	f"{UNIT_OF_WORK}/statements.py": (f"{UNITS}/consumer/test_rehearsed_statements.py",),
	f"{UNIT_OF_WORK}/withheld.py": ("tests/two_sites/administration/test_withheld.py", *REHEARSAL),
	f"{UNIT_OF_WORK}/one_request.py": ("tests/contract/documents", *TESTS[UNIT_OF_WORK]),
	f"{UNIT_OF_WORK}/kept_identities.py": (f"{CONSUMER}/test_pull.py", f"{STREAM}/test_dependencies.py"),
}


def held_by(module: str) -> tuple[str, ...]:
	package = module.rpartition("/")[0]
	return MODULES.get(module, TESTS[package])
