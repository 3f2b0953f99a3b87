"""Answers as bytes: JSON of columns for small ones, an Arrow stream for large ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
from pyarrow import types

from vpcflow.query.answer import ColumnMeta

if TYPE_CHECKING:
    from vpcflow.api.rest.network_models import NamedThing
    from vpcflow.query.answer import Answer
    from vpcflow.query.time_range import TimeRange

ARROW_TYPE = "application/vnd.apache.arrow.stream"
JSON_TYPE = "application/json"
#: The metadata of an Arrow schema that holds the rest of the envelope.
ENVELOPE_KEY = "vpcflow"
#: Addresses and interface ids of one answer that get a name.
NAMED_MAX = 2_000
_INTERFACE_COLUMN = "interface_id"


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer within what one response may hold.

    Shape: every column has a name of its own and a plain type; ``truncated`` says that rows were
    left out, here or before.
    """

    answer: Answer
    table: pa.Table
    columns: tuple[ColumnMeta, ...]
    truncated: bool


def shown(answer: Answer, rows_max: int) -> Shown:
    """The first rows of an answer, as a page reads them."""
    table, columns = plain_table(answer.table.slice(0, rows_max), answer.columns)
    return Shown(answer, table, columns, answer.truncated or answer.table.num_rows > rows_max)


def plain_table(
    table: pa.Table, columns: Sequence[ColumnMeta]
) -> tuple[pa.Table, tuple[ColumnMeta, ...]]:
    """A table of names that differ, moments as seconds, and what its columns are.

    Shape: SQL names columns as it likes and gives timestamps; a number that SQL made up is a count.
    """
    arrays, metas, taken = [], [], set[str]()
    for place, meta in enumerate(columns):
        array = table.column(place)
        kind = meta.kind
        if types.is_timestamp(array.type):
            array, kind = _seconds(array), "time"
        elif kind == "text" and (types.is_integer(array.type) or types.is_floating(array.type)):
            kind = "count"
        name, copies = meta.name, 1
        while name in taken:
            copies += 1
            name = f"{meta.name}_{copies}"
        taken.add(name)
        arrays.append(array)
        metas.append(ColumnMeta(name, kind, meta.label, meta.quiet))
    return pa.Table.from_arrays(arrays, names=[meta.name for meta in metas]), tuple(metas)


def _seconds(array: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
    numbers = pa.compute.divide(whole.cast(pa.float64(), safe=False), 1e6)
    floored = pa.compute.floor(numbers)
    return floored.cast(pa.int64()) if floored.equals(numbers) else numbers


def envelope_of(
    seen: Shown, *, time_range: TimeRange, snapshot: str, names: Mapping[str, NamedThing]
) -> dict[str, Any]:
    """Everything of an answer but its data."""
    answer = seen.answer
    return {
        "columns": [_column(meta) for meta in seen.columns],
        "rows": seen.table.num_rows,
        "names": {key: name.model_dump() for key, name in names.items()},
        "time": {
            "start_s": answer.start_s if time_range.start_s is None else time_range.start_s,
            "end_s": answer.end_s if time_range.end_s is None else time_range.end_s,
            "interval_s": answer.interval_s or interval_of(seen.table, seen.columns),
        },
        "scan": asdict(answer.scan),
        "coverage": asdict(answer.coverage),
        "truncated": seen.truncated,
        "elapsed_s": round(answer.elapsed_s, 6),
        "snapshot": snapshot,
        "notes": list(answer.notes),
        "sections": [_section(section) for section in answer.sections] or None,
    }


def _section(section: Any) -> dict[str, Any]:
    table, columns = plain_table(section.table, section.columns)
    return {
        "name": section.name,
        "title": section.title,
        "columns": [_column(meta) for meta in columns],
        "rows": table.num_rows,
        "data": columns_of(table),
    }


def _column(meta: ColumnMeta) -> dict[str, Any]:
    label = meta.label or meta.name.replace("_", " ").capitalize()
    return {"name": meta.name, "kind": meta.kind, "label": label, "quiet": meta.quiet}


def interval_of(table: pa.Table, columns: Sequence[ColumnMeta]) -> int | None:
    """The distance of the moments of a table that begins with a time, None for any other."""
    if not columns or columns[0].kind != "time" or not types.is_integer(table.column(0).type):
        return None
    moments = np.unique(table.column(0).drop_null().to_numpy())
    return int(np.diff(moments).min()) if len(moments) > 1 else None


def as_json(seen: Shown, envelope: Mapping[str, Any]) -> bytes:
    """The whole answer as JSON."""
    return dumps({**envelope, "data": columns_of(seen.table)})


def as_arrow(seen: Shown, envelope: Mapping[str, Any]) -> bytes:
    """The columns as an Arrow IPC stream; the rest is JSON in the schema's metadata."""
    table = encoded_table(seen.table).replace_schema_metadata({ENVELOPE_KEY: dumps(envelope)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())


def encoded_table(table: pa.Table) -> pa.Table:
    """A table whose texts are dictionaries, each in one piece."""
    arrays = []
    for column in table.columns:
        whole = column.combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            whole = whole.chunk(0) if whole.num_chunks else pa.array([], whole.type)
        arrays.append(whole.dictionary_encode() if types.is_string(whole.type) else whole)
    return pa.Table.from_arrays(arrays, names=table.column_names)


def dumps(value: Any) -> bytes:
    """JSON of values as Arrow and pydantic give them."""
    made: bytes = orjson.dumps(
        value, default=_other, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    )
    return made


def _other(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)


def columns_of(table: pa.Table) -> dict[str, Any]:
    """The values of every column, as what orjson writes fast."""
    return {name: _values(table.column(name)) for name in table.column_names}


def _values(column: pa.ChunkedArray) -> Any:
    kind = column.type
    if types.is_integer(kind) or types.is_floating(kind):
        if not column.null_count:
            return np.ascontiguousarray(column.to_numpy())
        missing = np.flatnonzero(column.is_null().to_numpy())
        values = column.fill_null(0).to_numpy().tolist()
        for place in missing:
            values[place] = None
        return values
    if types.is_string(kind) and len(column) > 1_000:
        # Few texts, many rows: each text is made once.
        whole = column.combine_chunks().dictionary_encode(null_encoding="encode")
        if isinstance(whole, pa.Array):
            texts = np.array([*whole.dictionary.to_pylist(), None], dtype=object)
            return texts[whole.indices.to_numpy(zero_copy_only=False)].tolist()
    if types.is_map(kind):
        return column.to_pylist(maps_as_pydicts="lossy")
    return column.to_pylist()


def named_values(seen: Shown) -> list[str]:
    """The addresses and interface ids of an answer, as many as get a name."""
    found: dict[str, None] = {}
    tables = [(seen.table, seen.columns)]
    tables += [(section.table, section.columns) for section in seen.answer.sections]
    for table, columns in tables:
        for meta in columns:
            if meta.kind != "address" and meta.name != _INTERFACE_COLUMN:
                continue
            for value in table.column(meta.name).unique().to_pylist():
                if len(found) >= NAMED_MAX:
                    return list(found)
                if isinstance(value, str):
                    found[value] = None
    return list(found)
