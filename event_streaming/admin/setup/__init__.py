"""The set-up of a site as a file: producers, their rows, mappings, value maps and settings, without secrets; and recipes, which are
such files that come with an app.

`reading` knows what a file may hold, `planning` what it would change, both pure; `here` reads this site, `checking` judges by it,
`applying` writes, all or nothing. A file never removes anything, holds no keys, and makes no Event Producer, as that needs keys.
"""
