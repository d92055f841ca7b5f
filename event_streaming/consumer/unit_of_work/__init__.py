"""What takes effect together: groups of events, savepoints, lost transactions, what is undone with an event.

Knows neither documents nor what applying is: it is told. The only room besides the loops above it that commits.
"""
