"""The database where Frappe's query builder is not enough: named locks, bulk reading and inserting, each dialect's SQL
side by side.

Knows no DocType and never commits.
"""
