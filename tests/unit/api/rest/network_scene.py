"""A network made over the control plane, and records of it in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pyarrow as pa
from rest_harness import ACCOUNT, REGION, RestServer, rest_services, serving

from vpcflow.app.settings import Settings
from vpcflow.control.network.interfaces import InterfaceRequest, create_interface
from vpcflow.control.network.permissions import Permission
from vpcflow.control.network.prefix_lists import create_list
from vpcflow.control.network.security_groups import authorize, create_group, group_by_id_or_name
from vpcflow.control.network.subnets import create_subnet
from vpcflow.control.network.vpcs import create_vpc
from vpcflow.control.state import Place, State
from vpcflow.policy.security_group import Direction
from vpcflow.query.expression import to_bytes
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.store.settings import StoreSettings
from vpcflow.store.table import FlowTable
from vpcflow.store.writer import DataFileWriter

PLACE = Place(ACCOUNT, REGION)
T0 = 1_780_272_000
Row = dict[str, Any]


def record(interface_id: str, source: str, target: str, *more: Any, **fields: Any) -> Row:
    """A record; ``more`` are protocol, source port, destination port, bytes, and the action."""
    protocol, sport, dport, size, action = (*more, *(6, 0, 0, 100, "ACCEPT")[len(more) :])
    return {
        "version": 2,
        "account-id": ACCOUNT,
        "interface-id": interface_id,
        "srcaddr": source,
        "dstaddr": target,
        "srcport": sport,
        "dstport": dport,
        "protocol": protocol,
        "packets": 2,
        "bytes": size,
        "start": T0,
        "end": T0 + 10,
        "action": action,
        "log-status": "OK",
    } | {name.replace("_", "-"): value for name, value in fields.items()}


def write_records(settings: Settings, rows: Sequence[Row]) -> None:
    """Put rows into the table of a data folder."""
    arrays, specs = [], []
    for name, spec in FIELDS_BY_NAME.items():
        if not any(name in row for row in rows):
            continue
        values = [row.get(name) for row in rows]
        if spec.kind is FieldKind.ADDRESS:
            stored = [None if one is None else to_bytes(ip_address(one)) for one in values]
            arrays.append(pa.array(stored, spec.kind.arrow_type))
        elif spec.kind is FieldKind.TEXT:
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, spec.kind.arrow_type))
        specs.append(spec.arrow_field)
    batch = pa.RecordBatch.from_arrays(arrays, schema=pa.schema(specs))
    with FlowTable.open(settings.folder) as table:
        writer = DataFileWriter(table.data_dir, StoreSettings(), prefix="test")
        writer.append(FlowBatch(batch, Origin("file", "test")))
        table.commit(writer.finish(), "commit-1")


@dataclass
class Scene:
    """Makes resources; ids are those that the control plane gave."""

    state: State
    rules: dict[str, str] = field(default_factory=dict)

    def vpc(self, cidr: str, name: str, *, with_ipv6: bool = False) -> str:
        with self.state.change() as change:
            made = create_vpc(change, PLACE, cidr, with_ipv6=with_ipv6, tags={"Name": name})
        return made.vpc.vpc_id

    def subnet(self, vpc_id: str, cidr: str, name: str, ipv6: str | None = None) -> str:
        with self.state.change() as change:
            made = create_subnet(change, PLACE, vpc_id, cidr, ipv6_cidr=ipv6, tags={"Name": name})
        return made.subnet.subnet_id

    def group(self, vpc_id: str, name: str) -> str:
        with self.state.change() as change:
            return create_group(change, PLACE, name, f"about {name}", vpc_id).group.group_id

    def prefixes(self, name: str, *networks: str) -> str:
        with self.state.change() as change:
            made = create_list(
                change, PLACE, name, "IPv4", 10, [(network, "") for network in networks]
            )
        return made.prefix_list.prefix_list_id

    def allow(self, group: str, direction: str, *permission: Any, **peer: Any) -> str:
        """Add a rule of protocol, first and last port; gives its id."""
        with self.state.change() as change:
            found = group_by_id_or_name(change, PLACE, group, None)
            (rule,) = authorize(
                change, PLACE, found, Direction(direction), [Permission(*permission, **peer)]
            )
        return rule.rule_id

    def interface(self, subnet_id: str, address: str, *groups: str, **more: Any) -> str:
        name = more.pop("name", "")
        with self.state.change() as change:
            made = create_interface(
                change,
                PLACE,
                InterfaceRequest(
                    subnet_id,
                    [address],
                    group_ids=groups,
                    tags={"Name": name} if name else {},
                    **more,
                ),
            )
        return made.interface.interface_id


@contextmanager
def scene_server(folder: Path) -> Iterator[tuple[Scene, RestServer, Settings]]:
    """An API over an empty data folder, to be filled."""
    settings = Settings(data=folder / "data")
    with rest_services(settings) as services, serving(services) as server:
        yield Scene(services.state), server, settings
