"""One event -> one local document: create, update, rename, delete, files; conflicts; two sites that subscribe to each other.

Never commits, and leaves failing to the unit of work.
"""
