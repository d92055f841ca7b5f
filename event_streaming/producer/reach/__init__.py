"""What reaches a consumer, and why not: what a check is told, where one document is, how many are withheld.

It gives counts, fields and reasons, never a value, and writes nothing.
"""
