"""Runs on the site that subscribes: pulls, maps, resolves, applies and records.

Its rooms, from the top: long_work, verify, first_copy, pull, workers, apply, dependencies, files, resolve, matching,
mapping, life_cycle, unit_of_work, subscriptions, logs. Each imports only rooms behind it, and never anything of `producer`.
"""
