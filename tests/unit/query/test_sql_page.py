"""Every example of the SQL page runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sql_oracle import Oracle, make_records, open_oracle

from vpcflow.query.sql import prepare_sql
from vpcflow.query.sql_address import PRIVATE_NETWORKS
from vpcflow.query.sql_calls import NETWORKS_MAX
from vpcflow.query.sql_text import LIST_VALUES_MAX, NESTING_MAX, TEXT_CHARACTERS_MAX, TOKENS_MAX

PAGE = Path(__file__).parents[3].joinpath("docs", "reference", "sql.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
CELLS = re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE)
CALLS = [one for cell in CELLS for one in re.findall(r"`(\w+\(.*?\)|srcaddr .*?|start .*?)`", cell)]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    with open_oracle(make_records(300, seed=9)) as both:
        yield both


@pytest.mark.parametrize("sql", EXAMPLES)
def test_examples_give_rows(oracle: Oracle, sql: str) -> None:
    assert oracle.answer(sql)


def test_what_the_tables_name_can_be_written(oracle: Oracle) -> None:
    assert len(CALLS) > 15
    for call in CALLS:
        written = call.replace("(...)", "('10.0.0.4')")
        oracle.answer(f"SELECT {written} FROM flow_records")


def test_limits_and_networks_are_those_of_the_code() -> None:
    for bound in (TEXT_CHARACTERS_MAX, TOKENS_MAX, NESTING_MAX, LIST_VALUES_MAX, NETWORKS_MAX):
        assert f"{bound:,} " in PAGE
    for network in PRIVATE_NETWORKS:
        base, length = network.split("/")
        while base.endswith(".0"):
            base = base.removesuffix(".0")
        assert (base if length == "128" else f"{base}/{length}") in PAGE


def test_unknown_fields_example() -> None:
    assert prepare_sql("SELECT unknown_fields['new-field'] FROM flow_records", now_s=0.0).sql
