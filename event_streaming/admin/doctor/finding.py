"""What the doctor has found: one sentence each, how bad it is, and how to mend it."""

from dataclasses import dataclass

OK, NOTE, WARNING, FAULT = "ok", "note", "warning", "fault"
# the check of what could not be looked at to its end
BROKEN_OFF = "examination"


@dataclass(frozen=True)
class Finding:
	"""`check` names what was looked at, `subject` the site, user, queue or DocType that it is about.

	OK and NOTE need nothing to be done; WARNING will or may hurt; FAULT keeps something from working.
	"""

	check: str
	subject: str
	level: str
	message: str
	remedy: str = ""

	@property
	def needs_a_person(self) -> bool:
		return self.level in (WARNING, FAULT)
