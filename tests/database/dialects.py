"""What tests ask of a site's database in its own words, each dialect's side by side. All of it runs inside a site."""

TABLES = {
	# not Frappe's `get_tables`, which on Frappe 15 names those of MariaDB's own databases too
	"mariadb": "show tables",
	"postgres": """select table_name from information_schema.tables
		where table_schema = 'public' and table_type = 'BASE TABLE'""",
}
COLUMNS = {
	"mariadb": "select table_name, column_name from information_schema.columns where table_schema = database()",
	"postgres": "select table_name, column_name from information_schema.columns where table_schema = 'public'",
}
SEQUENCES = {
	"mariadb": """select table_name from information_schema.tables
		where table_type = 'SEQUENCE' and table_schema = database()""",
	"postgres": "select sequence_name from information_schema.sequences where sequence_schema = 'public'",
}
NEXT_NUMBER = {
	"mariadb": "select next_not_cached_value from `{0}`",
	"postgres": "select last_value, is_called from `{0}`",
}
CHECKSUM = "select md5(string_agg(md5(row::text), '' order by md5(row::text))) from `{0}` as row"
AT_WORK = {
	"mariadb": """select 1 from information_schema.processlist
		where info like %s and time_ms > 300 and id != connection_id()""",
	"postgres": """select 1 from pg_stat_activity where query ilike %s and state = 'active'
		and clock_timestamp() - query_start > interval '0.3 s' and pid != pg_backend_pid()
		and datname = current_database()""",
}
# PostgreSQL says so for the transaction alone, and takes 0 for "as long as it takes"
WAIT = {
	"mariadb": "set session innodb_lock_wait_timeout = {0}",
	"postgres": "set local lock_timeout = '{0}001ms'",
}
COPY = {
	"mariadb": "CREATE TABLE `{0}` LIKE `{1}`",
	"postgres": "CREATE TABLE `{0}` (LIKE `{1}` INCLUDING ALL)",
}
# Frappe commits before either; MariaDB would also do it by itself
COMMENT = {"mariadb": "ALTER TABLE `{0}` COMMENT 'seen'", "postgres": "COMMENT ON TABLE `{0}` IS 'seen'"}
# a numbered column, and the column `trx` with what comes after the columns: the number of the transaction that has written a row
NUMBER = {"mariadb": "BIGINT AUTO_INCREMENT PRIMARY KEY", "postgres": "BIGSERIAL PRIMARY KEY"}
TRANSACTION = {
	"mariadb": """trx BIGINT UNSIGNED GENERATED ALWAYS AS ROW START,
		trx_end BIGINT UNSIGNED GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (trx, trx_end)
		) ENGINE=InnoDB WITH SYSTEM VERSIONING""",
	"postgres": "trx BIGINT DEFAULT (pg_current_xact_id()::text::bigint))",
}
TRIGGER = {
	"mariadb": "CREATE TRIGGER `{name}` AFTER {when} ON `{table}` FOR EACH ROW INSERT INTO {what}",
	"postgres": """
		CREATE FUNCTION `{name}`() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN INSERT INTO {what}; RETURN NULL; END $$;
		CREATE TRIGGER `{name}` AFTER {when} ON `{table}` FOR EACH ROW EXECUTE FUNCTION `{name}`()
	""",
}
DROP_TRIGGER = {
	"mariadb": "DROP TRIGGER IF EXISTS `{0}`",
	"postgres": "DROP FUNCTION IF EXISTS `{0}` CASCADE",
}


def dialect() -> str:
	import frappe

	return frappe.db.db_type


def tables() -> list[str]:
	import frappe

	return frappe.db.sql(TABLES[frappe.db.db_type], pluck=True)


def columns() -> list[tuple[str, str]]:
	"""Table and name of each."""
	import frappe

	return [tuple(row) for row in frappe.db.sql(COLUMNS[frappe.db.db_type])]


def next_numbers() -> dict[str, str]:
	"""Of each sequence, what it gives next."""
	import frappe

	names = frappe.db.sql(SEQUENCES[frappe.db.db_type], pluck=True)
	asked = NEXT_NUMBER[frappe.db.db_type]
	return {name: str(frappe.db.sql(asked.format(name))) for name in names}


def checksums(names: list[str]) -> dict[str, str]:
	"""Of tables: another one when a row of it has changed."""
	import frappe

	if frappe.db.db_type == "postgres":
		return {name: str(frappe.db.sql(CHECKSUM.format(name))[0][0]) for name in names}
	found = {}
	for start in range(0, len(names), 100):
		quoted = ", ".join(f"`{name}`" for name in names[start : start + 100])
		for name, checksum in frappe.db.sql(f"checksum table {quoted}"):
			found[name.split(".", 1)[1]] = str(checksum)
	return found


def is_at_work(statement: str) -> bool:
	"""Whether another connection has been at such a statement (as LIKE has it, without quotes) for a while: it waits for somebody."""
	import frappe

	return bool(frappe.db.sql(AT_WORK[frappe.db.db_type], (statement,)))


def wait_at_most(seconds: int) -> None:
	"""For a row that somebody else has locked, in this transaction."""
	import frappe

	frappe.db.sql(WAIT[frappe.db.db_type].format(int(seconds)))


def wait_as_usual() -> None:
	"""From the next transaction on."""
	import frappe

	if frappe.db.db_type == "mariadb":
		frappe.db.sql("set session innodb_lock_wait_timeout = default")


def copy_table(name: str, copy: str) -> None:
	"""An empty one with the same columns."""
	import frappe

	frappe.db.sql_ddl(COPY[frappe.db.db_type].format(copy, name))


def comment_on(table: str) -> None:
	"""A change of a table that changes nothing."""
	import frappe

	frappe.db.sql_ddl(COMMENT[frappe.db.db_type].format(table))


def make_table(name: str, definition: str, with_transaction: bool = False) -> None:
	"""`definition` is the columns as SQL, in which {number} stands for the type of a numbered one."""
	import frappe

	end = f", {TRANSACTION[frappe.db.db_type]}" if with_transaction else ")"
	columns_of_it = definition.format(number=NUMBER[frappe.db.db_type])
	frappe.db.sql_ddl(f"CREATE TABLE {name} ({columns_of_it}{end}")


def make_trigger(name: str, table: str, when: str, what: str) -> None:
	"""After each row that is written, `what` is inserted."""
	import frappe

	frappe.db.sql_ddl(TRIGGER[frappe.db.db_type].format(name=name, table=table, when=when, what=what))


def drop_trigger(name: str) -> None:
	import frappe

	frappe.db.sql_ddl(DROP_TRIGGER[frappe.db.db_type].format(name))
