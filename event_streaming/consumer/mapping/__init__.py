"""A remote document or difference -> the local one, by a Document Type Mapping.

Never writes a document.
"""
