"""What is streamed and to whom: the set of streamed DocTypes, conditions, and the consumer that is asking.

Reads only.
"""
