"""How fast Event Streaming is, against a peer in the same run: `python -m benchmarks --help`.

`lines` has a class for each line of the table; `inside` is what runs inside a site; `figures` turns samples into medians,
ratios and spread; `report` prints and writes them. Never asserts: a benchmark prints what it measured.
"""
