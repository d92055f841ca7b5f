"""The steps of taking over the data of the older app, one module for each kind of data."""
