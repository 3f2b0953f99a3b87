"""The example line of a log format: of a real record where there is one."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from vpcflow.api.asked import Question, Steps
from vpcflow.api.flow_log_estimate import COLUMNS_OF, as_records
from vpcflow.base.errors import FormatError, QueryError
from vpcflow.control.flow_logs.selections import scope_of
from vpcflow.query.expression import Compare, all_of
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS_BY_NAME
from vpcflow.record.flow_log_selection import lines_of
from vpcflow.record.log_format import LogFormat, default_format

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices
    from vpcflow.control.caller import Caller

Sample = Literal["record", "example"]
#: Values of an accepted HTTPS flow, for the line that is shown before there is any record.
_VALUES = {
    "account-id": "123456789012",
    "interface-id": "eni-0a1b2c3d4e5f60718",
    "srcaddr": "10.0.1.5",
    "dstaddr": "198.51.100.7",
    "srcport": "49152",
    "dstport": "443",
    "protocol": "6",
    "packets": "12",
    "bytes": "4840",
    "start": "1767225600",
    "end": "1767225660",
    "action": "ACCEPT",
    "log-status": "OK",
    "vpc-id": "vpc-0a1b2c3d4e5f60718",
    "subnet-id": "subnet-0a1b2c3d4e5f60718",
    "instance-id": "i-0a1b2c3d4e5f60718",
    "tcp-flags": "3",
    "type": "IPv4",
    "pkt-srcaddr": "10.0.1.5",
    "pkt-dstaddr": "198.51.100.7",
    "region": "us-east-1",
    "az-id": "use1-az1",
    "flow-direction": "egress",
    "traffic-path": "8",
}
_NO_VALUE = "-"


def example_of(name: str, version: int = 2) -> str:
    """A plausible value of a field; ``-`` where most records have none."""
    return str(version) if name == "version" else _VALUES.get(name, _NO_VALUE)


def example_line(
    services: RestServices, caller: Caller, log_format: LogFormat, resource_id: str
) -> Steps[tuple[str, Sample]]:
    """A line in a format, without its newline: of the newest flow of the resource, else made up.

    Shape: records are shown only to those who may ask for records.
    """
    record = yield from _newest(services, caller, log_format, resource_id)
    if record is not None:
        return record, "record"
    version = log_format.version
    return " ".join(example_of(name, version) for name in log_format.names), "example"


@cache
def compile_early() -> threading.Thread:
    """Begins to compile what prints records, once, so that the first plan or example need not wait.

    Shape: numba keeps its code on disk; where it does not have it yet, compiling takes seconds. The
    thread is handed out for those who want to wait for it.
    """
    thread = threading.Thread(target=printed_once, name="compile-record-text", daemon=True)
    thread.start()
    return thread


def printed_once() -> bytes:
    """A made-up record in the default format, printed in the way of the real ones."""
    names, values = zip(*_VALUES.items(), strict=True)
    columns = {}
    for name, value in zip(names, values, strict=True):
        spec = FIELDS_BY_NAME[name]
        number = spec.kind not in {FieldKind.TEXT, FieldKind.ADDRESS}
        columns[spec.column] = [int(value) if number else value]
    return lines_of(as_records(pa.table(columns)), default_format())


def may_read(services: RestServices, caller: Caller) -> bool:
    """Whether a caller may see records."""
    return caller.account_id == services.account_id and services.permissions.allows(
        caller, "vpcflow:QueryFlowRecords", "*"
    )


def _newest(
    services: RestServices, caller: Caller, log_format: LogFormat, resource_id: str
) -> Steps[str | None]:
    if not may_read(services, caller):
        return None
    of_resource = None
    if resource_id:
        try:
            field = COLUMNS_OF[scope_of(resource_id).value]
        except KeyError:
            return None
        of_resource = Compare(field, "=", resource_id)
    condition = all_of(of_resource, Compare("log-status", "=", "OK"))
    try:
        found = yield Question("flows", {"fields": "all", "limit": 1}, condition)
    except QueryError:
        return None
    if found.table.num_rows == 0:
        return None
    line = lines_of(as_records(found.table.slice(0, 1)), log_format)
    return line.decode(errors="replace").rstrip("\n")


def parsed_as_far(text: str) -> tuple[LogFormat | None, FormatError | None]:
    """A format, or its beginning up to the fault, which is told."""
    if not text.strip():
        return default_format(), None
    try:
        return LogFormat.parse(text), None
    except FormatError as error:
        head = text[: error.position].strip()
        try:
            return (LogFormat.parse(head) if head else None), error
        except FormatError:
            return None, error


def known_field(name: str) -> bool:
    """Whether AWS has a field of this name."""
    spec = FIELDS_BY_NAME.get(name)
    return spec is not None and not spec.is_ours
