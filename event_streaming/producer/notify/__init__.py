"""Tells consumers, after a commit, that there is something to pull. What it loses costs time only."""
