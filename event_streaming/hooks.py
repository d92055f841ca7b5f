from event_streaming import __version__

try:
	from frappe import __version__ as _frappe_version
except ModuleNotFoundError:  # read where there is no Frappe: by tools, and by tests without a site
	_frappe_version = "16"

app_name = "event_streaming"
app_title = "Event Streaming"
app_publisher = "Event Streaming contributors"
app_description = "Keeps documents the same on two or more Frappe sites"
app_email = "event-streaming@example.com"
app_license = "MIT"
require_type_annotated_api_methods = True

# The app's place on the screen of apps, and on 16 on the desktop (`desktop_icon/`, which 15 does not read). 16 has moved the Desk
# to /desk, and takes an app with another address for one outside of the Desk. There is no app_logo_url: Frappe shows the one of
# an app for the whole site, in place of ERPNext's or of its own.
_DESK = "/desk" if int(_frappe_version.split(".")[0]) >= 16 else "/app"
add_to_apps_screen = [
	{
		"name": app_name,
		"logo": "/assets/event_streaming/images/event_streaming.svg",
		"title": app_title,
		"route": f"{_DESK}/event-streaming",
		"has_permission": "event_streaming.admin.navigation.may_see_app",
	}
]

# no bundle, so that nothing has to be built; browsers keep it for long, so that its address has to change with it
app_include_js = f"/assets/event_streaming/js/streamed_document.js?v={__version__}"
# dialogs that several of our forms share
doctype_js = {
	"Event Producer": [
		"public/js/both_sides.js",
		"public/js/setup.js",
		"public/js/doctor.js",
		"public/js/producer_state.js",
		"public/js/producer_tasks.js",
		"public/js/producer_documents.js",
		"public/js/live.js",
	],
	"Event Consumer": ["public/js/both_sides.js", "public/js/doctor.js", "public/js/live.js"],
	"Event Streaming Settings": "public/js/setup.js",
	"Event Streaming Task": ["public/js/check_report.js", "public/js/verify_report.js"],
	"Event Sync Log": "public/js/event_change.js",
	"Document Type Mapping": "public/js/mapping_preview.js",
}
doctype_list_js = {
	"Event Consumer": "public/js/invite.js",
	"Event Producer": "public/js/join.js",
	"Event Streaming Finding": "public/js/doctor.js",
	"Event Streaming Invitation": "public/js/invite.js",
}
page_js = {
	"event-streaming-connection": [
		"public/js/connection_map.js",
		"public/js/connection_tabs.js",
		"public/js/connection_status.js",
	],
}
extend_bootinfo = "event_streaming.admin.document.boot"

# keys on our documents are for other sites
auth_hooks = ["event_streaming.site.login_sources.refuse_our_documents"]

# pages and documents for other sites
after_request = ["event_streaming.http.compressing.compress"]

# what every document of this site fires
doc_events = {
	"*": {
		"before_validate": "event_streaming.document_events.before_write",
		"before_cancel": "event_streaming.document_events.before_write",
		"before_update_after_submit": "event_streaming.document_events.before_write",
		"before_change": "event_streaming.document_events.before_change",
		"before_rename": "event_streaming.document_events.before_rename",
		"before_discard": "event_streaming.document_events.before_delete",
		"after_insert": "event_streaming.document_events.after_insert",
		"on_change": "event_streaming.document_events.on_change",
		"on_discard": "event_streaming.document_events.on_change",
		"on_trash": "event_streaming.document_events.before_delete",
		"after_delete": "event_streaming.document_events.after_delete",
		"after_rename": "event_streaming.document_events.after_rename",
		# no events of Frappe's: the consumer's part of this app fires them
		"on_written_as_cancelled": "event_streaming.document_events.on_written_as_cancelled",
		"on_stamped_as_there": "event_streaming.document_events.on_stamped_as_there",
		"on_merged_with_other_site": "event_streaming.document_events.on_merged_with_other_site",
	},
	# of users in whose name other sites listen
	"User": {
		"on_update": "event_streaming.producer.notify.listeners.user_changed",
		"after_delete": "event_streaming.producer.notify.listeners.user_changed",
	},
	# the producer has decided about a row, or it was set by itself
	"Event Producer Document Type": {"on_change": "event_streaming.consumer.managed.rows.forget_managed"},
	"File": {
		"after_insert": "event_streaming.producer.capture.files.capture_file_insert",
		"on_change": "event_streaming.producer.capture.files.capture_file_change",
		"after_delete": [
			"event_streaming.producer.capture.files.capture_file_delete",
			"event_streaming.identity.registry.local_file_deleted",
		],
	},
}

# a user with the role Event Subscriber alone sees its own Event Consumer
has_permission = {"Event Consumer": "event_streaming.producer.registration.neighbours.has_permission"}
permission_query_conditions = {
	"Event Consumer": "event_streaming.producer.registration.neighbours.own_consumers",
	"Event Consumer Document Type": "event_streaming.producer.registration.neighbours.own_rows",
}

scheduler_events = {
	"cron": {"* * * * *": ["event_streaming.tasks.event_streaming_every_minute"]},
	"daily_long": ["event_streaming.tasks.event_streaming_daily"],
}

# set-up files that administrators choose from; any app can name its own
event_streaming_recipes = [
	"recipes/notes_and_tasks.json",
	"recipes/masters_from_head_office.json",
	"recipes/sales_from_branches.json",
	"recipes/stock_and_purchasing.json",
	"recipes/consolidated_company.json",
	"recipes/consolidated_own_accounts.json",
]

before_install = "event_streaming.install.before_install"
after_install = "event_streaming.install.after_install"
after_migrate = [
	"event_streaming.admin.navigation.stand_under_automation",
	"event_streaming.install.make_encryption_key",
]
before_uninstall = "event_streaming.uninstall.before_uninstall"
after_uninstall = "event_streaming.uninstall.after_uninstall"

# Log Settings clears these after so many days
default_log_clearing_doctypes = {
	"Event Update Log": 60,
	"Event Sync Log": 60,
	"Event Made Document": 60,
	"Event Given Document": 60,
	"Event Delivery Hour": 7,
	"Event Streaming Alert": 180,
	"Event Streaming Task": 60,
	"Event Streaming Audit Log": 365,
}
# our records never keep a person from deleting a document
ignore_links_on_delete = [
	"Event Update Log",
	"Event Sync Log",
	"Event Document Identity",
	"Event Made Document",
	"Event Given Document",
	"Event Streaming Task",
	"Event Streaming Audit Log",
	"Event Streaming Invitation",
]

# what is true for a while, whoever empties the site's cache meanwhile: site/claims.py
persistent_cache_keys = ["event_streaming:kept:"]

# sites with Frappe 13's module call these paths
_OLD, _NEW = "frappe.event_streaming.doctype", "event_streaming.event_streaming.doctype"
override_whitelisted_methods = {
	f"{_OLD}.{path}": f"{_NEW}.{path}"
	for path in (
		"event_consumer.event_consumer.register_consumer",
		"event_update_log.event_update_log.get_update_logs_for_consumer",
		"event_producer.event_producer.new_event_notification",
	)
}
