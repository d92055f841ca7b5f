app_name = "streamed_shop"
app_title = "Streamed Shop"
app_publisher = "Event Streaming contributors"
app_description = "A shop whose documents the tests and the demo of event_streaming stream"
app_email = "event-streaming@example.com"
app_license = "MIT"

after_install = "streamed_shop.install.after_install"

# an app that knows of event_streaming; without that, nobody calls it
event_streaming_before_apply = {"*": ["streamed_shop.streaming.before_apply"]}
event_streaming_leads_to = {
	"Shop Payment": {"references.reference_name": ["Shop Invoice"], "party": ["Shop Customer"]}
}
