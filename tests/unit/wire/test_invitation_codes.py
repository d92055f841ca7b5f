"""The code of an invitation, and whether one that is shown may be used: no site is needed for either."""

from datetime import datetime, timedelta

import pytest

from event_streaming.admin.pairing.lines import WrongLines, as_csv, read_lines
from event_streaming.producer.inviting.policy import (
	EXPIRED,
	OPEN,
	OTHER_ADDRESS,
	UNKNOWN,
	USED,
	WITHDRAWN,
	Asking,
	Invitation,
	why_not,
)
from event_streaming.wire.checks import InvalidPage
from event_streaming.wire.invitations import (
	Code,
	InvalidCode,
	decode,
	encode,
	hash_of,
	parse_keys,
	parse_offer,
	proof_of,
	subscriber_of,
)

CODE = Code(
	"https://head-office.example.com",
	"8c1f3a52-0d50-4c8e-9a8d-0e2f7f3b8f51",
	"k3j2h1g9f8",
	"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6",
)
NOW = datetime(2026, 11, 29, 12, 0)
HOUR = timedelta(hours=1)
SECRET, PROOF, OTHER = hash_of("secret"), hash_of("proof"), hash_of("other")


def test_a_code_says_what_it_was_made_of_however_it_was_broken_into_lines():
	code = encode(CODE)

	broken = f" {code[:20]}\n{code[20:90]}\r\n\t{code[90:]} \n"
	assert decode(code) == decode(broken) == CODE
	assert CODE.secret not in repr(CODE)


def test_a_code_with_any_character_changed_or_missing_is_none():
	code = encode(CODE)

	for at in range(len(code)):
		for changed in (
			code[:at] + code[at + 1 :],
			code[:at] + ("A" if code[at] != "A" else "B") + code[at + 1 :],
		):
			try:
				# the last character holds bits that mean nothing
				assert decode(changed) == CODE and at == len(code) - 1
			except InvalidCode:
				pass


@pytest.mark.parametrize(
	"wrong",
	[
		"",
		"hello",
		"ES1-",
		"ES1-" + "A" * 5_000,
		encode(Code("ftp://head-office.example.com", CODE.site_id, CODE.invitation, CODE.secret)),
		encode(Code(CODE.address, "<b>", CODE.invitation, CODE.secret)),
		encode(Code(CODE.address, CODE.site_id, "../user", CODE.secret)),
		encode(Code(CODE.address, CODE.site_id, CODE.invitation, "short")),
	],
)
def test_what_is_no_code_of_an_invitation_is_refused(wrong):
	with pytest.raises(InvalidCode):
		decode(wrong)


def test_a_proof_is_of_one_site_and_one_code():
	proofs = {
		proof_of(key, site, code)
		for key in (b"one", b"two")
		for site in ("site-one", "site-two")
		for code in (CODE, Code(CODE.address, CODE.site_id, CODE.invitation, "z" * 32))
	}

	assert len(proofs) == 8 and CODE.secret not in "".join(proofs)
	assert proof_of(b"one", "site-one", CODE) in proofs


def test_users_of_an_invitation_are_known_on_both_sites_and_no_name_can_be_smuggled_in():
	assert subscriber_of("k3j2h1g9f8") == "stream-k3j2h1g9f8@event-streaming.invalid"
	assert subscriber_of("k3j2h1g9f8", back=True) == "stream-k3j2h1g9f8-back@event-streaming.invalid"
	with pytest.raises(InvalidCode):
		subscriber_of("a@b.example\n")


# ---- who may use one


def invitation(**values) -> Invitation:
	return Invitation(**{"status": OPEN, "secret_hash": SECRET, "expires_on": NOW + HOUR, **values})


def used(**values) -> Invitation:
	return invitation(**{"status": USED, "proof_hash": PROOF, "used_on": NOW - HOUR, **values})


MINE = Asking(SECRET, PROOF, "https://shop-7.example.com")


@pytest.mark.parametrize(
	("kept", "asking", "reason"),
	[
		(invitation(), MINE, ""),
		(None, MINE, UNKNOWN),
		(invitation(), Asking(OTHER, PROOF), UNKNOWN),
		(invitation(secret_hash=""), MINE, UNKNOWN),
		# in place of an invitation that there is not, nothing else is good either
		(None, Asking("0" * 64, PROOF), UNKNOWN),
		(invitation(secret_hash=""), Asking("0" * 64, PROOF), UNKNOWN),
		(invitation(status=WITHDRAWN), MINE, WITHDRAWN),
		(invitation(status=WITHDRAWN), Asking(OTHER, PROOF), UNKNOWN),
		(invitation(expires_on=NOW - HOUR), MINE, EXPIRED),
		(invitation(status=EXPIRED), MINE, EXPIRED),
		(invitation(only_address="https://shop-7.example.com"), MINE, ""),
		(invitation(only_address="https://shop-8.example.com"), MINE, OTHER_ADDRESS),
		# used: for the same site only, also late, but not for ever
		(used(), MINE, ""),
		(used(), Asking(SECRET, OTHER, MINE.address), USED),
		(used(expires_on=NOW - HOUR), MINE, ""),
		(used(expires_on=NOW - 26 * HOUR, used_on=NOW - 25 * HOUR), MINE, EXPIRED),
		(used(expires_on=NOW - 26 * HOUR, used_on=NOW - 25 * HOUR, completed=True), MINE, ""),
		(used(completed=True), Asking(SECRET, OTHER), USED),
		(used(status=WITHDRAWN), MINE, WITHDRAWN),
	],
)
def test_who_may_use_a_code(kept, asking, reason):
	assert why_not(kept, asking, NOW) == reason


# ---- what the other site says


def test_an_offer_is_checked_and_two_that_differ_have_two_stamps():
	answer = {
		"site": "https://head-office.example.com",
		"rows": [{"doctype": "Note", "row": {"document_type": "Note", "condition": ""}}],
		"both_directions": 0,
		"expires_on": "2026-11-30 12:00:00",
	}
	offer = parse_offer(answer)

	assert (list(offer.rows), offer.both_directions, offer.completed) == (["Note"], False, False)
	assert offer.stamp == parse_offer({**answer, "expires_on": "", "completed": 1}).stamp
	assert offer.stamp != parse_offer({**answer, "both_directions": 1}).stamp
	for wrong in (
		[],
		{},
		{**answer, "rows": []},
		{**answer, "rows": [{"doctype": "<b>", "row": {}}]},
		{**answer, "rows": [{"doctype": "Note", "row": []}]},
		{**answer, "site": ""},
		{**answer, "rows": [{"doctype": f"Note {at}", "row": {}} for at in range(201)]},
	):
		with pytest.raises(InvalidPage):
			parse_offer(wrong)


def test_keys_come_whole_or_not_at_all():
	assert parse_keys({}) == ("", "")
	assert parse_keys({"api_key": "a", "api_secret": "b"}) == ("a", "b")
	for wrong in ({"api_key": "a"}, {"api_key": 1, "api_secret": "b"}, "keys"):
		with pytest.raises(InvalidPage):
			parse_keys(wrong)


# ---- many at once


def test_a_file_of_sites_is_read_and_what_a_line_leaves_empty_is_left_to_the_command():
	content = (
		"\ufeffSite,doctypes,both_directions,expires_in_hours\nShop 1,,,\nShop 2,Item; Customer,yes,48\n"
	)

	first, second = read_lines(content)

	assert (first.number, first.values) == (2, {"invited": "Shop 1"})
	assert second.values == {
		"invited": "Shop 2",
		"doctypes": ["Item", "Customer"],
		"recipe": None,
		"both_directions": True,
		"expires_in_hours": 48,
	}
	row = {"site": "Shop, 1", "invitation": "abc", "expires_on": "2026-11-30 12:00:00", "code": "ES1-x"}
	assert as_csv([row]).splitlines()[1] == '"Shop, 1",abc,2026-11-30 12:00:00,ES1-x'


@pytest.mark.parametrize(
	("content", "problem"),
	[
		("", "column site"),
		("shop\nShop 1\n", "column site"),
		("site,colour\nShop 1,red\n", "not known: colour"),
		("site\n", "from 1 to"),
		("site\nShop 1\nShop 1\n", "line 3: Shop 1 stands in line 2 already"),
		("site,recipe,doctypes\nShop 1,a,b\n", "line 2: it has a recipe and doctypes"),
		("site,both_directions\nShop 1,maybe\n", "line 2: both_directions"),
		("site,expires_in_hours\nShop 1,1.5\n", "line 2: expires_in_hours"),
		("site\nShop 1,more\n", "line 2: there are more values"),
		("site,address\n,https://shop.example.com\n", "line 2: the site has no name"),
	],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(content, problem):
	with pytest.raises(WrongLines, match=problem):
		read_lines(content)
