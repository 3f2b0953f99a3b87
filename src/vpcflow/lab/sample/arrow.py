"""Records of the sample as Arrow columns, in the registry's types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vpcflow.lab.sample.connections import ICMPV6, PATH_NONE, Rows
from vpcflow.lab.sample.network import Network
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.windows import OK
from vpcflow.record.field_spec import ADDRESS_TYPE
from vpcflow.record.fields import VPC_FIELDS
from vpcflow.record.log_format import LogFormat, default_format

_SERVICES = ("", "S3", "DYNAMODB")
_STATUSES = ("OK", "NODATA", "SKIPDATA")


def sample_format(version: int) -> LogFormat:
    """AWS's default format, or every field up to version 5 in AWS's order."""
    if version == 2:
        return default_format()
    return LogFormat(tuple(spec.name for spec in VPC_FIELDS if spec.since_version <= version))


class ArrowRecords:
    """Turns records into Arrow batches of the sample's log format."""

    def __init__(self, network: Network, settings: SampleSettings) -> None:
        self._network = network
        self._settings = settings
        self.log_format = sample_format(settings.version)

    def batch(self, records: Rows) -> pa.RecordBatch:
        """One batch, a column for each field of the format.

        Shape: fields that describe the flow are null unless the record's status is OK.
        """
        columns = []
        for name in self.log_format.names:
            columns.append(_COLUMNS[name](self, records))
        return pa.RecordBatch.from_arrays(columns, names=list(self.log_format.columns))

    def _interface(self, records: Rows) -> pa.Array:
        return _text(records["interface"], self._network.interface_ids)

    def _instance(self, records: Rows) -> pa.Array:
        has_none = np.array([name is None for name in self._network.instance_ids])
        names = tuple(name or "" for name in self._network.instance_ids)
        return _text(records["interface"], names, has_none[records["interface"]])

    def _subnet(self, records: Rows) -> pa.Array:
        return _text(self._network.subnet[records["interface"]], self._network.subnet_ids)

    def _zone(self, records: Rows) -> pa.Array:
        zones = tuple(dict.fromkeys(self._network.zone_ids))
        return _text(self._network.subnet[records["interface"]] % len(zones), zones)

    def _constant(self, records: Rows, text: str) -> pa.Array:
        return _text(np.zeros(len(records), np.int32), (text,))

    def _version(self, records: Rows) -> pa.Array:
        return pa.array(np.full(len(records), self._settings.version, np.int32))


def _text(
    codes: NDArray[Any], names: tuple[str, ...], nulls: NDArray[Any] | None = None
) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=nulls)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _no_flow(records: Rows) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = records["status"] != OK
    return missing


def _number(name: str, dtype: Any) -> Callable[[ArrowRecords, Rows], pa.Array]:
    def column(_: ArrowRecords, records: Rows) -> pa.Array:
        return pa.array(records[name].astype(dtype), mask=_no_flow(records))

    return column


def _address(name: str) -> Callable[[ArrowRecords, Rows], pa.Array]:
    def column(_: ArrowRecords, records: Rows) -> pa.Array:
        data = pa.py_buffer(np.ascontiguousarray(records[name]).astype(">u8").tobytes())
        valid = pa.array(~_no_flow(records)).buffers()[1]
        return pa.Array.from_buffers(ADDRESS_TYPE, len(records), [valid, data])

    return column


def _flow_text(name: str, names: tuple[str, ...]) -> Callable[[ArrowRecords, Rows], pa.Array]:
    def column(_: ArrowRecords, records: Rows) -> pa.Array:
        return _text(records[name], names, _no_flow(records))

    return column


def _service(name: str) -> Callable[[ArrowRecords, Rows], pa.Array]:
    def column(_: ArrowRecords, records: Rows) -> pa.Array:
        return _text(records[name], _SERVICES, (records[name] == 0) | _no_flow(records))

    return column


def _family(_: ArrowRecords, records: Rows) -> pa.Array:
    is_v6 = (records["src"][:, 0] != 0) | (records["proto"] == ICMPV6)
    return _text(is_v6, ("IPv4", "IPv6"), _no_flow(records))


def _path(_: ArrowRecords, records: Rows) -> pa.Array:
    nulls = (records["path"] == PATH_NONE) | _no_flow(records)
    return pa.array(records["path"].astype(np.int32), mask=nulls)


def _nothing(_: ArrowRecords, records: Rows) -> pa.Array:
    return _text(np.zeros(len(records), np.int32), ("",), np.ones(len(records), dtype=bool))


def _time(name: str) -> Callable[[ArrowRecords, Rows], pa.Array]:
    return lambda _, records: pa.array(np.ascontiguousarray(records[name]))


_COLUMNS: dict[str, Callable[[ArrowRecords, Rows], pa.Array]] = {
    "version": ArrowRecords._version,
    "account-id": lambda made, records: made._constant(records, made._settings.account_id),
    "interface-id": ArrowRecords._interface,
    "srcaddr": _address("src"),
    "dstaddr": _address("dst"),
    "srcport": _number("sport", np.int32),
    "dstport": _number("dport", np.int32),
    "protocol": _number("proto", np.int32),
    "packets": _number("packets", np.int64),
    "bytes": _number("bytes", np.int64),
    "start": _time("start"),
    "end": _time("end"),
    "action": _flow_text("action", ("ACCEPT", "REJECT")),
    "log-status": lambda _, records: _text(records["status"], _STATUSES),
    "vpc-id": lambda made, records: made._constant(records, made._network.vpc_id),
    "subnet-id": ArrowRecords._subnet,
    "instance-id": ArrowRecords._instance,
    "tcp-flags": _number("flags", np.int32),
    "type": _family,
    "pkt-srcaddr": _address("pkt_src"),
    "pkt-dstaddr": _address("pkt_dst"),
    "region": lambda made, records: made._constant(records, made._settings.region),
    "az-id": ArrowRecords._zone,
    "sublocation-type": _nothing,
    "sublocation-id": _nothing,
    "pkt-src-aws-service": _service("src_service"),
    "pkt-dst-aws-service": _service("dst_service"),
    "flow-direction": _flow_text("direction", ("ingress", "egress")),
    "traffic-path": _path,
}
