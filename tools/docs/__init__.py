"""The site of the documentation: pages cut from docs/*.md, the OpenAPI file, the error catalogue. `make docs` builds all of it."""
