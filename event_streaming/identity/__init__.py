"""Which local document stands for which remote one, where a change was first made, and what became of documents.

The only room that reads or writes Event Document Identity. It never touches the documents themselves.
"""
