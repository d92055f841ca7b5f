"""What a consumer wishes of what it asks for, and how it is told how far that was heard. Pure; a wish gives nobody a right."""
