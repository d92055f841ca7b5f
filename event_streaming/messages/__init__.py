"""Codes of messages: a message that somebody may look up ends with one, such as (ES-101), in every language.

`codes.json` has the code of each English message, `retired.json` those that are not shown any more; a code is never given to another
message. What each means and what to do is in docs/errors.md. It never decides what is said, and changes no translation.
"""
