"""A compiled statement: SQL text with places for values, and how the values are put in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vpcflow.query.plan import StoredValue

#: The function that stands for a value while a statement is compiled; no engine has it.
PARAMETER_FUNCTION = "vpcflow_parameter"

#: The names by which statements call what they read; every engine provides it.
STORED_TABLE_NAME = "flow_records_stored"
CONVERSATIONS_NAME = "flow_conversations"
HOURS_NAME = "flow_hours"
TRAFFIC_NAME = "flow_traffic"
#: Records of files whose rollups a question cannot use, beside the rollups of the others.
RECORDS_BESIDE_CONVERSATIONS_NAME = "flow_records_beside_conversations"
RECORDS_BESIDE_HOURS_NAME = "flow_records_beside_hours"
RECORDS_BESIDE_TRAFFIC_NAME = "flow_records_beside_traffic"
#: Records of the hours and periods that a range cuts, of files whose rollups say the rest.
RECORDS_AT_EDGES_NAMES = (
    "flow_records_at_edges_of_conversations",
    "flow_records_at_edges_of_hours",
    "flow_records_at_edges_of_traffic",
)

_PLACE = re.compile(
    rf'"?{PARAMETER_FUNCTION}"?\(\s*(?:CAST\(\s*)?(\d+)(?:\s+AS\s+\w+\s*\))?\s*\)', re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL of one dialect, the tables that it reads and the stored columns that it reads of them."""

    dialect: str
    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]

    def with_values(self, write: Callable[[int], str]) -> str:
        """The SQL with every place written by ``write(slot)``."""
        return _PLACE.sub(lambda match: write(int(match[1])), self.sql)

    def slots(self) -> set[int]:
        """The places that the SQL really uses."""
        return {int(match[1]) for match in _PLACE.finditer(self.sql)}


def literal(value: StoredValue) -> str:
    """A value as a literal of standard SQL, for engines without parameters of every type."""
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(int(value))


def with_literals(statement: Statement, values: Sequence[StoredValue]) -> str:
    """The SQL with its values as literals."""
    return statement.with_values(lambda slot: literal(values[slot]))
