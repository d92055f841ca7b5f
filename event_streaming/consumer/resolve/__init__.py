"""Which local document a remote one is: one ordered list of rules (`rules.py`), asked by everybody through `resolver.py`.

It reads, in a fixed number of queries for a page; besides, it keeps the identities that were found out. It never touches the
documents themselves.
"""
