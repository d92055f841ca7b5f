"""The records of long work (Event Streaming Task): how far a copy, a comparison, a check or a repair has got, in slices, and what it has found.

Never applies anything.
"""
