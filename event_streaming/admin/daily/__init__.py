"""Once a day the doctor looks by itself: what it finds is kept, becomes an alert, and can be put off until a date.

It changes nothing but the rows of Event Streaming Finding; what the doctor looks at is `doctor/`'s.
"""
