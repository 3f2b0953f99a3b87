"""The text kernel against its slow reference, on random and hostile bytes, in any pieces."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vpcflow.record.batch import Origin
from vpcflow.record.field_spec import FieldKind
from vpcflow.record.fields import FIELDS, FIELDS_BY_NAME
from vpcflow.record.log_format import LogFormat
from vpcflow.record.text import TextDecoder, encode_text
from vpcflow.record.text_reference import decode_reference

NUMBERS = [b"0", b"2", b"65535", b"65536", b"00042", b"9223372036854775807"]
NUMBERS += [b"9223372036854775808", b"99999999", b"123456789", b"1234567890123456"]
NUMBERS += [b"18446744073709551617", b"0" * 30 + b"7", b"340282366920938463463374607431768211456"]
ADDRESSES = [b"1.2.3.4", b"1.2.3.256", b"01.2.3.4", b"1.2.3", b"::", b"::1", b"1::", b":::"]
ADDRESSES += [b"2001:db8::1", b"1:2:3:4:5:6:7:8", b"1:2:3:4:5:6:7::", b"::2:3:4:5:6:7:8"]
ADDRESSES += [b"1:2:3:4:5:6:1.2.3.4", b"::ffff:1.2.3.4", b"fe80::1%e", b"12345::", b"ABCD::EF"]
WORDS = [b"-", b"ACCEPT", b"OK", b"eni-1235b8ca123456789", "é€😀".encode(), b"abcdefgh"]
NAMES = [b"version", b"action", b"${action}", b"srcaddr", b"interface-id", b"new-field", b"a-"]
HOSTILE = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\x00", b"\x7f", b"\xef\xbb\xbf"]
BREAKS = [b" ", b" ", b" ", b"\n", b"\n", b"\t", b"\r\n", b"\r", b"  ", b""]

FORMATS = [
    None,
    LogFormat(("action",)),
    LogFormat(("srcaddr", "dstport")),
    LogFormat(("interface-id", "action")),
    LogFormat(("packets", "new-field")),
    LogFormat(("x", "y", "bytes")),
]

pieces = st.one_of(
    st.sampled_from(BREAKS),
    st.sampled_from(NUMBERS + ADDRESSES + WORDS + NAMES),
    st.sampled_from(HOSTILE),
    st.binary(max_size=3),
)
hostile_bytes = st.one_of(
    st.binary(max_size=200),
    st.lists(pieces, max_size=60).map(b"".join),
    st.lists(
        st.lists(st.sampled_from(NUMBERS + ADDRESSES + WORDS + NAMES), max_size=3).map(b" ".join),
        max_size=20,
    ).map(b"\n".join),
)


def decode(
    data: bytes, log_format: LogFormat | None, cuts: list[int]
) -> tuple[list[Any], list[Any], int]:
    decoder = TextDecoder(Origin("file"), log_format)
    parts = []
    start = 0
    for cut in [*sorted(min(cut, len(data)) for cut in cuts), len(data)]:
        parts.append(decoder.feed(data[start:cut]))
        start = cut
        assert parts[-1].bytes_done == data[:start].rfind(b"\n") + 1
        assert parts[-1].lines_done == data[:start].count(b"\n")
    parts.append(decoder.finish())
    assert parts[-1].bytes_done == len(data)
    records, bad = [], []
    for part in parts:
        for batch in part.batches:
            batch.records.validate(full=True)
            columns = tuple(batch.records.schema.names)
            records += [(columns, tuple(row.values())) for row in batch.records.to_pylist()]
        for lines in part.bad:
            for i in range(len(lines)):
                assert lines.message(i)
                entry = (lines.line_numbers[i], lines.reasons[i], lines.fields[i])
                bad.append((*map(int, entry), lines.line(i), lines.lengths[i], lines.log_format))
    return records, bad, parts[-1].lines_done


@given(hostile_bytes, st.sampled_from(FORMATS), st.lists(st.integers(0, 200), max_size=4))
@settings(max_examples=400, deadline=None)
@example(b"action action\n- -\n", FORMATS[3], [])
@example(b"\xef\xbb\xbf\xef\xbb\xbfversion\n2\n", None, [1, 2, 3])
@example(b"1.2.3.4 1\r\r\n", FORMATS[2], [])
def test_the_kernel_agrees_with_the_reference(
    data: bytes, log_format: LogFormat | None, cuts: list[int]
) -> None:
    expected = decode_reference(data, log_format)
    records, bad, lines = decode(data, log_format, cuts)
    assert records == [(fmt.columns, values) for fmt, values in expected.records]
    assert bad == [
        (line.line_number, line.reason, line.field, line.data, line.length, line.log_format)
        for line in expected.bad
    ]
    assert lines == expected.lines


texts = st.text(
    st.characters(codec="utf-8", exclude_characters="".join(map(chr, range(33))) + "\x7f"),
    min_size=1,
    max_size=40,
).filter(lambda text: text != "-" and not text.startswith("\ufeff"))


def value_of(name: str) -> st.SearchStrategy[bytes]:
    """The canonical text of any value of a field, null often among them."""
    spec = FIELDS_BY_NAME.get(name)
    if spec is None or spec.kind is FieldKind.TEXT:
        known = spec.values if spec else ()
        values = st.one_of(texts, st.sampled_from(known)) if known else texts
        return st.one_of(st.just(b"-"), values.map(str.encode))
    if spec.kind is FieldKind.ADDRESS:
        addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).filter(
            lambda address: address.version == 4 or address.ipv4_mapped is None
        )
        return st.one_of(st.just(b"-"), addresses.map(lambda address: str(address).encode()))
    largest = 2**31 - 1 if spec.kind is FieldKind.INT32 else 2**63 - 1
    limit = spec.value_max if spec.value_max is not None else largest
    numbers = st.one_of(st.integers(0, limit), st.sampled_from([0, limit]))
    return st.one_of(st.just(b"-"), numbers.map(lambda number: b"%d" % number))


@st.composite
def objects(draw: st.DrawFn) -> tuple[LogFormat, list[bytes]]:
    """A format of any fields in any order, unknown ones too, and lines in it."""
    known = draw(st.lists(st.sampled_from([spec.name for spec in FIELDS]), min_size=1, unique=True))
    unknown = draw(st.lists(st.from_regex(r"zz-[a-z0-9]{1,8}", fullmatch=True), max_size=1))
    names = draw(st.permutations(known + unknown))
    line = st.tuples(*[value_of(name) for name in names]).map(b" ".join)
    return LogFormat(tuple(names)), draw(st.lists(line, max_size=8))


@given(objects())
@settings(max_examples=150, deadline=None)
def test_every_field_is_written_as_it_was_read(case: tuple[LogFormat, list[bytes]]) -> None:
    log_format, lines = case
    names = {name.encode() for name in log_format.names} | set(map(str.encode, FIELDS_BY_NAME))
    lines = [line for line in lines if not names & set(line.split(b" "))]  # may be a header
    data = b"".join(line + b"\n" for line in [log_format.header.encode(), *lines])
    decoder = TextDecoder(Origin("file"))
    decoded = decoder.feed(data)
    assert not decoded.bad
    assert decoder.log_format == log_format
    written = b"".join(encode_text(batch, log_format) for batch in decoded.batches)
    assert log_format.header.encode() + b"\n" + written == data


def test_every_field_alone_takes_its_bounds_and_keeps_null_apart() -> None:
    for spec in FIELDS:
        log_format = LogFormat((spec.name, "zz"))
        values = [b"-", b"0"]
        if spec.kind is FieldKind.ADDRESS:
            values = [b"-", b"0.0.0.0", b"::", b"255.255.255.255", b"ffff::ffff"]
        elif spec.kind is not FieldKind.TEXT:
            largest = 2**31 - 1 if spec.kind is FieldKind.INT32 else 2**63 - 1
            values.append(b"%d" % (largest if spec.value_max is None else spec.value_max))
        data = b"".join(value + b" x\n" for value in values)
        decoded = TextDecoder(Origin("file"), log_format).feed(data)
        (batch,) = decoded.batches
        assert encode_text(batch, log_format) == data, spec.name
        assert batch.records.column(0).null_count == 1
