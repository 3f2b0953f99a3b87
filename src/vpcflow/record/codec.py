"""Every encoding, both ways: which decoder reads a stream, and records as a stream again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from vpcflow.base.errors import RecordError
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.log_format import LogFormat
from vpcflow.record.sniff import Encoding

if TYPE_CHECKING:
    import pyarrow as pa

    from vpcflow.record.batch import FlowBatch, Origin
    from vpcflow.record.line_encoder import ColumnStyle
    from vpcflow.record.unwrap import Decoder


def make_decoder(
    encoding: Encoding,
    origin: Origin,
    log_format: LogFormat | None = None,
    *,
    line_number: int = 0,
    flow_log_id: str | None = None,
) -> Decoder:
    """The decoder of a stream encoding.

    Shape: ``log_format`` is for streams without a header; ``line_number`` is that of the last line
    done, for whoever reads on where another decoder stopped.
    Errors: RecordError for Parquet, which is no stream.
    """
    from vpcflow.record.text import TextDecoder

    if encoding is Encoding.TEXT:
        return TextDecoder(origin, log_format, line_number=line_number, flow_log_id=flow_log_id)
    from vpcflow.record.csv_lines import CsvDecoder, ExportDecoder
    from vpcflow.record.json_lines import JsonLinesDecoder, JsonStreamDecoder, MessageDecoder

    if encoding is Encoding.CSV:
        return CsvDecoder(origin, log_format, line_number=line_number, flow_log_id=flow_log_id)
    if encoding is Encoding.CLOUDWATCH_EXPORT:
        return ExportDecoder(origin, log_format, line_number=line_number, flow_log_id=flow_log_id)
    if encoding is Encoding.PARQUET:
        raise RecordError("Parquet is read from a file, not from a stream")
    resumes = line_number > 0

    def make_inner() -> Decoder:
        if encoding is Encoding.JSON_LINES:
            return JsonLinesDecoder(
                origin, log_format, line_number=line_number, flow_log_id=flow_log_id
            )
        return MessageDecoder(
            origin,
            log_format,
            line_number=line_number,
            flow_log_id=flow_log_id,
            only_messages=encoding is Encoding.FIREHOSE,
        )

    depth = 2 if encoding is Encoding.CLOUDWATCH_DOCUMENT else 1
    return JsonStreamDecoder(make_inner, depth=depth, resumes=resumes)


def encode(
    batches: Iterable[FlowBatch | pa.RecordBatch],
    encoding: Encoding,
    log_format: LogFormat,
    *,
    header: bool = True,
) -> bytes:
    """Print records in an encoding, byte for byte as AWS does where AWS has it.

    Shape: columns that a batch lacks are null; ``header`` counts for text and CSV alone. JSON keys
    are column names (``account_id``). The time of an export's line is ``start``, else ``end``.
    Errors: RecordError for CLOUDWATCH_DOCUMENT, which is only read, and for a column of no field.
    """
    if encoding is Encoding.PARQUET:
        from vpcflow.record.parquet import write_parquet

        stream = BytesIO()
        write_parquet(batches, stream, log_format)
        return stream.getvalue()
    if encoding is Encoding.CLOUDWATCH_DOCUMENT:
        raise RecordError("CloudWatch documents are only read, not written")
    parts = [_encode_batch(batch, encoding, log_format) for batch in batches]
    if header and encoding is Encoding.TEXT:
        parts.insert(0, log_format.header.encode() + b"\n")
    if header and encoding is Encoding.CSV:
        parts.insert(0, ",".join(log_format.names).encode() + b"\n")
    return b"".join(parts)


def _encode_batch(
    batch: FlowBatch | pa.RecordBatch, encoding: Encoding, log_format: LogFormat
) -> bytes:
    from vpcflow.record.batch import FlowBatch
    from vpcflow.record.line_encoder import ColumnStyle, encode_lines
    from vpcflow.record.text import encode_text

    if encoding is Encoding.TEXT:
        return encode_text(batch, log_format)
    records = batch.records if isinstance(batch, FlowBatch) else batch
    columns = _columns(records, log_format)
    before, after = b"", b"\n"
    if encoding is Encoding.CSV:
        columns = [_rewritten(column, _csv_value) for column in columns]
        styles = [ColumnStyle(b",", b"", b",-") for _ in columns]
        styles[0] = ColumnStyle(b"", b"", b"-")
    elif encoding is Encoding.JSON_LINES:
        columns = [_rewritten(column, _json_value) for column in columns]
        styles = _json_styles(log_format)
        before, after = b"{", b"}\n"
    else:
        styles = [ColumnStyle(b" ", b"", b" -") for _ in columns]
        styles[0] = ColumnStyle(b"", b"", b"-")
        if encoding is Encoding.FIREHOSE:
            columns = [_rewritten(column, _json_value) for column in columns]
            before, after = b'{"message":"', b'"}\n'
        else:
            plain = columns
            columns = [_rewritten(column, _doubled_quotes) for column in plain]
            # Quotes around the messages only where a value needs them: AWS's records never do.
            rewrote = any(new is not old for new, old in zip(columns, plain, strict=True))
            quote = b'"' if rewrote else b""
            after = quote + after
            columns.insert(0, _event_time(records))
            styles.insert(0, ColumnStyle(b"", b"000," + quote, b"0," + quote))
    return encode_lines(columns, styles, records.num_rows, line_before=before, line_after=after)


def _columns(records: pa.RecordBatch, log_format: LogFormat) -> list[pa.Array | None]:
    """The columns in the format's order, their texts as they may stand in a line."""
    from vpcflow.record.text import printable_column

    held = set(records.schema.names)
    return [
        printable_column(records.column(name)) if name in held else None
        for name in log_format.columns
    ]


def _json_styles(log_format: LogFormat) -> list[ColumnStyle]:
    from vpcflow.record.line_encoder import ColumnStyle

    styles = []
    for index, (column, kind) in enumerate(zip(log_format.columns, log_format.kinds, strict=True)):
        key = f'{"," if index else ""}"{column}":'.encode()
        quote = b"" if kind in (FieldKind.INT32, FieldKind.INT64) else b'"'
        styles.append(ColumnStyle(key + quote, quote, key + b"null"))
    return styles


def _event_time(records: pa.RecordBatch) -> pa.Array | None:
    """The time of the log event in seconds: ``start``, where it is null ``end``."""
    import pyarrow.compute as pc

    held = [records.column(name) for name in ("start", "end") if name in records.schema.names]
    return pc.coalesce(*held) if held else None


def _rewritten(column: pa.Array | None, rewrite: Callable[[str], str]) -> pa.Array | None:
    """A text column with each different value rewritten; other columns as they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column is None or not pa.types.is_dictionary(column.type):
        return column
    values = column.dictionary
    if not pc.any(pc.match_substring_regex(values, r'[",\\]')).as_py():
        return column
    rewritten = [value if value is None else rewrite(value) for value in values.to_pylist()]
    return pa.DictionaryArray.from_arrays(column.indices, pa.array(rewritten, pa.string()))


def _doubled_quotes(value: str) -> str:
    return value.replace('"', '""')


def _csv_value(value: str) -> str:
    return f'"{_doubled_quotes(value)}"' if "," in value or '"' in value else value


def _json_value(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
