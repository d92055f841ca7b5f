"""Runs on the site whose documents are streamed: captures, orders and feeds.

Its rooms, from the top: registration, feed, capture, documents, notify, log, subscriptions. Each imports only rooms behind it,
and never anything of `consumer`.
"""
