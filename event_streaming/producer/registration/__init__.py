"""Sites register here: what they ask for, what they are allowed, and how this site stands with each of them.

Never decides by itself: an approval is a person's.
"""
