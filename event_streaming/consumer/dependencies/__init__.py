"""What a document links to and this site lacks: found, fetched in bulk, put in an order in which it can be made.

Makes no document but the user that is missing.
"""
