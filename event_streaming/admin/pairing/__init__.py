"""Two sites are connected with one code: what Desk, REST and commands call to invite and to join, and what is answered to a site
that shows a code. It puts the two sides together, `producer/inviting` and `consumer/joining`, and decides nothing by itself.
"""
