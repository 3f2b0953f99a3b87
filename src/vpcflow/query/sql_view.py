"""The view flow_records in SQL: AWS's fields from the stored columns, and the planned scan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from vpcflow.query.expression import AddressRange, is_narrow
from vpcflow.query.sql_condition import ScanCondition, shape_sql
from vpcflow.query.time_range import TimeRange
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS, FIELDS_BY_COLUMN
from vpcflow.store.stored_schema import (
    DIRECTION_HOST_IS_DESTINATION,
    DIRECTION_HOST_IS_SOURCE,
    PKT_DST_SAME,
    PKT_SRC_SAME,
    STORED_COLUMNS_BY_NAME,
)

#: The relation that the engine makes from the chosen data files.
STORED_RELATION = "flow_records_stored"
#: The view's name, the one table that SQL can ask.
VIEW_NAME = "flow_records"
#: Fields that the registry does not have, as one map column.
UNKNOWN_FIELDS = "unknown_fields"

_SRC, _DST = "srcaddr", "dstaddr"


def sql_name(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def sql_text(value: str) -> str:
    """A text in single quotes."""
    return "'" + value.replace("'", "''") + "'"


def sql_address(address: bytes) -> str:
    """A stored address as a constant; DuckDB folds it before it plans the scan."""
    return f"from_hex('{address.hex()}')"


def range_sql(column: str, ranges: Iterable[AddressRange]) -> str:
    """Whether a stored address lies within one of the ranges, in brackets."""
    singles = [r.first for r in ranges if r.first == r.last]
    spans = [r for r in ranges if r.first != r.last]
    parts = []
    if len(singles) == 1:
        parts.append(f"{column} = {sql_address(singles[0])}")
    elif singles:
        parts.append(f"{column} IN ({', '.join(map(sql_address, singles))})")
    parts += [f"{column} BETWEEN {sql_address(r.first)} AND {sql_address(r.last)}" for r in spans]
    return f"({' OR '.join(parts)})" if parts else "(FALSE)"


def merge_ranges(ranges: Iterable[AddressRange]) -> tuple[AddressRange, ...]:
    """The same addresses in as few ranges as possible, in order."""
    merged: list[AddressRange] = []
    for one in sorted(set(ranges)):
        if (
            merged
            and int.from_bytes(one.first, "big") <= int.from_bytes(merged[-1].last, "big") + 1
        ):
            merged[-1] = AddressRange(merged[-1].first, max(merged[-1].last, one.last))
        else:
            merged.append(one)
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class AddressTest:
    """True only for records whose srcaddr or dstaddr lies in its ranges; one may be missing.

    Shape: ``fields`` maps srcaddr, dstaddr or both to ranges; with both, either is enough.
    """

    fields: dict[str, tuple[AddressRange, ...]]


@dataclass(slots=True)
class RecordScan:
    """One reading of flow_records: the columns that it gives and what is known to bound it.

    Shape: ``condition`` holds of all records that it gives, whatever the query says.
    """

    columns: set[str] = field(default_factory=set)
    tests: list[AddressTest] = field(default_factory=list)
    start_s: int | None = None
    end_s: int | None = None
    condition: ScanCondition | None = None

    def bound(self, start_s: int | None, end_s: int | None) -> None:
        """Take one more bound on start, ``start_s`` included and ``end_s`` not."""
        if start_s is not None and (self.start_s is None or start_s > self.start_s):
            self.start_s = start_s
        if end_s is not None and (self.end_s is None or end_s < self.end_s):
            self.end_s = end_s

    @property
    def time_range(self) -> TimeRange | None:
        """The bounds on start; None when there are none. Bounds that contradict keep one second."""
        if self.start_s is None and self.end_s is None:
            return None
        if self.start_s is not None and self.end_s is not None and self.start_s >= self.end_s:
            return TimeRange(self.end_s - 1, self.end_s)
        return TimeRange(self.start_s, self.end_s)

    @property
    def host_ranges(self) -> tuple[AddressRange, ...] | None:
        """Where ``host`` must lie; None when it may lie anywhere."""
        single = self.single_tests()
        if len(single) == 2:
            return merge_ranges([*single[_SRC], *single[_DST]])
        return None

    def single_tests(self) -> dict[str, tuple[AddressRange, ...]]:
        """Of each end that must lie in ranges by itself, those ranges."""
        single: dict[str, tuple[AddressRange, ...]] = {}
        for test in self.tests:
            if len(test.fields) == 1:
                ((name, ranges),) = test.fields.items()
                # Of several tests of one field any is right; the one of fewer ranges is cheaper.
                if name not in single or len(ranges) < len(single[name]):
                    single[name] = ranges
        return single


def _either_end(direction: int) -> str:
    return f"CASE WHEN direction = {direction} THEN host ELSE peer END"


def _has(bit: int) -> str:
    return f"(pkt_same & {bit}) = {bit}"


def _column_sql(name: str, src: str, dst: str, unknown_names: dict[str, str]) -> str:
    match name:
        case "srcaddr":
            return src
        case "dstaddr":
            return dst
        case "srcport":
            return "CASE WHEN swapped THEN hi_port ELSE lo_port END"
        case "dstport":
            return "CASE WHEN swapped THEN lo_port ELSE hi_port END"
        case "end":
            return "duration + coalesce(start, 0)"
        case "pkt_srcaddr":
            return f"CASE WHEN {_has(PKT_SRC_SAME)} THEN {src} ELSE pkt_srcaddr END"
        case "pkt_dstaddr":
            return f"CASE WHEN {_has(PKT_DST_SAME)} THEN {dst} ELSE pkt_dstaddr END"
    if name in FIELDS_BY_COLUMN or name == UNKNOWN_FIELDS:
        return sql_name(name)
    return f"{UNKNOWN_FIELDS}[{sql_text(unknown_names[name])}]"


def _condition_column(name: str, src: str, dst: str) -> str:
    return name if name in _ENDS_STORED else f"({_column_sql(name, src, dst, {})})"


def scan_sql(scan: RecordScan, unknown_names: dict[str, str]) -> str:
    """The SELECT over the stored columns that gives one reading of flow_records.

    Shape: one scan, or two joined by UNION ALL when addresses narrow it: one for each end, since
    the table's statistics help a condition on ``host`` or on ``peer``, not on either.
    """
    columns = sorted(scan.columns) or ["start"]

    def select(src: str, dst: str, where: list[str]) -> str:
        items = ", ".join(
            f"{_column_sql(name, src, dst, unknown_names)} AS {sql_name(name)}" for name in columns
        )
        parts = []
        for branch in branches:
            tests = [*where, *times, *([branch] if branch else ())]
            rest = f" WHERE {' AND '.join(tests)}" if tests else ""
            # Names come from the registry or in quotes, values are literals of our own.
            parts.append(f"SELECT {items} FROM {STORED_RELATION}{rest}")  # noqa: S608
        return " UNION ALL ".join(parts)

    times = []
    if scan.start_s is not None:
        times.append(f"start >= {scan.start_s}")
    if scan.end_s is not None:
        times.append(f"start < {scan.end_s}")
    src, dst = (
        _either_end(DIRECTION_HOST_IS_SOURCE),
        _either_end(DIRECTION_HOST_IS_DESTINATION),
    )
    branches: list[str | None] = [None]
    if scan.condition is not None:
        made = scan.condition
        branches = [
            shape_sql(branch, made.values, lambda name: _condition_column(name, src, dst))
            for branch in made.branches
        ]
    single = scan.single_tests()
    if any(is_narrow(ranges) for ranges in single.values()):
        outgoing = [f"direction = {DIRECTION_HOST_IS_SOURCE}"]
        incoming = [f"direction = {DIRECTION_HOST_IS_DESTINATION}"]
        for name, ranges in single.items():
            outgoing.append(range_sql("host" if name == _SRC else "peer", ranges))
            incoming.append(range_sql("peer" if name == _SRC else "host", ranges))
        return f"{select('host', 'peer', outgoing)} UNION ALL {select('peer', 'host', incoming)}"
    for test in scan.tests:
        either = merge_ranges(r for ranges in test.fields.values() for r in ranges)
        if len(test.fields) == 2 and is_narrow(either):
            at_host, at_peer = range_sql("host", either), range_sql("peer", either)
            return (
                f"{select(src, dst, [at_host])} UNION ALL "
                f"{select(src, dst, [at_peer, f'{at_host} IS NOT TRUE'])}"
            )
    return select(src, dst, [])


_ENDS_STORED = ("direction", "host", "peer")
_STORED_OF = {
    "srcaddr": _ENDS_STORED,
    "dstaddr": _ENDS_STORED,
    "srcport": ("swapped", "lo_port", "hi_port"),
    "dstport": ("swapped", "lo_port", "hi_port"),
    "end": ("start", "duration"),
    "pkt_srcaddr": (*_ENDS_STORED, "pkt_same", "pkt_srcaddr"),
    "pkt_dstaddr": (*_ENDS_STORED, "pkt_same", "pkt_dstaddr"),
}


def stored_columns(scans: Iterable[RecordScan]) -> tuple[str, ...]:
    """The stored columns that scans read, in the table's order."""
    names: set[str] = set()
    for scan in scans:
        for name in scan.columns or {"start"}:
            known = name in FIELDS_BY_COLUMN
            names.update(_STORED_OF.get(name, (name,) if known else (UNKNOWN_FIELDS,)))
        if scan.tests:
            names.update(_ENDS_STORED)
        for name in scan.condition.columns if scan.condition else ():
            names.update(_STORED_OF.get(name, (name,)))
        if scan.time_range is not None:
            names.add("start")
    return tuple(name for name in STORED_COLUMNS_BY_NAME if name in names)


def view_columns(columns: Sequence[str] | None, unknown_names: dict[str, str]) -> list[str]:
    """The columns of ``SELECT *``: the registry's, or those of ``columns``, then unknown ones."""
    wanted = None if columns is None else set(columns)
    known = [spec.column for spec in FIELDS if wanted is None or spec.column in wanted]
    return [*known, *unknown_names]


def is_address(name: str) -> bool:
    """Whether a column of the view holds addresses."""
    spec = FIELDS_BY_COLUMN.get(name)
    return spec is not None and spec.kind == FieldKind.ADDRESS
