"""Pure: whether a code that is shown may be used now, and by whom."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

OPEN, USED, EXPIRED, WITHDRAWN = "Open", "Used", "Expired", "Withdrawn"
# who has begun in time, and was interrupted, can go on for so long
TO_GO_ON = timedelta(hours=24)
# why not, besides the last three of above
UNKNOWN, OTHER_ADDRESS, DONE = "Unknown", "Other Address", "Done Already"


@dataclass(frozen=True)
class Invitation:
	"""What is kept of one."""

	status: str
	secret_hash: str
	expires_on: datetime
	proof_hash: str = ""
	used_on: datetime | None = None
	completed: bool = False
	only_address: str = ""


@dataclass(frozen=True)
class Asking:
	"""Who shows a code: hashes of the secret in it and of the site's own proof, and the address that the site gives."""

	secret_hash: str
	proof_hash: str
	address: str = ""


# in the place of an invitation that there is not, so that it takes as long
NONE = Invitation(WITHDRAWN, "0" * 64, datetime.max)


def why_not(invitation: Invitation | None, asking: Asking, now: datetime) -> str:
	"""Why a code is refused; "" when it is not. Nothing is told to who has not got the secret.

	A code that was used is good for the site that has used it, and for no other, so that it can go on where it was interrupted.
	"""
	known = invitation if invitation and invitation.secret_hash else NONE
	if not hmac.compare_digest(known.secret_hash, asking.secret_hash) or known is NONE:
		return UNKNOWN
	if known.status == WITHDRAWN:
		return WITHDRAWN
	if known.proof_hash:
		if not hmac.compare_digest(known.proof_hash, asking.proof_hash):
			return USED
		if known.completed or (known.used_on and now <= _can_go_on_until(known)):
			return ""
		return EXPIRED
	if known.status != OPEN or now > known.expires_on:
		return EXPIRED
	if known.only_address and known.only_address != asking.address:
		return OTHER_ADDRESS
	return ""


def _can_go_on_until(invitation: Invitation) -> datetime:
	return max(invitation.expires_on, invitation.used_on + TO_GO_ON)
