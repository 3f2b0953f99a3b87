"""Measures what a flow log would produce, from recent records of its resource in the table."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import pyarrow as pa

from vpcflow.api.asked import Question, Steps, at_once
from vpcflow.base.errors import ResourceError, SettingsError
from vpcflow.control.flow_logs.cost import Measured, PriceTable, read_prices
from vpcflow.query.expression import Compare, Expression, IsNull, Or, all_of
from vpcflow.query.service import FlowQueries
from vpcflow.query.time_range import TimeRange
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_COLUMN
from vpcflow.record.flow_log_selection import (
    FlowLogSelection,
    TrafficType,
    lines_of,
    with_format_version,
)
from vpcflow.record.parquet import write_parquet
from vpcflow.record.values import text_to_addresses

#: The newest records that are printed to measure their size.
SAMPLE_RECORDS_MAX = 20_000
#: Interfaces whose minutes are counted.
INTERFACES_MAX = 1_000_000
_HOUR_S = 3_600
_MINUTE_S = 60
_GZIP_LEVEL = 6
#: The field that names the resource of a flow log, by the column of its scope.
COLUMNS_OF = {"vpc_id": "vpc-id", "subnet_id": "subnet-id", "interface_id": "interface-id"}


@dataclass(frozen=True, slots=True)
class RecentTraffic:
    """Recent records of one resource.

    Shape: ``coverage`` is the share of minutes, from the first to the last record of each
    interface, of which something is known; ``measured`` is in the flow log's format.
    Units: times in seconds since the epoch, the end exclusive.
    """

    from_s: int
    until_s: int
    records: int
    interfaces: int
    coverage: float
    skipdata: int
    measured: Measured

    @property
    def hours(self) -> float:
        """How long the records reach."""
        return (self.until_s - self.from_s) / _HOUR_S


def measure(queries: FlowQueries, selection: FlowLogSelection, hours: int) -> RecentTraffic:
    """The last ``hours`` in which the resource has records, as the selection would print them.

    Errors: ResourceError when it has none.
    """
    return at_once(queries, measuring(selection, hours))


def measuring(selection: FlowLogSelection, hours: int) -> Steps[RecentTraffic]:
    """The same for whoever asks the questions."""
    of_resource = Compare(COLUMNS_OF[selection.scope.value], "=", selection.resource_id)
    condition = all_of(of_resource, _of_traffic_type(selection.traffic_type))
    found = yield Question("flows", {"fields": "start", "limit": 1}, of_resource)
    newest = found.table
    if newest.num_rows == 0 or newest["start"][0].as_py() is None:
        raise ResourceError(
            f"the table has no record of {selection.resource_id}",
            hint="let `vpcflow run` record it for a while, then ask again",
        )
    end_s = int(newest["start"][0].as_py()) + 1
    within = TimeRange(max(0, end_s - hours * _HOUR_S), end_s)
    covered = yield Question("coverage", {"limit": INTERFACES_MAX}, of_resource, within)
    seen = covered.table.to_pylist()
    records = sum(row["records"] for row in seen)
    if selection.traffic_type is not TrafficType.ALL:
        of_type = yield Question("coverage", {"limit": INTERFACES_MAX}, condition, within)
        records = sum(of_type.table["records"].to_pylist())
    sampled = yield Question(
        "flows", {"fields": "all", "limit": SAMPLE_RECORDS_MAX}, condition, within
    )
    sizes = _sizes(sampled.table, selection)
    assert within.start_s is not None
    from_s = max(within.start_s, min(row["first"] for row in seen))
    until_s = max(row["last"] for row in seen) + _MINUTE_S
    expected = sum(row["minutes_expected"] for row in seen)
    return RecentTraffic(
        from_s,
        until_s,
        records,
        len(seen),
        sum(row["minutes_seen"] for row in seen) / max(expected, 1),
        sum(row["skipdata"] for row in seen),
        replace(
            sizes,
            records_per_hour=records * _HOUR_S / max(until_s - from_s, _MINUTE_S),
        ),
    )


def load_prices(path: Path | None) -> PriceTable:
    """The price table of a file, or the one that vpcflow brings along.

    Errors: SettingsError when the file cannot be read or is no price table.
    """
    if path is None:
        place = resources.files("vpcflow.control.flow_logs") / "prices.toml"
        return read_prices(place.read_text(encoding="utf-8"), "prices.toml")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the price table: {error}", where=str(path)) from error
    return read_prices(text, str(path))


def _of_traffic_type(traffic_type: TrafficType) -> Expression | None:
    if traffic_type is TrafficType.ALL:
        return None
    return Or((Compare("action", "=", traffic_type.value), IsNull("action")))


def _sizes(sample: pa.Table, selection: FlowLogSelection) -> Measured:
    """The sample printed in every form that AWS stores."""
    records = as_records(sample)
    lines = lines_of(records, selection.log_format)
    header = selection.log_format.header.encode() + b"\n"
    parquet = io.BytesIO()
    versioned = with_format_version(records, selection.log_format)
    write_parquet([versioned], parquet, selection.log_format)
    return Measured(
        0.0,
        records.num_rows,
        len(lines) - records.num_rows,
        len(gzip.compress(header + lines, _GZIP_LEVEL)),
        parquet.getbuffer().nbytes,
    )


def as_records(shown: pa.Table) -> pa.RecordBatch:
    """An answer's rows of whole fields with the types of a flow batch."""
    arrays = []
    for name in shown.column_names:
        kind = FIELDS_BY_COLUMN[name].kind
        column = shown[name].combine_chunks()
        if kind is FieldKind.ADDRESS:
            arrays.append(text_to_addresses(column)[0])
        elif kind is FieldKind.TEXT:
            arrays.append(column.cast(pa.string()).dictionary_encode())
        else:
            arrays.append(column.cast(kind.arrow_type))
    return pa.RecordBatch.from_arrays(arrays, names=shown.column_names)
