"""What goes over the wire: paths, events, pages, files, differences, digests, and the check of all that comes in.

Pure: nothing here needs a site, reads or writes anything, or knows which side it is on.
"""
