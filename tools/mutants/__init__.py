"""Mutation: small changes are made to the app, one at a time, and the tests have to fail. What survives is a line that no test holds.

Never touches the tree that it is run from: it works in a copy.
"""
