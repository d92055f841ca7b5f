"""Accounts and cost centres: trees whose nodes are named after themselves and their company."""

import frappe
from frappe.utils.nestedset import NestedSet


class CompanyTree(NestedSet):
	"""A node is called "Debtors - HO": its own name and its company's abbreviation."""

	name_field: str

	def autoname(self):
		self.name = with_abbr(self.get(self.name_field), self.company)


def with_abbr(name: str, company: str) -> str:
	return f"{name} - {frappe.db.get_value('Shop Company', company, 'abbr')}"
