"""`make demo`: a head office and a branch, and documents that go from the one to the other."""
