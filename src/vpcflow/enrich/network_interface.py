"""Fills what the inventory knows of a record's network interface and the record does not say."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.inventory.address_ranges import NOT_FOUND, AddressRanges
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.vpc import Network
from vpcflow.record.batch import FlowBatch
from vpcflow.record.column_buffers import (
    filled_numbers,
    number_column,
    text_column,
    valid_rows,
)
from vpcflow.record.field_spec import TEXT_TYPE

#: Tables of VPC blocks that are kept between batches.
RANGES_KEPT_MAX = 256
#: traffic-path: another resource in the same VPC.
SAME_VPC = 1
EGRESS = "egress"

#: Columns filled from the interface, its subnet and its VPC. The sublocation fields are not among
#: them: no interface of ours is on an Outpost or in a Local Zone, so they stay null.
FILLED_COLUMNS = (
    "account_id",
    "vpc_id",
    "subnet_id",
    "instance_id",
    "az_id",
    "region",
    "interface_type",
)

_Codes = npt.NDArray[np.int32]


def fill_interface_fields(batch: FlowBatch, inventory: Inventory) -> FlowBatch:
    """Fill FILLED_COLUMNS and ``traffic_path`` where they are null, by ``interface_id``.

    ``traffic_path`` is filled for egress whose destination (the packet's, where the record has it)
    is within the interface's VPC: SAME_VPC. Which gateway other traffic takes depends on routes
    that the inventory does not hold, so there it stays null; a guess would look like AWS's word.
    An interface that the inventory does not know changes nothing.
    """
    records = batch.records
    if "interface_id" not in records.schema.names:
        return batch
    column = records.column("interface_id")
    codes = _codes(column)
    facts = [_facts(interface_id, inventory) for interface_id in column.dictionary.to_pylist()]
    if not any(facts):
        return batch
    for position, name in enumerate(FILLED_COLUMNS):
        values = [fact[position] if fact else None for fact in facts]
        records = _filled_text(records, name, values, codes)
    vpc_ids = [fact[FILLED_COLUMNS.index("vpc_id")] if fact else None for fact in facts]
    records = _filled_traffic_path(records, vpc_ids, codes, inventory)
    return batch if records is batch.records else batch.with_records(records)


def _facts(interface_id: str | None, inventory: Inventory) -> tuple[str | None, ...] | None:
    """One interface's values, in the order of FILLED_COLUMNS."""
    interface = inventory.interfaces.get(interface_id) if interface_id else None
    if interface is None:
        return None
    subnet = inventory.subnets.get(interface.subnet_id)
    vpc = inventory.vpcs.get(interface.vpc_id)
    return (
        interface.account_id,
        interface.vpc_id,
        interface.subnet_id,
        interface.instance_id,
        subnet.az_id if subnet else None,
        vpc.region if vpc else None,
        interface.interface_type or None,
    )


def _codes(column: pa.DictionaryArray) -> _Codes:
    """Places in the dictionary, -1 for null."""
    codes: _Codes = filled_numbers(column.indices, -1)
    return codes


def _filled_text(
    records: pa.RecordBatch, name: str, values: list[str | None], codes: _Codes
) -> pa.RecordBatch:
    """The batch with the value of each row's interface where the column has none."""
    exists = name in records.schema.names
    old = records.column(name) if exists else None
    if old is not None and old.null_count == 0:
        return records
    texts: dict[str, int] = {}
    if old is not None:
        texts = {text: code for code, text in enumerate(old.dictionary.to_pylist())}
    first = len(old.dictionary) if old is not None else 0
    added = dict.fromkeys(value for value in values if value and value not in texts)
    texts.update((text, first + number) for number, text in enumerate(added))
    # Code -1, a row without an interface, reads the last place.
    by_interface = np.array([texts[value] if value else -1 for value in values] + [-1], np.int32)
    filled = by_interface[codes]
    if old is not None:
        old_codes = _codes(old)
        filled = np.where(old_codes >= 0, old_codes, filled)
    if not (filled >= 0).any():
        return records
    dictionary = text_column(list(added))
    if old is not None:
        dictionary = pa.concat_arrays([old.dictionary, dictionary])
    column = pa.DictionaryArray.from_arrays(number_column(filled, filled >= 0), dictionary)
    return _with_column(records, pa.field(name, TEXT_TYPE), column)


def _filled_traffic_path(
    records: pa.RecordBatch, vpc_ids: list[str | None], codes: _Codes, inventory: Inventory
) -> pa.RecordBatch:
    names = records.schema.names
    if "flow_direction" not in names:
        return records
    direction = records.column("flow_direction")
    texts = direction.dictionary.to_pylist()
    wanted = np.array([*(text == EGRESS for text in texts), False])[_codes(direction)]
    old = None
    if "traffic_path" in names:
        column = records.column("traffic_path")
        old = filled_numbers(column, -1)
        wanted &= old < 0
    words, is_known = _peer_words(records)
    wanted &= is_known
    paths = np.full(len(codes), -1, np.int32)
    for vpc_id in {vpc_id for vpc_id in vpc_ids if vpc_id}:
        vpc = inventory.vpcs.get(vpc_id)
        if vpc is None:
            continue
        of_vpc = np.array([*(other == vpc_id for other in vpc_ids), False])[codes]
        rows = np.flatnonzero(wanted & of_vpc)
        if len(rows):
            inside = _ranges(vpc.cidr_blocks).find_many(words[rows]) != NOT_FOUND
            paths[rows[inside]] = SAME_VPC
    if not (paths >= 0).any():
        return records
    if old is not None:
        paths = np.where(old >= 0, old, paths)
    return _with_column(
        records, pa.field("traffic_path", pa.int32()), number_column(paths, paths >= 0)
    )


def _peer_words(records: pa.RecordBatch) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.bool_]]:
    """Destination of each row, the packet's where known, and whether there is one."""
    rows = records.num_rows
    words = np.zeros((rows, 2), np.uint64)
    is_known = np.zeros(rows, np.bool_)
    for name in ("pkt_dstaddr", "dstaddr"):
        if name not in records.schema.names:
            continue
        column = records.column(name)
        values = column.buffers()[1]
        if values is None:
            continue
        found = np.frombuffer(values, np.uint64, 2 * rows, 16 * column.offset).reshape(-1, 2)
        take = valid_rows(column) & ~is_known
        words[take] = found[take]
        is_known |= take
    return words, is_known


@lru_cache(RANGES_KEPT_MAX)
def _ranges(blocks: tuple[Network, ...]) -> AddressRanges:
    return AddressRanges((block, 0) for block in blocks)


def _with_column(records: pa.RecordBatch, field: pa.Field, column: pa.Array) -> pa.RecordBatch:
    names = records.schema.names
    if field.name in names:
        return records.set_column(names.index(field.name), field, column)
    return records.append_column(field, column)
