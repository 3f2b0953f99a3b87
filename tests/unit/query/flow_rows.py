"""Records as plain Python rows, written by the store, and what plain Python makes of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pyarrow as pa
from plain_rollups import write_plain_rollups

from vpcflow.query.expression import (
    EITHER_FIELDS,
    And,
    Compare,
    Expression,
    In,
    InNetwork,
    IsNull,
    Not,
    Or,
    TextMatch,
    to_bytes,
)
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.store.data_file_entry import DataFileEntry, FileSelection, TableSnapshot
from vpcflow.store.rollup_paths import rollup_hour_path
from vpcflow.store.settings import StoreSettings
from vpcflow.store.writer import DataFileWriter

#: AWS field name to value; addresses are text; a field that is not there is null.
Row = dict[str, Any]

T0 = 1_763_856_000  # 2025-11-23T00:00:00Z
HOSTS = [f"10.0.0.{i}" for i in range(1, 6)] + ["fd00::5"]
PEERS = [*HOSTS, "192.0.2.7", "198.51.100.200", "203.0.113.9", "2001:db8::1"]


def batch_of(rows: Sequence[Row]) -> FlowBatch:
    """Rows as a flow batch, with the columns that some row has."""
    arrays, fields = [], []
    for name, spec in FIELDS_BY_NAME.items():
        if not any(name in row for row in rows):
            continue
        values = [row.get(name) for row in rows]
        if spec.kind is FieldKind.ADDRESS:
            values = [None if value is None else to_bytes(ip_address(value)) for value in values]
            arrays.append(pa.array(values, spec.kind.arrow_type))
        elif spec.kind is FieldKind.TEXT:
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, spec.kind.arrow_type))
        fields.append(spec.arrow_field)
    return FlowBatch(
        pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields)), Origin("file", "test")
    )


def stage(folder: Path, name: str, rows: Sequence[Row]) -> list[Any]:
    """Writes rows as data files and says what is known of them."""
    writer = DataFileWriter(folder / "data", StoreSettings(), prefix=name)
    writer.append(batch_of(rows))
    return writer.finish()


def write_rows(folder: Path, files: Sequence[Sequence[Row]]) -> list[Path]:
    """One or more data files for every list of rows."""
    return [
        staged.path
        for number, rows in enumerate(files)
        for staged in stage(folder, f"file{number}", rows)
    ]


class FixedIndex:
    """A file index of files that were staged here, without rollups until they are asked for."""

    def __init__(self, staged: Sequence[Any]) -> None:
        self.entries = [
            DataFileEntry(
                str(one.path),
                one.day,
                one.rows,
                one.bytes,
                one.start_min,
                one.start_max,
                one.end_max,
                one.host_min,
                one.host_max,
                one.columns,
                one.nodata_records,
                one.skipdata_records,
                None,
            )
            for one in staged
        ]

    def with_rollups(self, files: int | None = None) -> FixedIndex:
        """The same files, the first of them with rollups."""
        rolled = FixedIndex([])
        rolled.entries = list(self.entries)
        for place, entry in enumerate(self.entries[:files]):
            path = Path(entry.path)
            write_plain_rollups(path)
            hours = str(rollup_hour_path(path))
            rolled.entries[place] = replace(entry, rollup_path=hours, has_conversation=True)
        return rolled

    def select(
        self, *, start_s: int | None = None, end_s: int | None = None, host_ranges: Any = None
    ) -> FileSelection:
        chosen = [
            entry
            for entry in self.entries
            if (start_s is None or (entry.start_max is not None and entry.start_max >= start_s))
            and (end_s is None or (entry.start_min is not None and entry.start_min < end_s))
        ]
        return FileSelection(TableSnapshot(1, 0.0, None), chosen, len(self.entries))


def random_rows(count: int, seed: int, *, packet_addresses: bool = False) -> list[Row]:
    """Records with every odd thing in them: nulls, ICMP, IPv6, REJECT without bytes, NODATA."""
    pick = random.Random(seed)
    rows: list[Row] = []
    for _ in range(count):
        interface = pick.randrange(4)
        start = T0 + pick.randrange(5 * 3_600)
        row: Row = {
            "version": 2,
            "account-id": "012345678901",
            "interface-id": f"eni-{interface:02}",
            "start": start,
            "end": start + pick.randrange(60),
            "log-status": "OK",
        }
        if pick.random() < 0.1:
            row["log-status"] = pick.choice(["NODATA", "SKIPDATA"])
            rows.append(row)
            continue
        ends = [HOSTS[interface], pick.choice(PEERS)]
        pick.shuffle(ends)
        protocol = pick.choice([1, 6, 6, 17, 58])
        ports = (
            [0, 0]
            if protocol in {1, 58}
            else [pick.choice([22, 53, 443, 8080]), pick.randrange(1024, 65_536)]
        )
        pick.shuffle(ports)
        packets = pick.randrange(1, 100)
        rejected = pick.random() < 0.25
        row |= {
            "srcaddr": ends[0],
            "dstaddr": ends[1],
            "srcport": ports[0],
            "dstport": ports[1],
            "protocol": protocol,
            "packets": packets,
            "bytes": None
            if rejected and pick.random() < 0.3
            else packets * pick.randrange(40, 1500),
            "action": "REJECT" if rejected else "ACCEPT",
        }
        if rejected and ports[0] % 3:
            row["reject-rule"] = f"acl-1/{ports[1] % 3}"
        if packet_addresses:
            row["pkt-srcaddr"] = pick.choice([ends[0], ends[0], "198.18.0.1", None])
            row["pkt-dstaddr"] = pick.choice([ends[1], ends[1], "198.18.0.2", None])
        rows.append(row)
    return rows


def holds(expression: Expression | None, row: Row) -> bool | None:
    """Whether a condition is true of a row, in three-valued logic, the slow and plain way."""
    match expression:
        case None:
            return True
        case And(parts):
            results = [holds(part, row) for part in parts]
            return False if False in results else None if None in results else True
        case Or(parts):
            results = [holds(part, row) for part in parts]
            return True if True in results else None if None in results else False
        case Not(part):
            result = holds(part, row)
            return None if result is None else not result
    if expression.field in EITHER_FIELDS:
        results = [_test(expression, row.get(end)) for end in EITHER_FIELDS[expression.field]]
        return True if True in results else None if None in results else False
    return _test(expression, row.get(expression.field))


def _test(test: Any, value: Any) -> bool | None:
    if isinstance(test, IsNull):
        return value is None
    if value is None:
        return None
    match test:
        case Compare(_, operator, other):
            return {
                "=": value == other,
                "!=": value != other,
                "<": not isinstance(value, str) and value < other,
                "<=": not isinstance(value, str) and value <= other,
                ">": not isinstance(value, str) and value > other,
                ">=": not isinstance(value, str) and value >= other,
            }[operator]
        case In(_, values):
            return value in values
        case InNetwork(_, ranges):
            address = to_bytes(ip_address(value))
            return any(span.first <= address <= span.last for span in ranges)
        case TextMatch(_, pattern):
            return _matches(pattern, value)
    raise AssertionError(test)


def _matches(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_matches(pattern[1:], text[cut:]) for cut in range(len(text) + 1))
    return bool(text) and pattern[0] in {"?", text[0]} and _matches(pattern[1:], text[1:])
