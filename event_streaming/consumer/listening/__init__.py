"""Hears from producers up to where there is something to pull, over connections that this site opens: the process `listen`.

It has pulled as a notification would have, by a short pull or a job; it believes nothing but a number. `process.py` holds one
connection for each producer, `bench.py` is what it needs of the sites, `back_ends.py` has over what it listens.
"""
