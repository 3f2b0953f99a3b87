"""Aim: traffic by country adds up to all traffic with the internet. Method: a real table, a range
file of documentation addresses, and plain Python beside it."""

from __future__ import annotations

from collections import defaultdict
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from console_tables import table_of_rows
from flow_rows import random_rows

from vpcflow.inventory.country_ranges import COUNTRY_FILE, keep_countries, read_country_file
from vpcflow.query.service import FlowQueries

ROWS = random_rows(400, 77)
RANGES = "192.0.2.0/24,DE\n198.51.100.128/25,FR\n2001:db8::/32,NL\n"


@pytest.fixture
def queries(tmp_path: Path) -> FlowQueries:
    return table_of_rows(tmp_path / "data", ROWS)


def _add(folder: Path, text: str) -> None:
    path = folder / "mine.csv"
    path.write_text(text)
    keep_countries(folder / "data", read_country_file(path))


def _expected(ranges: str) -> dict[str | None, dict[str, int]]:
    """By country: what the records say, where the peer is the end that is no host of ours."""
    known = [line.split(",") for line in ranges.split()]
    found: dict[str | None, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    for row in ROWS:
        ends = [row.get("srcaddr"), row.get("dstaddr")]
        public = [end for end in ends if end and not ip_address(end).is_private]
        # Documentation addresses count as private in Python, but not here.
        public = [end for end in ends if end and not end.startswith(("10.", "fd"))] or public
        if not public:
            continue
        country = next((cc for net, cc in known if _in(public[0], net)), None)
        found[country]["records"] += 1
        found[country]["bytes"] += row["bytes"] or 0
        found[country]["rejected"] += row["action"] == "REJECT"
    return {country: dict(sums) for country, sums in found.items()}


def _in(address: str, network: str) -> bool:
    found = ip_network(network)
    return found.version == ip_address(address).version and ip_address(address) in found


def _answered(queries: FlowQueries) -> dict[str | None, dict[str, int]]:
    rows = queries.ask("countries").table.to_pylist()
    assert [row["bytes"] for row in rows] == sorted((row["bytes"] for row in rows), reverse=True)
    return {
        row["country"]: {name: row[name] for name in ("records", "bytes", "rejected")}
        for row in rows
    }


def test_countries_of_the_other_ends(queries: FlowQueries, tmp_path: Path) -> None:
    _add(tmp_path, RANGES)
    expected = _expected(RANGES)
    assert set(expected) == {"DE", "FR", "NL", None}
    assert _answered(queries) == expected


def test_without_a_file_all_are_unknown_and_a_new_file_counts_at_once(
    queries: FlowQueries, tmp_path: Path
) -> None:
    assert _answered(queries) == _expected("")
    _add(tmp_path, "0.0.0.0/1,ZA\n128.0.0.0/1,CL\n")
    assert set(_answered(queries)) == {"CL", None}
    (tmp_path / "data" / COUNTRY_FILE).unlink()
    assert set(_answered(queries)) == {None}
