"""What goes wrong in a soak, on purpose and at random moments; each is written into the history.

Each fault is a class with `start` and `stop`; `all_of_them` has their names.
"""
