"""Runs on the site that subscribes: pulls, maps, resolves, applies and records.

Which rooms there are, and what each is for: docs/architecture.md. Each imports only rooms behind it, in the order of
tests/unit/house/test_imports.py, and never anything of `producer`.
"""
