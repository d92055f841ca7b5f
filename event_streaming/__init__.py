"""Event Streaming: keeps documents the same on two or more Frappe sites."""

__version__ = "0.1.0"
