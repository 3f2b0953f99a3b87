"""Flow records to the stored orientation and back, exactly; see stored_schema for its meaning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from vpcflow.record.batch import FlowBatch
from vpcflow.record.field_spec import TEXT_TYPE, FieldKind
from vpcflow.record.fields import FIELDS, FIELDS_BY_COLUMN
from vpcflow.store.address_codes import AddressCodes
from vpcflow.store.arrow_views import (
    ALL_VALID,
    Array,
    addresses_column,
    booleans_column,
    booleans_of,
    codes_column,
    codes_of,
    numbers_column,
    numbers_of,
    one_chunk,
    validity_of,
    with_values,
    words_of,
)
from vpcflow.store.layout_kernels import mark_same, order_ports, orient_addresses
from vpcflow.store.orientation import Ends, choose_hosts
from vpcflow.store.stored_schema import (
    DIRECTION_HOST_IS_DESTINATION,
    PKT_DST_SAME,
    PKT_SRC_SAME,
    STORED_COLUMNS,
)
from vpcflow.store.unknown_fields import from_unknown_fields, to_unknown_fields

Columns = dict[str, pa.Array]


def to_stored(batches: Sequence[FlowBatch]) -> pa.Table:
    """The records of ``batches`` in the stored orientation, unsorted.

    Shape: columns of stored_schema that have at least one value, one chunk each; addresses of host
    and peer and all text are dictionaries, those of host and peer in ascending order.
    """
    columns = _joined(batches)
    rows = sum(batch.num_records for batch in batches)
    stored: Columns = {}
    _store_ends(columns, stored, rows)
    _store_times(columns, stored)
    unknown = {name: columns.pop(name) for name in list(columns) if name not in FIELDS_BY_COLUMN}
    if unknown:
        stored["unknown_fields"] = to_unknown_fields(unknown, rows)
    stored.update(columns)
    kept = [column.name for column in STORED_COLUMNS if _has_values(stored.get(column.name))]
    if not kept:
        # A record without any value is still a record.
        return pa.table({"direction": pa.array(np.zeros(rows, np.int32))})
    return pa.table({name: stored[name] for name in kept})


def _has_values(column: pa.Array | None) -> bool:
    return column is not None and column.null_count < len(column)


def _joined(batches: Sequence[FlowBatch]) -> Columns:
    """Each column of any batch over all batches, null where a batch lacks it."""
    names: dict[str, pa.DataType] = {}
    for batch in batches:
        for field in batch.records.schema:
            names[field.name] = field.type
    names["source"] = names["flow_log_id"] = TEXT_TYPE
    columns = {}
    for name, data_type in names.items():
        parts = [_part(batch, name, data_type) for batch in batches]
        columns[name] = one_chunk(pa.chunked_array(parts, data_type))
    return columns


def _part(batch: FlowBatch, name: str, data_type: pa.DataType) -> pa.Array:
    place = batch.records.schema.get_field_index(name)
    column = batch.records.column(place) if place >= 0 else None
    if name == "source":
        return _filled(column, batch.origin.kind, batch.num_records)
    if name == "flow_log_id":
        return _filled(column, batch.flow_log_id or batch.origin.flow_log_id, batch.num_records)
    if column is None:
        return pa.nulls(batch.num_records, data_type)
    return column


def _filled(column: pa.Array | None, text: str | None, rows: int) -> pa.Array:
    """The column with ``text`` in place of its nulls."""
    if text is None:
        return column if column is not None else pa.nulls(rows, TEXT_TYPE)
    if column is None:
        return pa.DictionaryArray.from_arrays(
            numbers_column(np.zeros(rows, np.int32)), pa.array([text], pa.string())
        )
    if column.null_count == 0:
        return column
    return column.cast(pa.string()).fill_null(text).dictionary_encode()


def _store_ends(columns: Columns, stored: Columns, rows: int) -> None:
    """srcaddr, dstaddr, srcport, dstport and the packet's addresses."""
    codes = AddressCodes()
    sources = _address_codes(columns.pop("srcaddr", None), codes, rows)
    destinations = _address_codes(columns.pop("dstaddr", None), codes, rows)
    packet_columns = (columns.pop("pkt_srcaddr", None), columns.pop("pkt_dstaddr", None))
    packets = [_address_codes(column, codes, rows) for column in packet_columns]
    dictionary = codes.finish()
    _store_packet_addresses(stored, (sources, destinations), packets, packet_columns)
    source_ports, source_ports_valid = _ports(columns.pop("srcport", None), rows)
    destination_ports, destination_ports_valid = _ports(columns.pop("dstport", None), rows)
    directions = choose_hosts(
        Ends(sources, destinations, source_ports, destination_ports),
        dictionary,
        columns.get("interface_id"),
        columns.get("flow_direction"),
    )
    orient_addresses(sources, destinations, directions)
    stored["host"] = codes_column(sources, dictionary)
    stored["peer"] = codes_column(destinations, dictionary)
    stored["direction"] = numbers_column(directions)
    if source_ports_valid.any() or destination_ports_valid.any():
        low_valid, high_valid, swapped = (np.empty(rows, np.uint8) for _ in range(3))
        order_ports(
            source_ports,
            source_ports_valid,
            destination_ports,
            destination_ports_valid,
            low_valid,
            high_valid,
            swapped,
        )
        stored["lo_port"] = numbers_column(source_ports, with_values(low_valid))
        stored["hi_port"] = numbers_column(destination_ports, with_values(high_valid))
        stored["swapped"] = booleans_column(swapped)


def _address_codes(column: pa.Array | None, codes: AddressCodes, rows: int) -> Array:
    if column is None or column.null_count == rows:
        return np.full(rows, -1, np.int32)
    return codes.add(words_of(column), validity_of(column))


def _ports(column: pa.Array | None, rows: int) -> tuple[Array, Array]:
    """A copy of the ports with 0 for null, and their validity."""
    if column is None:
        return np.zeros(rows, np.int32), np.zeros(rows, np.uint8)
    valid = validity_of(column)
    if len(valid) == 0:
        return numbers_of(column).copy(), np.ones(rows, np.uint8)
    return np.where(valid, numbers_of(column), np.int32(0)), valid


def _store_packet_addresses(
    stored: Columns,
    ends: tuple[Array, Array],
    packets: list[Array],
    packet_columns: tuple[pa.Array | None, pa.Array | None],
) -> None:
    rows = len(ends[0])
    marks = np.zeros(rows, np.int32)
    for name, bit, end, packet, column in (
        ("pkt_srcaddr", PKT_SRC_SAME, ends[0], packets[0], packet_columns[0]),
        ("pkt_dstaddr", PKT_DST_SAME, ends[1], packets[1], packet_columns[1]),
    ):
        if column is None:
            continue
        differs = np.empty(rows, np.uint8)
        if mark_same(end, packet, np.int32(bit), marks, differs):
            stored[name] = addresses_column(words_of(column), differs)
    if marks.any():
        stored["pkt_same"] = numbers_column(marks)


def _store_times(columns: Columns, stored: Columns) -> None:
    """Start as it is; end as the duration since start, or as it is where there is no start."""
    start = columns.pop("start", None)
    end = columns.pop("end", None)
    if start is not None:
        stored["start"] = start
    if end is not None:
        stored["duration"] = _sum_of(end, start, -1)


def _sum_of(column: pa.Array, other: pa.Array | None, sign: int) -> pa.Array:
    """``column + sign * other`` with 0 for nulls of ``other``; wraps, so that it can be undone."""
    if other is None or other.null_count == len(other):
        return column
    values = numbers_of(other)
    valid = validity_of(other)
    if len(valid):
        values = np.where(valid, values, np.int64(0))
    total = numbers_of(column) + values if sign > 0 else numbers_of(column) - values
    return numbers_column(total, validity_of(column))


def from_stored(table: pa.Table) -> pa.Table:
    """AWS's columns and the unknown ones, as they were before ``to_stored``.

    Shape: registry types, in the order of the registry; columns without any value are left out.
    ``table`` may hold any columns of stored_schema, with or without dictionaries.
    """
    stored = {name: one_chunk(table.column(name)) for name in table.column_names}
    rows = table.num_rows
    unknown = stored.pop("unknown_fields", None)
    columns: Columns = {}
    _restore_ends(stored, columns, rows)
    start = stored.pop("start", None)
    duration = stored.pop("duration", None)
    if start is not None:
        columns["start"] = start
    if duration is not None:
        columns["end"] = _sum_of(duration, start, 1)
    for name, column in stored.items():
        columns[name] = _registry_typed(name, column)
    kept = {
        spec.column: columns[spec.column]
        for spec in FIELDS
        if _has_values(columns.get(spec.column))
    }
    if unknown is not None:
        kept.update(from_unknown_fields(unknown))
    return pa.table(kept) if kept else _without_columns(rows)


def _without_columns(rows: int) -> pa.Table:
    return pa.table({"version": pa.nulls(rows, pa.int32())})


def _registry_typed(name: str, column: pa.Array) -> pa.Array:
    spec = FIELDS_BY_COLUMN[name]
    if spec.kind is FieldKind.TEXT and not pa.types.is_dictionary(column.type):
        return column.dictionary_encode()
    return column


def _restore_ends(stored: Columns, columns: Columns, rows: int) -> None:
    host, host_valid = _plain_addresses(stored.pop("host", None), rows)
    peer, peer_valid = _plain_addresses(stored.pop("peer", None), rows)
    to_host = _flags(stored.pop("direction", None), rows) == DIRECTION_HOST_IS_DESTINATION
    swapped = _flags(stored.pop("swapped", None), rows) == 1
    marks = _flags(stored.pop("pkt_same", None), rows)
    ends = {
        "srcaddr": _chosen(to_host, (peer, peer_valid), (host, host_valid)),
        "dstaddr": _chosen(to_host, (host, host_valid), (peer, peer_valid)),
    }
    for name, (words, valid) in ends.items():
        columns[name] = addresses_column(words, valid)
    low, low_valid = _ports(stored.pop("lo_port", None), rows)
    high, high_valid = _ports(stored.pop("hi_port", None), rows)
    columns["srcport"] = numbers_column(*_chosen(swapped, (high, high_valid), (low, low_valid)))
    columns["dstport"] = numbers_column(*_chosen(swapped, (low, low_valid), (high, high_valid)))
    for name, end, bit in (
        ("pkt_srcaddr", "srcaddr", PKT_SRC_SAME),
        ("pkt_dstaddr", "dstaddr", PKT_DST_SAME),
    ):
        same = marks & bit != 0
        words, valid = _chosen(same, ends[end], _plain_addresses(stored.pop(name, None), rows))
        columns[name] = addresses_column(words, valid)


def _chosen(
    condition: Array, yes: tuple[Array, Array], no: tuple[Array, Array]
) -> tuple[Array, Array]:
    """Values and validity of one column where the condition holds, of another elsewhere."""
    rowwise = condition if yes[0].ndim == 1 else condition[:, None]
    return np.where(rowwise, yes[0], no[0]), np.where(condition, yes[1], no[1])


def _flags(column: pa.Array | None, rows: int) -> Array:
    """Small numbers, 0 for null."""
    if column is None:
        return np.zeros(rows, np.int32)
    values = booleans_of(column) if pa.types.is_boolean(column.type) else numbers_of(column)
    valid = validity_of(column)
    return np.where(valid, values, 0) if len(valid) else values


def _plain_addresses(column: pa.Array | None, rows: int) -> tuple[Array, Array]:
    """Words and validity, one byte a row, of an address column with or without a dictionary."""
    if column is None:
        return np.zeros((rows, 2), np.uint64), np.zeros(rows, np.uint8)
    if pa.types.is_dictionary(column.type):
        codes = codes_of(column)
        words = words_of(column.dictionary)
        if len(words) == 0:
            return np.zeros((rows, 2), np.uint64), np.zeros(rows, np.uint8)
        return words[codes], (codes >= 0).astype(np.uint8)
    valid = validity_of(column)
    return words_of(column), valid if len(valid) else np.ones(rows, np.uint8)


__all__ = ["ALL_VALID", "from_stored", "to_stored"]
