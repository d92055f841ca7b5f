"""Which documents that both sites have already are the same, by the fields of *Match By*: which fields those are, how pairs are
found, and the answer for a single document. It never links, writes or commits; `first_copy` and `apply` do.
"""
