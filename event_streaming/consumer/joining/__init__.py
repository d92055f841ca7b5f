"""This site joins another one with a code that it was given: asks what is offered, uses the code, makes the Event Producer.

What is offered is checked by who calls, and what the other direction is to be approved for is the producer's side of this site.
"""
