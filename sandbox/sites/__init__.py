"""Sites of a run: made from a template, cloned, reset, called, and taken down; the same on a real bench."""
