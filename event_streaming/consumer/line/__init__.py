"""The line to a producer where it is bad: when it may be used and how much of it. It asks no site and applies nothing; which rows
come first is `wire/wishes/priorities.py`."""
