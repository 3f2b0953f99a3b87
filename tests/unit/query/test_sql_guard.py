"""What SQL refuses, and that it points at the character."""

from __future__ import annotations

import random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import FilterError, FlowLogError, LimitError
from vpcflow.query.address_functions import MACROS
from vpcflow.query.sql import PreparedSql, prepare_sql
from vpcflow.query.sql_functions import FUNCTIONS, SYNTAX_WORDS


def prepare(sql: str) -> PreparedSql:
    return prepare_sql(sql, now_s=1_795_219_200.0, rows_max=100)


REFUSED = [
    *(
        "DROP TABLE flow_records",
        "CREATE TABLE x AS SELECT 1",
        "INSERT INTO flow_records VALUES (1)",
    ),
    *("UPDATE flow_records SET bytes = 0", "DELETE FROM flow_records", "ALTER TABLE x ADD y INT"),
    *("COPY flow_records TO '/tmp/x'", "ATTACH '/tmp/x.db'", "DETACH x", "PRAGMA database_list"),
    *(
        "SET memory_limit = '1TB'",
        "RESET ALL",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CALL pragma_version()",
    ),
    *(
        "EXPLAIN SELECT 1",
        "DESCRIBE flow_records",
        "SUMMARIZE flow_records",
        "SHOW TABLES",
        "VACUUM",
    ),
    *("EXPORT DATABASE 'x'", "IMPORT DATABASE 'x'", "USE x", "CHECKPOINT", "BEGIN", "VALUES (1)"),
    *("PIVOT flow_records ON action USING sum(bytes)", "TABLE flow_records", "FORCE CHECKPOINT"),
    *(
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE x",
        "",
        "   ",
        ";",
        "-- nothing",
        "/* nothing */",
    ),
    *("SELECT * FROM other", "SELECT * FROM main.flow_records", "SELECT * FROM '/etc/passwd'"),
    *("SELECT * FROM flow_records_stored", "SELECT * FROM duckdb_settings()", '"SELECT" 1'),
    *("SELECT * FROM information_schema.tables", "SELECT * FROM pg_catalog.pg_class"),
    *(
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('x')",
        "SELECT * FROM x.y.z",
    ),
    *(
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM query('x')",
    ),
    *("SELECT * FROM \"read_csv\"('/etc/passwd')", "SELECT * FROM READ_BLOB ('/etc/passwd')"),
    *(
        "SELECT * FROM sniff_csv('x')",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT * FROM upper('x')",
    ),
    *("SELECT * FROM query_table('x')", "SELECT getenv('HOME')", "SELECT getvariable('x')"),
    *(
        "SELECT current_setting('memory_limit')",
        "SELECT \"getenv\"('HOME')",
        "SELECT 'HOME'.getenv()",
    ),
    *("SELECT pg_sleep(1000)", "SELECT sleep_ms(1000)", "SELECT setseed(1)", "SELECT nextval('x')"),
    *(
        "SELECT json_serialize_sql('x')",
        "SELECT write_log('x')",
        "SELECT version()",
        "SELECT uuid()",
    ),
    *("WITH t AS (DELETE FROM flow_records RETURNING *) SELECT * FROM t", "SELECT 1 INTO x"),
    *("WITH t AS (INSERT INTO x VALUES (1) RETURNING *) SELECT * FROM t", "SELECT current_user"),
    *("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT 2) SELECT * FROM t", "SELECT ?", "SELECT $1"),
    *(
        "WITH flow_records AS (SELECT 1) SELECT * FROM flow_records",
        "SELECT COLUMNS('.*') FROM flow_records",
    ),
    *("SELECT bytes FROM flow_records FOR UPDATE", "SELECT * FROM flow_records USING SAMPLE 10%"),
    *(
        "SELECT list_transform([1], x -> x + 1)",
        "SELECT * FROM flow_records PIVOT (sum(bytes) FOR action IN ('A'))",
    ),
    *("SELECT bytes FROM flow_records LIMIT 10%", "SELECT 1 LIMIT (SELECT 3)", "SELECT 1 LIMIT -1"),
    *(
        "SELECT * FROM flow_records NATURAL JOIN flow_records b",
        "SELECT * FROM flow_records, flow_records",
    ),
    *("SELECT flow_records FROM flow_records", "SELECT", "SELECT FROM flow_records", "SELECT 1 +"),
    *(
        "SELECT 'open",
        "SELECT (1",
        "SELECT 1)",
        "SELECT /* open",
        "SELECT count(",
        "SELECT CASE WHEN 1",
    ),
    *(
        "SELECT bytes FROM flow_records WHERE *",
        "SELECT * FROM (flow_records a JOIN flow_records b ON true)",
    ),
    *("SELECT srcaddr FROM flow_records UNION SELECT srcaddr, dstaddr FROM flow_records",),
    *("SELECT (SELECT srcaddr, dstaddr FROM flow_records)", "SELECT a.b.c.d FROM flow_records a"),
    *(
        "SELECT in_network(action, '10.0.0.0/8') FROM flow_records",
        "SELECT in_network(srcaddr) FROM flow_records",
    ),
    *(
        "SELECT network(srcaddr, 33) FROM flow_records",
        "SELECT network(srcaddr, bytes) FROM flow_records",
    ),
    *(
        "SELECT time_bin(5) FROM flow_records",
        "SELECT time_bin('0s') FROM flow_records",
        "SELECT time_bin('5m')",
    ),
    *(
        "SELECT 1 WHERE last('5 lightyears')",
        "SELECT bytes FROM flow_records WHERE since('yesterday')",
    ),
    *("SELECT bytes FROM flow_records WHERE start > 'soon'", "SELECT x FROM unnest([1]) u(y)"),
    *("SELECT * EXCLUDE (nothing) FROM flow_records", "SELECT x.* FROM flow_records f", "SELECT *"),
    *("SELECT a.bytes FROM flow_records a JOIN flow_records b USING (nothing)",),
]


@pytest.mark.parametrize("sql", REFUSED)
def test_everything_but_a_question_is_refused(sql: str) -> None:
    with pytest.raises(FlowLogError) as caught:
        prepare(sql)
    error = caught.value
    assert error.what
    if isinstance(error, FilterError):
        assert 0 <= error.position <= max(0, len(sql))
        error.pointed()


@pytest.mark.parametrize(
    ("sql", "at", "what", "hint"),
    [
        ("SELECT srcadr FROM flow_records", "srcadr", "no column srcadr", "srcaddr?"),
        ("SELECT f.dstprt FROM flow_records f", "f.dstprt", "no column dstprt", "dstport?"),
        ("SELECT 1\nFROM flow_record", "flow_record", "no table flow_record", "flow_records?"),
        ("SELECT g.bytes FROM flow_records f", "g.bytes", "no g in FROM", "FROM has f"),
        ("SELECT uper(action) FROM flow_records", "uper", "no function uper", "upper?"),
        ("SELECT 1 WHERE getenv('A') = 'B'", "getenv", "no function getenv", "lists the functions"),
        ("SELECT 1 FROM read_csv('/x')", "read_csv", "no function read_csv", "vpcflow ingest"),
        ("DROP TABLE x", "DROP", "begins with SELECT", "changes nothing"),
        ("SELECT 1; SELECT 2", "; SELECT 2", "second statement", "changes nothing"),
        ("SELECT 1 FROM flow_records WHERE srcaddr = '10.0.0'", "'10.0.0'", "not an address", ""),
        (
            "SELECT 1 FROM flow_records WHERE srcaddr = '10.0.0.0/8'",
            "'10",
            "an address",
            "<< '10.0",
        ),
        ("SELECT 1 FROM flow_records WHERE srcaddr = '-'", "'-'", "not an address", "IS NULL"),
        ("SELECT 1 FROM flow_records WHERE srcaddr IN ('::1', 'x')", "'x'", "not an address", ""),
        (
            "SELECT 1 FROM flow_records WHERE dstaddr << '10.0.0.1/8'",
            "'10",
            "a network",
            "10.0.0.0/8",
        ),
        ("SELECT 1 FROM flow_records WHERE action << '10.0.0.0/8'", "action", "address column", ""),
        (
            "SELECT a.bytes, bytes FROM flow_records a, flow_records b",
            "bytes FROM",
            "more than",
            "a.b",
        ),
        ("SELECT 1 FROM flow_records WHERE last('5x')", "'5x'", "not a span", "15m"),
        ("SELECT 1 FROM flow_records WHERE start > 'soon'", "'soon'", "not a moment", "2026"),
        (
            'SELECT 1 FROM flow_records WHERE action = "REJECT"',
            '"REJECT"',
            "no column",
            "single quotes",
        ),
        ("SELECT bytes FROM flow_records LIMIT 5 + 5", "5 + 5", "whole number", ""),
    ],
)
def test_faults_point_at_the_character(sql: str, at: str, what: str, hint: str) -> None:
    with pytest.raises(FilterError) as caught:
        prepare(sql)
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert sql[caught.value.position :].startswith(at), caught.value.pointed()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
        "SELECT " + "[" * 10_000 + "1" + "]" * 10_000,
        "SELECT " + "(" * 10_000,
        "SELECT " + "NOT " * 10_000 + "true",
        "SELECT " + "- " * 10_000 + "1",
        "SELECT " + "CASE WHEN true THEN " * 2_000 + "1" + " END" * 2_000,
        "SELECT " + "1 + " * 10_000 + "1",
        "SELECT " + "'a' || " * 10_000 + "'b'",
        "SELECT 1" + "::int" * 10_000,
        "SELECT " + "upper(" * 5_000 + "'a'" + ")" * 5_000,
        "SELECT 1 " + "UNION ALL SELECT 1 " * 5_000,
        "SELECT * FROM " + "(SELECT * FROM " * 2_000 + "flow_records" + ")" * 2_000,
        "SELECT " + "1, " * 60_000 + "1",
        "SELECT '" + "x" * 1_100_000 + "'",
        "SELECT 1 FROM flow_records WHERE bytes IN (" + "1, " * 10_000 + "1)",
        "SELECT in_network(srcaddr" + ", '10.0.0.0/8'" * 1_001 + ") FROM flow_records",
    ],
    ids=lambda sql: sql[:24],
)
def test_hostile_size_is_an_error_and_no_crash(sql: str) -> None:
    with pytest.raises((LimitError, FilterError)):
        prepare(sql)


def test_long_chains_and_lists_of_machines_are_taken() -> None:
    chance = random.Random(1)
    some = [f"10.{chance.randrange(256)}.{chance.randrange(256)}.1" for _ in range(2_000)]
    chain = " OR ".join(f"srcaddr = '{address}'" for address in some)
    listed = ", ".join(f"'{address}'" for address in some)
    networks = ", ".join(f"'{address}'" for address in some[:1_000])
    connection = duckdb.connect()
    try:
        for macro in MACROS:
            connection.execute(macro)
        connection.execute(
            "CREATE TABLE flow_records_stored AS SELECT ''::BLOB host, ''::BLOB peer, 0 direction, "
            "0 start"
        )
        for condition in (
            chain,
            f"srcaddr IN ({listed})",
            f"in_network(srcaddr, {networks})",
        ):
            prepared = prepare(f"SELECT count(*) FROM flow_records WHERE {condition}")
            assert connection.execute(prepared.sql).fetchall() == [(0,)]
    finally:
        connection.close()


_WORDS = st.sampled_from(
    [
        *(
            "SELECT",
            "FROM",
            "WHERE",
            "flow_records",
            "f",
            "srcaddr",
            "dstaddr",
            "start",
            "end",
            "bytes",
        ),
        *(
            "(",
            ")",
            ",",
            ".",
            "*",
            "=",
            "<<",
            "<<=",
            "'10.0.0.0/8'",
            "'10.0.0.4'",
            "'x'",
            '"end"',
            "1",
        ),
        *(
            "AND",
            "OR",
            "NOT",
            "IN",
            "BETWEEN",
            "CASE",
            "WHEN",
            "THEN",
            "ELSE",
            "END",
            "AS",
            "GROUP BY",
        ),
        *(
            "ORDER BY",
            "LIMIT",
            "count",
            "max",
            "network",
            "last",
            "time_bin",
            "to_time",
            "'5m'",
            "JOIN",
        ),
        *(
            "ON",
            "USING",
            "UNION",
            "WITH",
            "t",
            "OVER",
            "PARTITION BY",
            "DISTINCT",
            "IS",
            "NULL",
            "::",
            "[",
            "]",
        ),
        *(
            "unnest",
            "range",
            "VALUES",
            "EXISTS",
            "ANY",
            "LIKE",
            "+",
            "-",
            "||",
            "{",
            "}",
            ":",
            ";",
            "EXCLUDE",
        ),
    ]
)


@settings(max_examples=400, deadline=None)
@given(words=st.lists(_WORDS, max_size=25))
def test_word_salad_never_breaks_anything(words: list[str]) -> None:
    try:
        prepared = prepare("SELECT " + " ".join(words))
    except FlowLogError as error:
        assert error.what
        return
    assert prepared.sql.startswith("SELECT ")


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_garbage_never_breaks_anything(text: str) -> None:
    for sql in (text, f"SELECT {text}", f"SELECT 1 FROM flow_records WHERE srcaddr = {text}"):
        try:
            prepare(sql)
        except FlowLogError as error:
            assert error.what


QUESTION = (
    "WITH t AS (SELECT srcaddr a, time_bin('5m') b, sum(bytes) s FROM flow_records f WHERE "
    "f.dstaddr << '10.0.0.0/8' AND last('1h') AND end > 5 GROUP BY ALL) SELECT a, CASE WHEN s > 5 "
    "THEN upper(a) ELSE 'x' END u, row_number() OVER (PARTITION BY a ORDER BY s DESC) FROM t "
    "JOIN flow_records g ON t.a = g.srcaddr WHERE a IN ('10.0.0.4', '::1') ORDER BY u LIMIT 5"
)


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, len(QUESTION)),
    length=st.integers(0, 12),
    put=st.one_of(st.just(""), _WORDS, st.text(max_size=3)),
)
def test_damaged_questions_never_break_anything(start: int, length: int, put: str) -> None:
    try:
        prepare(QUESTION[:start] + put + QUESTION[start + length :])
    except FlowLogError as error:
        assert error.what


def test_lists_of_functions_hold_nothing_that_reaches_out() -> None:
    connection = duckdb.connect()
    try:
        rows = connection.execute(
            "SELECT DISTINCT function_name, function_type FROM duckdb_functions()"
        )
        known = {name.lower(): kind for name, kind in rows.fetchall()}
    finally:
        connection.close()
    tables = {name for name in FUNCTIONS if known.get(name) in {"table", "table_macro", "pragma"}}
    assert tables <= {"unnest", "range", "generate_series", "repeat", "histogram"}
    assert not {
        name for name in FUNCTIONS | SYNTAX_WORDS if name.startswith(("read", "pg_", "duckdb"))
    }
    assert not FUNCTIONS & {
        "getenv",
        "glob",
        "query",
        "current_setting",
        "getvariable",
        "write_log",
    }


def test_names_after_with_and_as_may_look_like_functions() -> None:
    prepare("WITH getenv(a) AS (SELECT 1) SELECT a FROM getenv")
    prepare("SELECT read_csv.a FROM (SELECT 1) AS read_csv(a)")


def test_plain_names_of_aws_need_no_quotes() -> None:
    prepared = prepare(
        "SELECT start, end, f.end, type, bytes, version, action, region, source, protocol, "
        "case when end > 5 then end else end end AS end, (case end when 1 then 2 end) + end z "
        "FROM flow_records f WHERE end - start < 60 AND end BETWEEN 1 AND 5 ORDER BY end"
    )
    assert [column.name for column in prepared.columns][:4] == ["start", "end", "end", "type"]


def test_comments_and_white_space_do_not_matter() -> None:
    one = prepare("SELECT srcaddr FROM flow_records WHERE bytes > 5")
    other = prepare(
        "\n\t SELECT/* a ; b */srcaddr -- c\nFROM\r\n flow_records\nWHERE bytes>5 ; ; -- d"
    )
    assert one.sql == other.sql


def test_rows_are_bounded_and_one_more_tells() -> None:
    def limit(sql: str) -> str:
        return prepare(sql).sql.rsplit("LIMIT ", 1)[1].split(")")[0]

    assert limit("SELECT bytes FROM flow_records") == "101"
    assert limit("SELECT bytes FROM flow_records LIMIT 7") == "7"
    assert limit("SELECT bytes FROM flow_records LIMIT 5000") == "101"
    assert limit("(SELECT bytes FROM flow_records)") == "101"
    assert limit("SELECT 1 UNION SELECT 2 LIMIT 900") == "101"
    assert limit("SELECT bytes FROM flow_records LIMIT 7 OFFSET 3") == "7 OFFSET 3"


def test_time_and_hosts_are_known_only_when_every_scan_is_bounded() -> None:
    def show(sql: str) -> str:
        return str(prepare(sql).time_range)

    assert show("SELECT 1 FROM flow_records WHERE start >= 100 AND start < 200") == (
        "1970-01-01T00:01:40Z/1970-01-01T00:03:20Z"
    )
    assert show("SELECT 1 FROM flow_records WHERE start >= 100 OR start < 200") == "None"
    assert show("SELECT 1 FROM flow_records WHERE NOT start >= 100") == "None"
    assert show("SELECT 1 FROM flow_records WHERE start = 100 AND start = 300").startswith("1970")
    two = "SELECT 1 FROM flow_records a JOIN flow_records b ON true WHERE a.start > 9"
    assert show(two) == "None"
    assert show(two + " AND b.start >= 5 AND a.start <= 20") == "1970-01-01T00:00:05Z/"
    assert (
        show(
            "SELECT 1 FROM flow_records a ASOF JOIN flow_records b ON a.bytes = b.bytes AND "
            "a.start >= b.start WHERE b.start > 5 AND a.start > 5"
        )
        == "None"
    )
    inner = (
        "SELECT 1 FROM flow_records f WHERE EXISTS (SELECT 1 FROM flow_records g WHERE f.start > 5)"
    )
    assert show(inner) == "None"
    assert not prepare("SELECT 1").reads_records
    both = prepare("SELECT 1 FROM flow_records WHERE srcaddr = '10.0.0.1' AND dstaddr << '::1/128'")
    assert both.host_ranges is not None
    assert len(both.host_ranges) == 2
    assert prepare("SELECT 1 FROM flow_records WHERE srcaddr = '10.0.0.1'").host_ranges is None


def test_only_what_is_used_is_read() -> None:
    prepared = prepare("SELECT sum(bytes) FROM flow_records WHERE dstport = 22 AND last('1h')")
    assert prepared.stored_columns == ("lo_port", "hi_port", "swapped", "start", "bytes")
    assert not prepared.needs_address_text
    assert prepared.columns[0].field == "bytes"
