"""Runs on the site whose documents are streamed: captures, orders and feeds.

Which rooms there are, and what each is for: docs/architecture.md. Each imports only rooms behind it, in the order of
tests/unit/house/test_imports.py, and never anything of `consumer`.
"""
