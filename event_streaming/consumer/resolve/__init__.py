"""Which local document an event is about.

Reads only, but for the identity that a rule has found out.
"""
