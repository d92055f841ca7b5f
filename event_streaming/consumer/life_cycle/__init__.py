"""Writes documents through Frappe's life cycle, faithfully: values, rows, stamps, times.

Knows nothing of events, subscriptions or identities: plain data in, a local document out. Never commits.
"""
