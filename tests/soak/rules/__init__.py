"""What is right at rest for some kinds of documents only: under a condition, and where people of a site that takes meddle. Pure."""
