"""What an administrator sees and does, the same from the terminal and over REST: status, decisions, doctor, metrics,
alerts.

It looks at both sides of a site; the sides know nothing of it. Nothing here applies an event or reads the feed.
"""
