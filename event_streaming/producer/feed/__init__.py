"""A page of events for one consumer, a module for each step: select, permit, meet conditions; and the older app's format.

Never changes a document or an event.
"""
