"""Compares documents of both sites by digests, and brings in line what differs."""
