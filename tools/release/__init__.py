"""Makes a release of the app from the commit that is checked out: `make release`. It never pushes, and changes no file of the repository.

`changelog` reads versions and sections, `packages` builds wheel and source and tries them in an empty environment, `__main__` puts
both in order and sets the tag.
"""
