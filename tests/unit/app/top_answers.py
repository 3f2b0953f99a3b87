"""Answers of a running capture, made by hand: what the tests of `vpcflow top` feed it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, NamedTuple

import pyarrow as pa

from vpcflow.app.live_view import WINDOW_FACTS_KEY
from vpcflow.query.expression import to_bytes
from vpcflow.record.field_spec import ADDRESS_TYPE, TEXT_TYPE

OPENED = 1_700_000_000
INTERVAL_S = 60
WEB, DB = "eni-0aaaaaaaaaaaaaaaa", "eni-0bbbbbbbbbbbbbbbb"


class Flow(NamedTuple):
    """One flow of an answer."""

    source: str
    destination: str
    port: int
    packets: int
    bytes: int
    action: str | None = "ACCEPT"
    rule: str | None = None
    interface: str = WEB
    direction: str = "ingress"
    source_port: int = 40_000
    protocol: int = 6
    start: int = OPENED
    end: int = OPENED


def answer(shown: Iterable[Flow], at_s: float, opened_s: float = OPENED, **facts: Any) -> bytes:
    """What the capture answers to ``flows``; ``facts`` replace what the flows add up to."""
    flows = list(shown)

    def texts(values: Iterable[str | None]) -> pa.Array:
        return pa.array(list(values), pa.string()).cast(TEXT_TYPE)

    def numbers(values: Iterable[int], kind: pa.DataType) -> pa.Array:
        return pa.array(list(values), kind)

    def addresses(values: Iterable[str]) -> pa.Array:
        return pa.array([to_bytes(ip_address(value)) for value in values], ADDRESS_TYPE)

    table = pa.table(
        {
            "interface_id": texts(flow.interface for flow in flows),
            "srcaddr": addresses(flow.source for flow in flows),
            "dstaddr": addresses(flow.destination for flow in flows),
            "srcport": numbers((flow.source_port for flow in flows), pa.int32()),
            "dstport": numbers((flow.port for flow in flows), pa.int32()),
            "protocol": numbers((flow.protocol for flow in flows), pa.int32()),
            "packets": numbers((flow.packets for flow in flows), pa.int64()),
            "bytes": numbers((flow.bytes for flow in flows), pa.int64()),
            "start": numbers((flow.start for flow in flows), pa.int64()),
            "end": numbers((flow.end for flow in flows), pa.int64()),
            "action": texts(flow.action for flow in flows),
            "flow_direction": texts(flow.direction for flow in flows),
            "reject_rule": texts(flow.rule for flow in flows),
        }
    )
    refused = sum(flow.packets for flow in flows if flow.action == "REJECT")
    window = {
        "at": at_s,
        "opened": opened_s,
        "interval_s": INTERVAL_S,
        "flows": len(flows),
        "packets": sum(flow.packets for flow in flows),
        "bytes": sum(flow.bytes for flow in flows),
        "rejected": refused,
        "interfaces": {WEB: "web", DB: ""},
    }
    table = table.replace_schema_metadata({WINDOW_FACTS_KEY: json.dumps(window | facts)})
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    data: bytes = out.getvalue().to_pybytes()
    return data


def status(**more: Any) -> dict[str, Any]:
    """What the capture answers to ``status``."""
    lost = {"ring-dropped": 0, "verdicts-lost": 0}
    return {"interval_s": INTERVAL_S, "interval_opened": OPENED, "lost": lost, **more}
