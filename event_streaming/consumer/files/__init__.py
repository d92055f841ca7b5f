"""A remote file -> one row of File here; its content, fetched once; the fields that name it."""
