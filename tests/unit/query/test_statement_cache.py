"""Compiled statements are found again, and only for what they were made for."""

from __future__ import annotations

from pathlib import Path

from vpcflow.query.statement import Statement, literal, with_literals
from vpcflow.query.statement_cache import StatementCache

STATEMENT = Statement(
    "duckdb",
    "SELECT a FROM t WHERE a = VPCFLOW_PARAMETER(0) OR b = VPCFLOW_PARAMETER(2)",
    ("t",),
    ("a",),
)


def test_a_statement_comes_back(tmp_path: Path) -> None:
    cache = StatementCache(tmp_path / "statements", statements_max=5)
    key = cache.key("talkers", {"limit": 10})
    assert cache.get(key) is None
    cache.put(key, STATEMENT)
    assert StatementCache(tmp_path / "statements", statements_max=5).get(key) == STATEMENT


def test_other_parts_have_other_keys(tmp_path: Path) -> None:
    cache = StatementCache(tmp_path, statements_max=5)
    assert cache.key("talkers", {"limit": 10}) != cache.key("talkers", {"limit": 11})
    assert cache.key("talkers", 1) == cache.key("talkers", 1)


def test_a_damaged_statement_is_none(tmp_path: Path) -> None:
    cache = StatementCache(tmp_path, statements_max=5)
    for text in ("", "{", "[]", '{"dialect": "duckdb"}', "\x00"):
        (tmp_path / "key.json").write_text(text)
        assert cache.get("key") is None


def test_no_more_are_kept_than_allowed(tmp_path: Path) -> None:
    cache = StatementCache(tmp_path, statements_max=3)
    for number in range(10):
        cache.put(f"key{number}", STATEMENT)
    assert len(list(tmp_path.iterdir())) == 3
    assert cache.get("key9") == STATEMENT


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = StatementCache(tmp_path / "file" / "statements", statements_max=3)
    cache.put("key", STATEMENT)
    assert cache.get("key") is None


def test_places_take_values_however_the_dialect_writes_them() -> None:
    assert STATEMENT.slots() == {0, 2}
    assert STATEMENT.with_values(lambda slot: f"$p{slot}").endswith("a = $p0 OR b = $p2")
    spelled = Statement(
        "x", 'a = "vpcflow_parameter"(CAST(1 AS TINYINT)) + vpcflow_parameter(3)', (), ()
    )
    assert spelled.with_values(str) == "a = 1 + 3"


def test_values_as_literals_stay_values() -> None:
    assert literal("it's") == "'it''s'"
    assert literal(b"\x01\xff") == "X'01ff'"
    assert with_literals(STATEMENT, [1, 2, "x' OR '1'='1"]).endswith("b = 'x'' OR ''1''=''1'")
