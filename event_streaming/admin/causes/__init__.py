"""Causes of what has failed, in place of its rows: grouped, each with its remedy, and mended together.

Which cause an event has is written with its row by the consumer's side; trying again, skipping and adopting are done there, too.
"""
