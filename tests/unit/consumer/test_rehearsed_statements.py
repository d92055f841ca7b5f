"""Which statements a rehearsal lets through: none that ends its transaction, however it is written."""

import pytest

from event_streaming.consumer.unit_of_work.statements import (
	first_word,
	is_refused,
	is_whole_rollback,
	numbered,
)

ENDS = (
	"commit",
	" COMMIT and chain",
	"start transaction",
	"BEGIN",
	"alter table `tabNote` add column a int",
	"create table x (a int)",
	"/* a */ -- b\n# c\n truncate `tabNote`",
	"drop sequence note_id_seq",
	"rename table a to b",
	"lock tables a write",
	"unlock tables",
	"analyze table a",
	"call ends_it()",
	"xa start 'a'",
	"set autocommit = 1",
	"update `tabNote` set a = 1; commit",
	"select 1;\n create table a (b int)",
	"grant all on x to y",
	"",
)
HARMLESS = (
	"select name from `tabNote` where title = 'x; y'",
	"(select 1) union (select 2)",
	"with a as (select 1) select * from a",
	"insert into `tabNote` (name) values (%s)",
	"update `tabNote` set a = %s",
	"delete from `tabNote`",
	"replace into `tabNote` values (1)",
	"savepoint a",
	"release savepoint a",
	"rollback to savepoint a",
	"ROLLBACK",
	"set session max_statement_time = 10",
	# only what sets it ends a transaction
	"select @@autocommit",
	"show variables like 'autocommit'",
	"show tables",
)


@pytest.mark.parametrize("query", ENDS)
def test_what_ends_a_transaction_is_refused(query):
	assert is_refused(query)


@pytest.mark.parametrize("query", HARMLESS)
def test_what_is_taken_back_with_it_goes_through(query):
	assert not is_refused(query)


def test_a_transaction_is_begun_only_after_the_old_one_was_rolled_back():
	assert not is_refused("START TRANSACTION ", "rollback")
	assert is_refused("start transaction", "rollback to savepoint a")
	assert is_refused("start transaction", "update `tabNote` set a = 1")


def test_a_rollback_to_a_savepoint_is_not_a_whole_one():
	assert is_whole_rollback("rollback") and is_whole_rollback(" ROLLBACK and chain")
	assert not is_whole_rollback("rollback  to savepoint a") and not is_whole_rollback("select 1")
	assert first_word("  ( SELECT 1 )") == "select"


def test_numbers_of_sequences_are_made_up():
	numbers = {"note_id_seq": iter((7, 8)), "log_id_seq": iter((1,))}
	query = "INSERT INTO a (name) VALUES (NEXTVAL(`note_id_seq`),%s),(nextval('\"note_id_seq\"'),%s),(nextval(`log_id_seq`),%s)"

	assert (
		numbered(query, lambda name: next(numbers[name]))
		== "INSERT INTO a (name) VALUES (7,%s),(8,%s),(1,%s)"
	)
	assert numbered("select 1", lambda name: 0) == "select 1"
