"""Commands that bring documents, or bring them in order: pull, copy, match, adopt, verify, resync, wait. They decide nothing about a connection."""
