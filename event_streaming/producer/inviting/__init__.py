"""Sites are invited from here: one-time codes, what they are good for, and what is done when one comes.

What an invitation says is what its maker has decided: it is approved when the invited site registers, and never more. It makes no
Event Producer; the other direction is set up by who calls.
"""
