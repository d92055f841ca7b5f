"""What tests ask of a site's database past Frappe: `dialects` has it for each. Never what the app itself asks."""
