"""Event Update Log: positions in the order of commits, reading, deliveries, retention.

Never writes an event (capture does) and never decides who gets one.
"""
