"""Which local document a remote one is: each rule by itself, and the order in which they are asked. No site."""

from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from event_streaming.consumer.resolve import rules
from event_streaming.consumer.resolve.rules import Namesake, Question

HERE, THERE = "http://here.example", "http://there.example"
KEY = ("Client", "Ann")
THEN, LATER = datetime(2026, 1, 1, 12), datetime(2026, 1, 2, 12)
ASKED = Question(KEY, "Client")


@dataclass
class Seen:
	"""A site of which everything is known."""

	here: str = HERE
	identities: dict = field(default_factory=dict)
	roots: dict = field(default_factory=dict)
	given: set = field(default_factory=set)
	renamed: dict = field(default_factory=dict)
	there: set = field(default_factory=set)
	producers: set = field(default_factory=set)
	anothers: set = field(default_factory=set)
	namesakes: dict = field(default_factory=dict)
	makers: dict = field(default_factory=dict)
	singles: set = field(default_factory=set)
	counted: set = field(default_factory=set)
	older: bool = False
	remote_names: dict = field(default_factory=dict)
	merges: dict = field(default_factory=dict)

	def identity(self, key, root):
		return self.identities.get(key)

	def by_root(self, root):
		return self.roots.get((root["site"], root["doctype"], root["name"]))

	def is_given(self, doctype, to_producer=False):
		return (doctype, to_producer) in self.given

	def name_now(self, local):
		return self.renamed.get(local, local)

	def merged(self, key):
		return self.merges.get(key)

	def exists(self, local):
		return local in self.there

	def stands_for_the_producers(self, local):
		return local in self.producers

	def is_anothers(self, local):
		return local in self.anothers

	def namesake(self, local):
		return self.namesakes.get(local)

	def maker(self, local):
		return self.makers.get(local)

	def is_single(self, doctype):
		return doctype in self.singles

	def is_counted(self, doctype):
		return doctype in self.counted

	def had_by_the_older_app(self, question, namesake):
		return self.older

	def carries_remote_name(self, question):
		return self.remote_names.get(question.key)


def root(site: str, name: str = "Ann") -> dict:
	return {"site": site, "doctype": "Client", "name": name}


def test_a_document_that_has_come_before_is_the_one_of_its_identity():
	assert rules.identity(ASKED, Seen(identities={KEY: ("Client", "LOC-1")})) == ("Client", "LOC-1")
	assert rules.identity(ASKED, Seen()) is None


def test_a_document_that_came_by_another_way_is_known_by_its_root():
	seen = Seen(roots={(THERE, "Client", "Ann"): ("Client", "Ann of the third")})

	assert rules.root(replace(ASKED, root=root(THERE)), seen) == ("Client", "Ann of the third")
	assert rules.root(ASKED, seen) is None


def test_a_document_that_was_renamed_here_after_it_had_left_is_found_under_its_new_name():
	asked = replace(ASKED, root=root(HERE))
	seen = Seen(
		given={("Client", False)},
		renamed={("Client", "Ann"): ("Client", "Anna")},
		there={("Client", "Anna")},
	)

	assert rules.came_home_renamed(asked, seen) == ("Client", "Anna")
	assert rules.came_home_renamed(replace(ASKED, root=root(THERE)), seen) is None
	assert rules.came_home_renamed(asked, replace(seen, there=set())) is None


def test_no_root_opens_a_document_that_this_site_gives_to_nobody():
	asked = replace(ASKED, root=root(HERE))

	assert rules.came_home_renamed(asked, Seen(there={("Client", "Ann")})) is None


def test_a_name_that_this_site_has_given_is_the_producers_after_it_has_taken_that_over():
	seen = Seen(given={("Client", True)}, there={("Client", "Ann")}, producers={("Client", "Ann")})

	assert rules.renamed_by_this_site(ASKED, seen) == ("Client", "Ann")
	assert rules.renamed_by_this_site(ASKED, replace(seen, producers=set())) is None
	assert rules.renamed_by_this_site(ASKED, replace(seen, given=set())) is None
	assert rules.renamed_by_this_site(replace(ASKED, use_same_name=False), seen) is None
	assert rules.renamed_by_this_site(replace(ASKED, mapped=True), seen) is None


def test_a_name_that_this_site_has_given_is_known_also_when_the_document_is_gone():
	gone = ("Client", "Ann")
	seen = Seen(given={("Client", True)}, producers={gone})

	assert rules.renamed_by_this_site_and_gone(ASKED, seen) == gone
	renamed = replace(seen, renamed={gone: ("Client", "Anna")}, producers={("Client", "Anna")})
	assert rules.renamed_by_this_site_and_gone(ASKED, renamed) == ("Client", "Anna")
	# here again it is another one's name
	assert rules.renamed_by_this_site_and_gone(ASKED, replace(seen, there={gone})) is None
	assert rules.renamed_by_this_site_and_gone(ASKED, replace(seen, producers=set())) is None
	assert rules.renamed_by_this_site_and_gone(ASKED, replace(seen, given=set())) is None
	assert rules.renamed_by_this_site_and_gone(replace(ASKED, use_same_name=False), seen) is None
	assert rules.renamed_by_this_site_and_gone(replace(ASKED, mapped=True), seen) is None


def test_a_single_always_stands_for_itself():
	asked = replace(ASKED, key=("Client", "Client"), use_same_name=False)

	assert rules.single(asked, Seen(singles={"Client"})) == ("Client", "Client")
	assert rules.single(asked, Seen()) is None


def test_a_namesake_of_the_very_same_creation_is_the_same_document():
	asked = replace(ASKED, creation=THEN)
	seen = Seen(namesakes={("Client", "Ann"): Namesake("Ann", THEN)})

	assert rules.same_creation(asked, seen) == ("Client", "Ann")
	assert rules.same_creation(replace(asked, creation=LATER), seen) is None
	assert rules.same_creation(replace(asked, creation=None), seen) is None
	assert rules.same_creation(replace(asked, use_same_name=False), seen) is None
	written_otherwise = Seen(namesakes={("Client", "Ann"): Namesake("ANN", THEN)})
	assert rules.same_creation(asked, written_otherwise) is None


MADE = Seen(makers={("Client", "Ann"): ("Company", "Head Office")})


def test_what_a_life_cycle_made_here_is_the_producers_namesake():
	assert rules.made_by_a_life_cycle(ASKED, MADE) == ("Client", "Ann")
	assert rules.made_by_a_life_cycle(ASKED, Seen()) is None


@pytest.mark.parametrize(
	("asked", "seen"),
	[(ASKED, replace(MADE, counted={"Client"})), (replace(ASKED, use_same_name=False), MADE)],
	ids=["a counted name", "local naming"],
)
def test_where_a_name_proves_nothing_the_document_has_to_name_the_one_that_was_applied(asked, seen):
	assert rules.made_by_a_life_cycle(asked, seen) is None
	assert rules.made_by_a_life_cycle(replace(asked, data={"company": "Branch"}), seen) is None
	rows = {"links": [{"link_doctype": "Company", "link_name": "Head Office"}]}
	assert rules.made_by_a_life_cycle(replace(asked, data=rows), seen) == ("Client", "Ann")


def test_for_the_older_app_documents_of_one_name_were_one():
	seen = Seen(older=True, namesakes={("Client", "Ann"): Namesake("Ann", THEN)})

	assert rules.same_name_of_the_older_app(ASKED, seen) == ("Client", "Ann")
	assert rules.same_name_of_the_older_app(ASKED, replace(seen, older=False)) is None
	assert rules.same_name_of_the_older_app(replace(ASKED, use_same_name=False), seen) is None


def test_the_two_fields_of_the_older_app_say_where_a_document_came_from():
	seen = Seen(remote_names={KEY: ("Client", "LOC-1")})

	assert rules.remote_name_of_the_older_app(ASKED, seen) == ("Client", "LOC-1")


NAMED = Seen(namesakes={("Client", "Ann"): Namesake("ANN", THEN)})


def test_a_namesake_that_is_not_streamed_and_whose_name_means_something_counts():
	asked = replace(ASKED, streamed=False)

	assert rules.name_of_what_is_not_streamed(asked, NAMED) == ("Client", "ANN")
	assert rules.name_of_what_is_not_streamed(ASKED, NAMED) is None
	assert rules.name_of_what_is_not_streamed(asked, replace(NAMED, counted={"Client"})) is None
	assert rules.name_of_what_is_not_streamed(asked, replace(NAMED, anothers={("Client", "ANN")})) is None


def test_a_name_is_looked_for_in_rows_too():
	assert rules.names({"rows": [{"client": "Ann"}]}, "Ann")
	assert not rules.names({"rows": [{"client": "Ann B"}], "Ann": 1}, "Ann")
	assert not rules.names(None, "Ann")


@pytest.mark.parametrize("asked", [rules.KNOWN, rules.NEEDED])
def test_an_identity_is_asked_for_before_anything_else(asked):
	assert asked[0] is rules.identity


def test_the_first_rule_that_knows_is_the_answer():
	seen = replace(MADE, namesakes={("Client", "Ann"): Namesake("Ann", THEN)})

	assert rules.ask(rules.SAME, replace(ASKED, creation=THEN), seen) == (
		("Client", "Ann"),
		rules.same_creation,
	)
	assert rules.ask(rules.SAME, replace(ASKED, creation=LATER), seen) == (
		("Client", "Ann"),
		rules.made_by_a_life_cycle,
	)
	assert rules.ask(rules.NEEDED, ASKED, Seen()) is None


def test_what_this_site_has_merged_is_what_it_was_merged_into():
	seen = Seen(merges={ASKED.key: (ASKED.local_doctype, "Other")})

	assert rules.ask(rules.NEEDED, ASKED, seen) == ((ASKED.local_doctype, "Other"), rules.merged_by_this_site)
