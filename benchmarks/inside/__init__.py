"""What runs inside a site: the peers of each line, timed where they run. Times are in milliseconds.

Sites import these modules by name (`benchmarks.inside.saves.…`), so that none of them imports the sandbox. A module a subject.
"""
