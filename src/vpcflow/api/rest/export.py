"""Answers as files: CSV, Parquet, Arrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pyarrow as pa
from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pyarrow import types

from vpcflow.api.rest.answer_models import SqlExport
from vpcflow.api.rest.answers import ARROW_TYPE, encoded_table, shown
from vpcflow.api.rest.asking import (
    PARAMETERS_OPENAPI,
    Asking,
    End,
    FilterText,
    Start,
    answer_headers,
    answered,
)
from vpcflow.api.rest.bodies import PIECE_BYTES, HeldStream
from vpcflow.api.rest.questions import asking_of
from vpcflow.api.rest.sql import asking_of_sql

if TYPE_CHECKING:
    from vpcflow.api.rest.services import RestServices

Format = Literal["csv", "parquet", "arrow"]
#: Rows of CSV that are written at a time.
CSV_BATCH_ROWS = 8_192
#: What a spreadsheet takes for the beginning of a formula.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_OWN_PARAMETERS = frozenset({"question", "format"})

_TYPES: dict[str, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
    "arrow": ARROW_TYPE,
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, as a file with a name.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            _TYPES["parquet"]: _BINARY,
            ARROW_TYPE: _BINARY,
        },
    }
}


def routes(services: RestServices) -> APIRouter:
    """``GET /export`` of a question and ``POST /export`` of SQL."""
    router = APIRouter(tags=["questions"])

    @router.get(
        "/export",
        response_class=Response,
        responses=_FILE_RESPONSES,
        openapi_extra=PARAMETERS_OPENAPI,
    )
    async def export_question(
        request: Request,
        question: Annotated[str, Query(max_length=100, description="The question's name.")],
        format: Format = "csv",
        start: Start = None,
        end: End = None,
        filter: FilterText = "",
    ) -> Response:
        """The answer to a question as a file."""
        asking = await run_in_threadpool(
            asking_of,
            services,
            request,
            question,
            start=start,
            end=end,
            text=filter,
            besides=_OWN_PARAMETERS,
        )
        return await _file(services, request, asking, format)

    @router.post("/export", response_class=Response, responses=_FILE_RESPONSES)
    async def export_sql(body: SqlExport, request: Request) -> Response:
        """The rows of a SELECT as a file."""
        asking = await run_in_threadpool(asking_of_sql, services, request, body)
        return await _file(services, request, asking, body.format)

    return router


async def _file(services: RestServices, request: Request, asking: Asking, form: Format) -> Response:
    answer = await answered(services.pool, request, asking)
    headers = answer_headers(asking, _TYPES[form])
    headers["Content-Disposition"] = f'attachment; filename="{file_name(asking, form)}"'
    seen = await run_in_threadpool(shown, answer, services.rest.arrow_rows_max)
    headers["X-Vpcflow-Rows"] = str(seen.table.num_rows)
    headers["X-Vpcflow-Truncated"] = str(seen.truncated).lower()
    held = services.bodies.take(seen.table.nbytes)
    if form == "csv":
        pieces = csv_pieces(seen.table)
    else:
        write = _parquet if form == "parquet" else _arrow
        try:
            body = await run_in_threadpool(write, seen.table)
        except BaseException:
            held.end()
            raise
        headers["Content-Length"] = str(len(body))
        pieces = (bytes(body[at : at + PIECE_BYTES]) for at in range(0, len(body), PIECE_BYTES))
    # Starlette takes each piece of a plain iterator in a thread, and stops when the client goes.
    return HeldStream(pieces, held, media_type=_TYPES[form], headers=headers)


def file_name(asking: Asking, form: Format) -> str:
    """What a browser calls the file: vpcflow-talkers-20261127T1500Z-20261127T1600Z.csv."""
    span = asking.time_range
    moments = [
        datetime.fromtimestamp(moment_s, UTC).strftime("%Y%m%dT%H%MZ")
        for moment_s in (span.start_s, span.end_s)
        if moment_s is not None
    ]
    return "-".join(["vpcflow", asking.title, *moments]) + f".{form}"


def csv_pieces(table: pa.Table) -> Iterator[bytes]:
    """A table as CSV after RFC 4180, in pieces: a header, CRLF, nulls are empty.

    Shape: a text that a spreadsheet would take for a formula has a single quote before it.
    """
    yield _csv_lines([[as_cell(name) for name in table.column_names]])
    for batch in table.to_batches(max_chunksize=CSV_BATCH_ROWS):
        yield _csv_lines(zip(*map(_cells, batch.columns), strict=True))


def as_cell(value: Any) -> Any:
    """A value as a cell that nothing computes: names and tags come from whoever is in the network.

    Shape: numbers stay as they are; so does a single "-", which stands for no value.
    """
    if isinstance(value, str) and value.startswith(_FORMULA_SIGNS) and value != "-":
        return f"'{value}"
    return value


def _cells(column: pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    is_number = types.is_integer(kind) or types.is_floating(kind)
    return values if is_number else [as_cell(value) for value in values]


def _csv_lines(rows: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _parquet(table: pa.Table) -> memoryview:
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return memoryview(sink.getvalue())


def _arrow(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    encoded = encoded_table(table)
    with pa.ipc.new_stream(sink, encoded.schema) as stream:
        stream.write_table(encoded)
    return memoryview(sink.getvalue())
