"""Aim: the inventory fills what a record lacks, never what its maker wrote."""

from __future__ import annotations

from ipaddress import ip_network

import pyarrow as pa
import pytest

from vpcflow.enrich.network_interface import FILLED_COLUMNS, fill_interface_fields
from vpcflow.inventory.network_interface import NetworkInterface
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.subnet import Subnet
from vpcflow.inventory.vpc import Vpc
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.field_spec import ADDRESS_TYPE, TEXT_TYPE
from vpcflow.record.values import parse_address

INVENTORY = Inventory(
    vpcs={
        "vpc-1": Vpc("vpc-1", "111111111111", "r-1", (ip_network("10.0.0.0/16"),)),
        "vpc-2": Vpc("vpc-2", "222222222222", "r-2", (ip_network("2001:db8::/32"),)),
    },
    subnets={
        "subnet-1": Subnet("subnet-1", "vpc-1", "az1", (ip_network("10.0.1.0/24"),)),
        "subnet-2": Subnet("subnet-2", "vpc-2", "az2", (ip_network("2001:db8::/64"),)),
    },
    interfaces={
        "eni-1": NetworkInterface(
            "eni-1", "subnet-1", "vpc-1", "111111111111", instance_id="i-1"
        ),
        "eni-2": NetworkInterface(
            "eni-2", "subnet-2", "vpc-2", "222222222222", interface_type="nat_gateway"
        ),
    },
)  # fmt: skip


def text(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string()).dictionary_encode().cast(TEXT_TYPE)


def addresses(values: list[str | None]) -> pa.Array:
    return pa.array([parse_address(value) if value else None for value in values], ADDRESS_TYPE)


def filled(columns: dict[str, pa.Array]) -> dict[str, list[object]]:
    batch = FlowBatch(pa.RecordBatch.from_pydict(columns), Origin("capture"))
    answer: dict[str, list[object]] = fill_interface_fields(batch, INVENTORY).records.to_pydict()
    return answer


def test_missing_columns_are_filled_by_interface() -> None:
    got = filled({"interface_id": text(["eni-2", None, "eni-1", "eni-9", "eni-2"])})
    assert got == {
        "interface_id": ["eni-2", None, "eni-1", "eni-9", "eni-2"],
        "account_id": ["222222222222", None, "111111111111", None, "222222222222"],
        "vpc_id": ["vpc-2", None, "vpc-1", None, "vpc-2"],
        "subnet_id": ["subnet-2", None, "subnet-1", None, "subnet-2"],
        "instance_id": [None, None, "i-1", None, None],
        "az_id": ["az2", None, "az1", None, "az2"],
        "region": ["r-2", None, "r-1", None, "r-2"],
        "interface_type": ["nat_gateway", None, None, None, "nat_gateway"],
    }


def test_what_the_maker_wrote_stays() -> None:
    got = filled(
        {
            "interface_id": text(["eni-1", "eni-2", "eni-1", None]),
            "vpc_id": text(["vpc-0", None, "vpc-1", None]),
            "region": text(["x", "y", "z", "z"]),
            "az_id": text([None, None, None, None]),
        }
    )
    assert got["vpc_id"] == ["vpc-0", "vpc-2", "vpc-1", None]
    assert got["region"] == ["x", "y", "z", "z"]
    assert got["az_id"] == ["az1", "az2", "az1", None]
    assert "interface_type" in got


def test_filled_columns_have_the_registry_type() -> None:
    columns = {"interface_id": text(["eni-1"]), "vpc_id": text([None])}
    batch = FlowBatch(pa.RecordBatch.from_pydict(columns), Origin("capture"))
    schema = fill_interface_fields(batch, INVENTORY).records.schema
    assert all(
        schema.field(name).type == TEXT_TYPE for name in set(FILLED_COLUMNS) & {*schema.names}
    )
    fill_interface_fields(batch, INVENTORY).records.validate(full=True)


@pytest.mark.parametrize(
    "columns",
    [
        {"srcport": pa.array([1], pa.int32())},
        {"interface_id": text(["eni-9"])},
        {"interface_id": text([None])},
    ],
)
def test_nothing_known_changes_nothing(columns: dict[str, pa.Array]) -> None:
    batch = FlowBatch(pa.RecordBatch.from_pydict(columns), Origin("capture"))
    assert fill_interface_fields(batch, INVENTORY) is batch


def test_traffic_path_is_same_vpc_or_unknown() -> None:
    rows: list[tuple[str | None, str | None, str | None, str | None, int | None, int | None]] = [
        # interface, direction, destination, the packet's destination, path before, path after
        ("eni-1", "egress", "10.0.9.9", None, None, 1),
        ("eni-1", "ingress", "10.0.9.9", None, None, None),
        ("eni-1", None, "10.0.9.9", None, None, None),
        ("eni-1", "egress", "10.1.0.0", None, None, None),
        ("eni-1", "egress", "10.0.0.1", "8.8.8.8", None, None),
        ("eni-1", "egress", "8.8.8.8", "10.0.0.1", None, 1),
        ("eni-1", "egress", "10.0.9.9", None, 8, 8),
        ("eni-1", "egress", None, None, None, None),
        ("eni-2", "egress", "2001:db8::7", None, None, 1),
        ("eni-2", "egress", "10.0.9.9", None, None, None),
        ("eni-9", "egress", "10.0.9.9", None, None, None),
        (None, "egress", "10.0.9.9", None, None, None),
    ]
    interface, direction, destination, packet, before, after = map(list, zip(*rows, strict=True))
    columns = {
        "interface_id": text(interface),
        "flow_direction": text(direction),
        "dstaddr": addresses(destination),
        "pkt_dstaddr": addresses(packet),
        "traffic_path": pa.array(before, pa.int32()),
    }
    assert filled(columns)["traffic_path"] == after
    whole = pa.RecordBatch.from_pydict(columns)
    batch = FlowBatch(whole.slice(5), Origin("capture"))
    records = fill_interface_fields(batch, INVENTORY).records
    assert records["traffic_path"].to_pylist() == after[5:], "a slice is read at its place"
    del columns["traffic_path"], columns["pkt_dstaddr"]
    assert filled(columns)["traffic_path"][:5] == [1, None, None, None, 1]
