"""The app that tests and demo stream: a small shop whose controllers do what real business documents do."""

__version__ = "0.0.1"
