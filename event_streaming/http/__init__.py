"""The client of another Frappe site: keep-alive, time-outs, bounded answers, errors by meaning, secrets masked.

Knows neither events nor which side it is on.
"""
