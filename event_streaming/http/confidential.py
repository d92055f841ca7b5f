"""Text that is sent and never shown: keys, and what holds some.

Frappe's Error Log keeps the variables of every function that an error has passed through. It hides those whose name says
that they are secret, not a request's body that has a secret in it. Pure.
"""


class Confidential(str):
	"""Text like any other, but for what is shown of it where variables are listed."""

	__slots__ = ()

	def __repr__(self) -> str:
		return "'***'"


def plain(text: object) -> str:
	"""What another site says, as text that is shown where HTML is understood: it can't be any."""
	return str(text).replace("<", "&lt;").replace(">", "&gt;")
