"""Every encoding both ways: samples byte for byte, any values, any chunks, any place to resume."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vpcflow.base.errors import RecordError
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.codec import encode, make_decoder
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS, FIELDS_BY_NAME
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.parquet import decode_parquet
from vpcflow.record.sniff import Encoding, sniff
from vpcflow.record.text import Decoded
from vpcflow.record.values import parse_address

GOLDEN = Path(__file__).parents[2] / "golden" / "flow_logs"
ORIGIN = Origin("file", "x")
WRITTEN = [encoding for encoding in Encoding if encoding is not Encoding.CLOUDWATCH_DOCUMENT]
WRITTEN_STREAMS = [encoding for encoding in WRITTEN if encoding is not Encoding.PARQUET]
SELF_DESCRIBING = (Encoding.TEXT, Encoding.CSV, Encoding.JSON_LINES, Encoding.PARQUET)


def read_stream(
    data: bytes, encoding: Encoding, log_format: LogFormat | None = None, chunk: int = 1 << 20
) -> Decoded:
    decoder = make_decoder(encoding, ORIGIN, log_format)
    parts = [decoder.feed(data[i : i + chunk]) for i in range(0, len(data), chunk)]
    parts.append(decoder.finish())
    return joined(parts)


def read(data: bytes, encoding: Encoding, log_format: LogFormat | None) -> Decoded:
    if encoding is not Encoding.PARQUET:
        given_format = None if encoding in SELF_DESCRIBING else log_format
        return read_stream(data, encoding, given_format)
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return joined(list(decode_parquet(file.name, ORIGIN)))


def joined(parts: list[Decoded]) -> Decoded:
    return Decoded(
        [batch for part in parts for batch in part.batches],
        [bad for part in parts for bad in part.bad],
        parts[-1].bytes_done,
        parts[-1].lines_done,
    )


def rows(batches: Iterable[FlowBatch]) -> list[dict[str, object]]:
    return [row for batch in batches for row in batch.records.to_pylist()]


def records_of(log_format: LogFormat, values: list[list[object]]) -> pa.RecordBatch:
    columns = zip(*values, strict=True)
    kinds = [kind.arrow_type for kind in log_format.kinds]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=list(log_format.columns))


def values_of(name: str) -> st.SearchStrategy[object]:
    spec = FIELDS_BY_NAME.get(name)
    kind = spec.kind if spec else FieldKind.TEXT
    if kind is FieldKind.ADDRESS:
        four = st.ip_addresses(v=4).map(lambda a: parse_address(str(a)))
        return st.none() | four | st.binary(min_size=16, max_size=16)
    if kind is FieldKind.TEXT:
        letters = st.characters(min_codepoint=33, exclude_characters="\x7f", codec="utf-8")
        word = st.text(letters, min_size=1, max_size=12)
        word = word.filter(lambda text: text not in ("-", "None") and not text.isspace())
        return st.none() | word.filter(lambda text: not any(c.isspace() for c in text))
    high = 2**31 - 1 if kind is FieldKind.INT32 else 2**63 - 1
    if spec and spec.value_max is not None:
        high = min(high, spec.value_max)
    return st.none() | st.just(0) | st.just(high) | st.integers(0, high)


@st.composite
def record_batches(draw: st.DrawFn) -> tuple[LogFormat, pa.RecordBatch]:
    known = [spec.name for spec in FIELDS]
    names = draw(st.lists(st.sampled_from(known), min_size=2, max_size=8, unique=True))
    if draw(st.booleans()):
        names.append("new-field-of-aws")
    log_format = LogFormat(tuple(names))
    rows = st.tuples(*[values_of(name) for name in names]).map(list)
    return log_format, records_of(log_format, draw(st.lists(rows, min_size=1, max_size=5)))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("encoding", WRITTEN)
@given(batch=record_batches())
def test_what_is_written_is_read_again(
    encoding: Encoding, batch: tuple[LogFormat, pa.RecordBatch]
) -> None:
    log_format, records = batch
    decoded = read(encode([records], encoding, log_format), encoding, log_format)
    assert not decoded.bad
    assert rows(decoded.batches) == records.to_pylist()


@pytest.mark.parametrize("encoding", WRITTEN)
@pytest.mark.parametrize("spec", FIELDS, ids=lambda spec: spec.name)
def test_null_and_zero_are_two_things_in_every_field(encoding: Encoding, spec: object) -> None:
    name = spec.name  # type: ignore[attr-defined]
    other = "version" if name != "version" else "start"
    zero = {FieldKind.TEXT: "0", FieldKind.ADDRESS: bytes(16)}.get(FIELDS_BY_NAME[name].kind, 0)
    log_format = LogFormat((other, name))
    records = records_of(log_format, [[2, None], [2, zero], [None, None], [0, zero]])
    decoded = read(encode([records], encoding, log_format), encoding, log_format)
    assert rows(decoded.batches) == records.to_pylist()


@pytest.mark.parametrize("name", ["user-firehose.jsonl", "user-cloudwatch-export.csv"])
def test_a_wrapped_sample_is_written_back_to_the_same_bytes(name: str) -> None:
    data = (GOLDEN / name).read_bytes()
    encoding = sniff(data)
    assert encoding is not None
    decoded = read_stream(data, encoding)
    assert not decoded.bad
    assert encode(decoded.batches, encoding, default_format()) == data
    assert (decoded.bytes_done, decoded.lines_done) == (len(data), 1)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.log")), ids=lambda path: path.name)
@pytest.mark.parametrize("encoding", WRITTEN)
def test_every_sample_goes_through_every_encoding(path: Path, encoding: Encoding) -> None:
    decoder = make_decoder(Encoding.TEXT, ORIGIN)
    text = joined([decoder.feed(path.read_bytes()), decoder.finish()])
    assert decoder.log_format is not None
    data = encode(text.batches, encoding, decoder.log_format)
    assert sniff(data) is encoding
    decoded = read(data, encoding, decoder.log_format)
    assert rows(decoded.batches) == rows(text.batches)
    if encoding is not Encoding.PARQUET:
        again = encode(decoded.batches, encoding, decoder.log_format)
        assert again == data


def mixed(encoding: Encoding) -> tuple[bytes, LogFormat]:
    """A stream with good, bad, blank, long and unterminated lines."""
    log_format = LogFormat(("version", "srcaddr", "srcport", "flow-direction"))
    good = [[2, parse_address("10.0.0.1"), port, "ingress"] for port in range(9)]
    lines = encode([records_of(log_format, good)], encoding, log_format).splitlines(keepends=True)
    bad = lines[-1].replace(b"10.0.0.1", b"10.0.0.300")
    lines[3:3] = [b"\n", bad, b'\x00\xff{{"\n', b"x" * 70_000 + b"\n", b"\r\n", bad]
    return b"".join(lines).removesuffix(b"\n"), log_format


@pytest.mark.parametrize("encoding", WRITTEN_STREAMS)
@pytest.mark.parametrize("chunk", [1, 7, 1_000, 65_536])
def test_chunks_do_not_matter(encoding: Encoding, chunk: int) -> None:
    data, log_format = mixed(encoding)
    if chunk == 1:
        data = data.replace(b"x" * 70_000, b"x" * 70)
    given_format = None if encoding in SELF_DESCRIBING else log_format
    whole = read_stream(data, encoding, given_format)
    parts = read_stream(data, encoding, given_format, chunk)
    assert rows(parts.batches) == rows(whole.batches)
    assert len(rows(whole.batches)) == 9
    numbers = [bad.message(i) for bad in whole.bad for i in range(len(bad))]
    assert sorted(bad.message(i) for bad in parts.bad for i in range(len(bad))) == sorted(numbers)
    assert len(numbers) == 4
    assert (parts.bytes_done, parts.lines_done) == (whole.bytes_done, whole.lines_done)
    assert whole.bytes_done == len(data)
    assert whole.lines_done == data.count(b"\n") + 1


@pytest.mark.parametrize("encoding", WRITTEN_STREAMS)
def test_a_stream_is_read_on_from_every_safe_place(encoding: Encoding) -> None:
    data, log_format = mixed(encoding)
    given_format = None if encoding in SELF_DESCRIBING else log_format
    whole = read_stream(data, encoding, given_format)
    for cut in range(0, 1_200, 83):
        first = make_decoder(encoding, ORIGIN, given_format)
        head = joined([first.feed(data[:cut]), first.finish(take_unterminated=False)])
        second = make_decoder(encoding, ORIGIN, first.log_format, line_number=head.lines_done)
        tail = joined([second.feed(data[head.bytes_done :]), second.finish()])
        assert head.bytes_done <= cut
        assert rows(head.batches) + rows(tail.batches) == rows(whole.batches)
        assert tail.lines_done == whole.lines_done
        numbers = [n for bad in head.bad + tail.bad for n in bad.line_numbers.tolist()]
        assert sorted(numbers) == sorted(n for bad in whole.bad for n in bad.line_numbers.tolist())


@pytest.mark.parametrize("encoding", [*WRITTEN_STREAMS, Encoding.CLOUDWATCH_DOCUMENT])
@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=300)
    | st.text('{}[],:"\\n \n0123nulmesagvrio', max_size=200).map(str.encode)
)
def test_hostile_bytes_are_bad_lines_and_nothing_else(encoding: Encoding, data: bytes) -> None:
    decoded = read_stream(data, encoding, default_format())
    assert decoded.bytes_done <= len(data)
    good, bad = len(rows(decoded.batches)), sum(len(bad) for bad in decoded.bad)
    assert good + bad <= decoded.lines_done
    for lines in decoded.bad:
        assert all(lines.message(i) for i in range(len(lines)))
        assert all(1 <= number <= decoded.lines_done for number in lines.line_numbers.tolist())


def test_parquet_is_no_stream_and_documents_are_only_read() -> None:
    with pytest.raises(RecordError):
        make_decoder(Encoding.PARQUET, ORIGIN)
    with pytest.raises(RecordError):
        encode([], Encoding.CLOUDWATCH_DOCUMENT, default_format())


def test_an_empty_stream_of_records_is_still_a_file() -> None:
    assert encode([], Encoding.TEXT, default_format()) == default_format().header.encode() + b"\n"
    assert encode([], Encoding.FIREHOSE, default_format()) == b""
    table = pa.parquet.read_table(io.BytesIO(encode([], Encoding.PARQUET, default_format())))
    assert table.num_rows == 0
