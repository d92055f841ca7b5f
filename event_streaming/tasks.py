"""What the scheduler calls. Nothing is decided here."""

from event_streaming.consumer import pull
from event_streaming.producer import notify


def event_streaming_every_minute() -> None:
	"""Pull what is due and send the notifications that were lost: notifications only make things faster."""
	pull.pull_due()
	notify.minutely()
