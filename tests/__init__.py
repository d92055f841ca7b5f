"""A package, so that on a bench `tests` means this folder: other people's packages install a `tests` of their own."""
