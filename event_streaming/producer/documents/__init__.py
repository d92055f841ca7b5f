"""Whole documents that a consumer asks for: by name, in a copy, as digests, with their files, with their position in the log.

Reads only, as the consumer's user may.
"""
