"""What makes requests and answers smaller: changes of a document put together, names with their digests packed. Pure."""
