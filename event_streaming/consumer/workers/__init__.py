"""Several workers for one producer: lanes of events that do not touch each other, helpers, and what is left to the pull."""
