"""Aim: the registry is whole and agrees with AWS's counts and order."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate

import pytest

from vpcflow.record.field_spec import FieldKind, FieldSpec
from vpcflow.record.fields import (
    DEFAULT_FIELD_NAMES,
    FIELDS,
    FIELDS_BY_COLUMN,
    FIELDS_BY_NAME,
    OWN_FIELDS,
    TRANSIT_GATEWAY_FIELD_NAMES,
    VPC_FIELDS,
)
from vpcflow.store.stored_schema import REORIENTED_FIELDS, STORED_COLUMNS


def test_field_count_of_each_version() -> None:
    per_version = sorted(Counter(spec.since_version for spec in VPC_FIELDS).items())
    totals = list(accumulate(count for _, count in per_version))
    assert dict(zip((version for version, _ in per_version), totals, strict=True)) == {
        2: 14, 3: 21, 4: 25, 5: 29, 7: 39, 8: 40, 9: 41, 10: 42, 11: 54,
    }  # fmt: skip


def test_names_are_unique_and_the_lookups_whole() -> None:
    assert len(FIELDS_BY_NAME) == len(FIELDS_BY_COLUMN) == len(FIELDS)


def test_default_and_transit_gateway_order() -> None:
    assert " ".join(DEFAULT_FIELD_NAMES) == (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
        "start end action log-status"
    )
    assert len(TRANSIT_GATEWAY_FIELD_NAMES) == 36
    assert set(TRANSIT_GATEWAY_FIELD_NAMES) <= set(FIELDS_BY_NAME)


def test_integer_types_are_awss() -> None:
    kinds = {spec.name: spec.kind for spec in FIELDS if spec.since_version}
    assert {name for name, kind in kinds.items() if kind is FieldKind.INT32} == {
        "version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path",
        "encryption-status",
    }  # fmt: skip
    assert {name for name, kind in kinds.items() if kind is FieldKind.INT64} == {
        "packets", "bytes", "start", "end", "packets-lost-no-route", "packets-lost-blackhole",
        "packets-lost-mtu-exceeded", "packets-lost-ttl-expired",
    }  # fmt: skip


@pytest.mark.parametrize("spec", FIELDS, ids=lambda spec: spec.name)
def test_every_field_says_what_it_is(spec: FieldSpec) -> None:
    assert spec.summary.endswith(".")
    assert spec.label
    assert spec.null_means
    assert spec.source
    assert (spec.kind in (FieldKind.INT32, FieldKind.INT64)) or spec.value_max is None


def test_every_field_has_a_place_in_the_table() -> None:
    names = {column.name for column in STORED_COLUMNS}
    for spec in FIELDS:
        assert spec.column in names or spec.name in REORIENTED_FIELDS
    ids = [column.field_id for column in STORED_COLUMNS]
    assert len(set(ids)) == len(ids)


def test_ids_of_stored_columns_never_change() -> None:
    """Files on users' disks carry these ids: a change here breaks their tables."""
    ids = {column.name: column.field_id for column in STORED_COLUMNS}
    assert {name: ids[name] for name in ("host", "peer", "start", "version", "action")} == {
        "host": 1, "peer": 2, "start": 7, "version": 100, "action": 112,
    }  # fmt: skip
    assert ids["next_hop_interface_type"] == 153
    assert ids["resource_type"] == 300
    assert ids["flow_log_id"] == 400


def test_own_fields_are_not_awss() -> None:
    assert all(spec.is_ours for spec in OWN_FIELDS)
    assert not any(spec.is_ours for spec in VPC_FIELDS)
