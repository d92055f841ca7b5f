"""Who this site is to others and what it allows: address, settings, versions, refused DocTypes, acting as a user.

Never calls another site and knows nothing of events.
"""
