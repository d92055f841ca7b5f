"""The doctor: looks at this site, at each producer and at each consumer, and says of each trouble how to mend it.

It asks the other sites and changes nothing, here or there. `examination` goes through all of it.
"""
