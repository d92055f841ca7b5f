"""Runs copies, verifies and repairs in slices, and goes on with those that died."""
