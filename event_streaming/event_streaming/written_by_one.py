"""The controller of a record that one module alone writes: whoever else would make, change, rename, discard or delete one is refused,
Administrator included. What may be done all the same, and with which words it is refused, the DocType says.
"""

from frappe.model.document import Document


class WrittenByOne(Document):
	"""A record whose `refuse` raises frappe.PermissionError, unless it is its own module that writes."""

	def before_insert(self):
		self.refuse()

	def validate(self):
		self.refuse()

	def before_rename(self, old: str, new: str, merge: bool = False):
		self.refuse()

	def before_discard(self):
		self.refuse()

	def on_trash(self):
		self.refuse()

	def refuse(self) -> None:
		raise NotImplementedError
