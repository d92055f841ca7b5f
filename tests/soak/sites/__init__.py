"""What runs inside a site in a soak: imported there by name."""
