"""Publishes the log to a NATS stream, for consumers whose subscriptions are open: one process for a site, events in the log's order.

The log is the outbox: what the stream has not got is read from it. It never changes a document or an event, and nothing waits for it.
"""
