"""Which local document stands for which remote one, where a change was first made, what was made along with documents, and
what became of them.

The only room that reads or writes Event Document Identity and Event Made Document. It never touches the documents themselves.
"""
