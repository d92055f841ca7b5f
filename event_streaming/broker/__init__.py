"""The connection with a NATS server (JetStream): connects, publishes, fetches. It never looks into a message and trusts no answer.

The package nats-py is needed only here, and only where it is used.
"""
