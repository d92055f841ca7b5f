"""Brings over documents that exist on a producer already, in pages, resumable."""
