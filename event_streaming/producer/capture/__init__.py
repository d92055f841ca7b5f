"""Hooks of documents and files -> one row of Event Update Log, in the transaction of the change itself.

Never commits, never talks to another site, never decides who gets what.
"""
