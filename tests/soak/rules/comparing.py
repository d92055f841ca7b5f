"""Documents of two sites beside each other. Pure."""

from tests.soak.evidence import SiteEvidence, owner_of


def of_owner(site: SiteEvidence, doctype: str, owner: str) -> dict[str, dict]:
	return {key: doc for key, doc in site.documents.get(doctype, {}).items() if owner_of(key) == owner}


def differences(one: dict, other: dict, but: tuple[str, ...] = ()) -> list[str]:
	found = []
	for key in sorted(one.keys() | other.keys()):
		if key not in but and one.get(key) != other.get(key):
			found.append(f"{key} is {one.get(key)!r} there, {other.get(key)!r} here")
	return found
