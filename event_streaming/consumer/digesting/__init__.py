"""Digests of this site's documents in a producer's terms: what of them is compared, and reading it in bulk. It asks no other site and
changes nothing."""
