"""Numbers of an answer as plain ones, whatever width an engine gave them."""

from __future__ import annotations

import pyarrow as pa
from pyarrow import types


def with_plain_numbers(table: pa.Table) -> pa.Table:
    """Sums as 64-bit integers where they fit, and as floating point where they do not.

    Shape: engines widen sums to 128 bits or to decimals; answers hold plain numbers.
    """
    for place, field in enumerate(table.schema):
        if types.is_decimal(field.type) or types.is_unsigned_integer(field.type):
            column = table.column(place)
            try:
                column = column.cast(pa.int64())
            except pa.ArrowInvalid:
                column = column.cast(pa.float64())
            table = table.set_column(place, field.name, column)
    return table
