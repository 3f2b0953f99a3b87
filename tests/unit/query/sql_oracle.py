"""Records in both shapes: as stored, from the interface's side, and as AWS names them, in text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import duckdb
import pyarrow as pa

from vpcflow.query.address_functions import register_address_functions
from vpcflow.query.sql import PreparedSql, prepare_sql
from vpcflow.record.fields import FIELDS
from vpcflow.record.values import parse_address
from vpcflow.store.stored_schema import STORED_COLUMNS

BASE_S = 1_795_219_200
NOW_S = BASE_S + 7_200.0

ADDRESSES = (
    *(f"10.0.{net}.{host}" for net in (0, 1, 2) for host in (4, 5, 6, 200)),
    *("10.1.0.1", "172.31.255.1", "192.168.1.1", "8.8.8.8", "52.95.110.1", "255.255.255.255"),
    *("0.0.0.0", "100.64.3.4", "169.254.169.254", "127.0.0.1"),
    *("2001:db8::1", "2001:db8:1::1", "2a05:d018::a:b", "fe80::1", "::1", "::", "fd00:ec2::23"),
)
COLUMNS = (
    "version",
    "account_id",
    "interface_id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log_status",
    "pkt_srcaddr",
    "pkt_dstaddr",
)


def make_records(count: int, seed: int) -> list[dict[str, Any]]:
    """Random records with AWS's columns: nulls, IPv6, NODATA, translated addresses."""
    chance = random.Random(seed)
    records = []
    for index in range(count):
        start = BASE_S + chance.randrange(7_200)
        record: dict[str, Any] = dict.fromkeys(COLUMNS)
        record |= {
            "version": 2,
            "account_id": chance.choice(["012345678901", "123456789012"]),
            "interface_id": f"eni-{chance.randrange(4):04x}",
            "start": start,
            "end": start + chance.randrange(60),
            "log_status": "OK",
        }
        if index % 17 == 0:
            record["log_status"] = "NODATA"
        else:
            src, dst = chance.choice(ADDRESSES), chance.choice(ADDRESSES)
            record |= {
                "srcaddr": src if index % 29 else None,
                "dstaddr": dst,
                "srcport": chance.choice([0, 22, 443, 50_000, 61_000]),
                "dstport": chance.choice([0, 22, 53, 443, 3389, None]),
                "protocol": chance.choice([1, 6, 17]),
                "packets": chance.randrange(1, 50),
                "bytes": chance.randrange(40, 5_000),
                "action": chance.choice(["ACCEPT", "ACCEPT", "REJECT"]),
                "pkt_srcaddr": chance.choice([src, chance.choice(ADDRESSES), None]),
                "pkt_dstaddr": chance.choice([dst, dst, None]),
            }
        if index % 41 == 0:
            record["start"] = None
        records.append(record)
    return records


def to_stored_row(record: dict[str, Any], direction: int) -> dict[str, Any]:
    """One record as the table keeps it, seen from one of its ends."""

    def stored(name: str) -> bytes | None:
        return None if record[name] is None else parse_address(record[name])

    row: dict[str, Any] = {column.name: None for column in STORED_COLUMNS}
    row |= {name: record[name] for name in COLUMNS if name in row}
    src, dst = stored("srcaddr"), stored("dstaddr")
    row["direction"] = direction
    row["host"], row["peer"] = (src, dst) if direction == 0 else (dst, src)
    ports = (record["srcport"], record["dstport"])
    known = [port for port in ports if port is not None]
    row["lo_port"] = min(known) if known else None
    row["hi_port"] = max(known) if len(known) == 2 else None
    row["swapped"] = ports != (row["lo_port"], row["hi_port"])
    row["duration"] = record["end"] - (record["start"] or 0)
    same = 0
    for bit, pkt, plain in ((1, "pkt_srcaddr", src), (2, "pkt_dstaddr", dst)):
        value = stored(pkt)
        if value is not None and value == plain:
            same |= bit
            value = None
        row[pkt] = value
    row["pkt_same"] = same
    return row


@dataclass(repr=False)
class Oracle:
    """The same records twice: ``ours`` has the stored table, ``naive`` text in AWS's columns."""

    ours: Any
    naive: Any
    stored: pa.Table

    def prepare(self, sql: str, **options: Any) -> PreparedSql:
        options.setdefault("columns", COLUMNS)
        return prepare_sql(sql, now_s=NOW_S, **options)

    def answer(self, sql: str, **options: Any) -> list[tuple[Any, ...]]:
        return self.ours.execute(self.prepare(sql, **options).sql).fetchall()

    def expected(self, sql: str) -> list[tuple[Any, ...]]:
        return self.naive.execute(sql).fetchall()


@contextmanager
def open_oracle(records: list[dict[str, Any]], seed: int = 0) -> Iterator[Oracle]:
    """Both databases over ``records``, closed at the end."""
    chance = random.Random(seed)
    rows = [to_stored_row(record, chance.randrange(2)) for record in records]
    schema = pa.schema([pa.field(column.name, column.type) for column in STORED_COLUMNS])
    stored = pa.Table.from_pylist(rows, schema)
    kinds = {spec.column: spec.kind.aws_parquet_type for spec in FIELDS}
    plain = pa.Table.from_pylist(
        records, pa.schema([pa.field(name, kinds[name]) for name in COLUMNS])
    )
    ours, naive = duckdb.connect(), duckdb.connect()
    try:
        for connection in (ours, naive):
            connection.execute("SET threads = 1")
        ours.register("stored", stored)
        ours.execute("CREATE TABLE flow_records_stored AS SELECT * FROM stored")
        register_address_functions(ours)
        naive.register("plain", plain)
        naive.execute("CREATE TABLE flow_records AS SELECT * FROM plain")
        yield Oracle(ours, naive, stored)
    finally:
        ours.close()
        naive.close()


def in_networks(*networks: str) -> list[str]:
    """The known addresses that lie in one of the networks."""
    blocks = [ip_network(network) for network in networks]
    return [a for a in ADDRESSES if any(ip_address(a) in block for block in blocks)]


def compared(sign: str, literal: str) -> list[str]:
    """The known addresses that compare so with one, in the order of their stored bytes."""
    other = parse_address(literal)
    tests = {
        "=": lambda a: a == other,
        "<>": lambda a: a != other,
        "<": lambda a: a < other,
        "<=": lambda a: a <= other,
        ">": lambda a: a > other,
        ">=": lambda a: a >= other,
    }
    return [a for a in ADDRESSES if tests[sign](parse_address(a))]


def among(column: str, addresses: list[str]) -> str:
    """A test of text in plain SQL that is null for a null, also for an empty list."""
    return f"{column} IN ({', '.join(repr(a) for a in [*addresses, 'none'])})"
