"""What this site takes, from whom, and how: rows of Event Producer as plain data, the handshake, the client of a producer.

Never applies an event.
"""
