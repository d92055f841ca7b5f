"""Where is my document? For each connected site: is it there, how far are its events, and why it is not there if it is not.

It puts together what both sides of this site and the other site say. It changes nothing, and shows no value of a document.
"""
