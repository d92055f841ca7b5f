"""A soak that is concurrent: people, pulls, workers and faults at the same time on three sites, and a checker at rest.

`python -m tests.soak --help`. What is streamed and who writes what is in `shapes`; what people do in `sites.inside` (runs in a site);
what is broken meanwhile in `faults`; what must be so in the end in `checker`, which is pure and has unit tests.
"""
