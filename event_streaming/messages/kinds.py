"""Pure: the code of an error that is not ours, by its kind: Frappe's own errors fail events too, and have no code of theirs.

The codes are those of the titles in `admin/causes/remedies.py`.
"""

# kinds that are alike to a person
SAME = {
	"CancelledLinkError": "LinkValidationError",
	"EmptyTableError": "MandatoryError",
	"DataTooLongException": "CharacterLengthExceededError",
	"DuplicateEntryError": "UniqueValidationError",
	"RemoteError": "RemoteUnavailable",
	"WrongSite": "RemoteRefused",
	"FileGone": "FileNotSent",
	"QueryTimeoutError": "QueryDeadlockError",
	"TransactionLost": "QueryDeadlockError",
	"CannotChangeConstantError": "UpdateAfterSubmitError",
}
CODES = {
	"NameTaken": "ES-417",
	"LinkValidationError": "ES-407",
	"DependencyMissing": "ES-403",
	"WaitsForAnother": "ES-425",
	"UniqueValidationError": "ES-416",
	"ConflictToSettle": "ES-414",
	"ValueNotInMap": "ES-410",
	"MandatoryError": "ES-408",
	"CharacterLengthExceededError": "ES-411",
	"DataError": "ES-409",
	"UpdateAfterSubmitError": "ES-404",
	"TimestampMismatchError": "ES-413",
	"InvalidPage": "ES-422",
	"CannotApply": "ES-412",
	"PermissionError": "ES-420",
	"RefusedDocType": "ES-419",
	"RemoteUnavailable": "ES-423",
	"RemoteRefused": "ES-424",
	"OSError": "ES-406",
	"FileNotSent": "ES-405",
	"QueryDeadlockError": "ES-421",
	"ModuleNotFoundError": "ES-415",
}
ANY_OTHER = "ES-418"


def code_of(kind: str) -> str:
	"""The code of a kind of error, named by its exception."""
	return CODES.get(SAME.get(kind, kind), ANY_OTHER)
