"""What both sites have done to the same document: sums of numbers that both count in, policies of single fields, kinds of conflict.

Pure: plain values in, an answer out. Which documents meet, and what is done about it, is in `apply/conflicts.py` and `apply/two_way.py`.
"""
