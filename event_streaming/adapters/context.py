"""What a hook is told of the event that is applied."""

from dataclasses import dataclass, field
from typing import Any

from frappe import _
from frappe.utils import escape_html

from event_streaming.identity.origin import Applied

# flag of a document: fields of which a hook has decided what they hold here, whatever came
DECIDED_FLAG = "event_streaming_decided"


@dataclass(frozen=True)
class Context:
	"""See the package's docstring."""

	producer: str
	doctype: str
	remote_doctype: str
	name: str
	update_type: str
	quiet: bool
	came: dict[str, Any]
	warnings: list[str] = field(default_factory=list)

	def warn(self, text: str) -> None:
		"""Tell a person who looks at the event's row in Event Sync Log."""
		self.warnings.append(text)

	def decide(self, doc: Any, fieldname: str, value: Any, because: str) -> None:
		"""Set a field of the document to what this site wants, instead of what came."""
		if doc.get(fieldname) == value:
			return
		there = escape_html(str(doc.get(fieldname) or ""))
		doc.set(fieldname, value)
		doc.flags[DECIDED_FLAG] = [*(doc.flags.get(DECIDED_FLAG) or ()), fieldname]
		self.warn(
			_("{0} stays {1} here instead of {2}: {3}").format(
				doc.meta.get_label(fieldname), value or _("empty"), there or _("empty"), because
			)
		)


def context_of(applied: Applied, came: dict, warnings: list[str]) -> Context:
	return Context(
		producer=applied.producer,
		doctype=applied.doctype,
		remote_doctype=applied.remote_doctype,
		name=applied.name,
		update_type=applied.update_type,
		quiet=applied.quiet,
		came=came,
		warnings=warnings,
	)
