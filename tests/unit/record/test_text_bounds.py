"""What the decoder does at its bounds: dictionaries, rows of a batch, many bad lines."""

from __future__ import annotations

import pytest

from vpcflow.record.batch import BATCH_RECORDS_MAX, Origin
from vpcflow.record.log_format import LogFormat
from vpcflow.record.reasons import LINE_BYTES_MAX
from vpcflow.record.text import FORMATS_KEPT_MAX, Decoded, TextDecoder
from vpcflow.record.text_columns import DICTIONARY_BYTES_MAX, DICTIONARY_VALUES_MAX
from vpcflow.record.text_reference import decode_reference

TWO = LogFormat(("dstport", "instance-id"))


def decode(data: bytes, log_format: LogFormat, piece_bytes: int = 2**22) -> Decoded:
    decoder = TextDecoder(Origin("file"), log_format)
    parts = [
        decoder.feed(data[start : start + piece_bytes])
        for start in range(0, len(data), piece_bytes)
    ]
    parts.append(decoder.finish())
    return Decoded(
        [batch for part in parts for batch in part.batches],
        [bad for part in parts for bad in part.bad],
        parts[-1].bytes_done,
        parts[-1].lines_done,
    )


@pytest.mark.parametrize("piece_bytes", [10_000, 2**22])
def test_more_values_than_one_dictionary_holds(piece_bytes: int) -> None:
    count = 3 * DICTIONARY_VALUES_MAX
    lines = [b"%d i-%x" % (i % 65_536, i // 2) for i in range(count)]
    decoded = decode(b"\n".join(lines), TWO, piece_bytes)
    seen = 0
    for batch in decoded.batches:
        column = batch.records.column(1)
        assert len(column.dictionary) <= DICTIONARY_VALUES_MAX + BATCH_RECORDS_MAX
        assert column.to_pylist() == [
            f"i-{i // 2:x}" for i in range(seen, seen + batch.num_records)
        ]
        seen += batch.num_records
    assert seen == count
    assert not decoded.bad


def test_long_values_are_bounded_in_bytes() -> None:
    words = [b"%05d" % i + b"x" * 60_000 for i in range(600)]
    decoded = decode(b"\n".join(b"1 " + word for word in words), TWO, 2**26)
    assert len(decoded.batches) > 1
    for batch in decoded.batches:
        text = batch.records.column(1).dictionary.buffers()[2]
        assert text.size <= 2 * DICTIONARY_BYTES_MAX + 100_000
    values = [value for batch in decoded.batches for value in batch.records.column(1).to_pylist()]
    assert values == [word.decode() for word in words]


def test_a_batch_that_is_kept_does_not_change_when_more_is_read() -> None:
    decoder = TextDecoder(Origin("file"), TWO)
    first = decoder.feed(b"".join(b"%d i-%d\n" % (i, i) for i in range(100))).batches[0]
    for start in range(100, 5_000, 100):
        decoder.feed(b"".join(b"1 i-%d\n" % i for i in range(start, start + 100)))
    assert first.records.column(1).to_pylist() == [f"i-{i}" for i in range(100)]
    assert len(first.records.column(1).dictionary) == 100


def test_batches_are_full_and_never_more_than_full() -> None:
    count = 2 * BATCH_RECORDS_MAX + 5
    decoded = decode(b"1 a\n" * count, TWO)
    sizes = [batch.num_records for batch in decoded.batches]
    assert max(sizes) <= BATCH_RECORDS_MAX
    assert len(sizes) <= 4
    assert sum(batch.num_records for batch in decoded.batches) == count


def test_a_piece_of_bad_lines_alone_keeps_every_one() -> None:
    count = 150_000
    decoded = decode(b"".join(b"x%d\n" % i for i in range(count)), TWO)
    assert sum(len(bad) for bad in decoded.bad) == count
    numbers = [int(number) for bad in decoded.bad for number in bad.line_numbers]
    assert numbers == list(range(1, count + 1))
    last = decoded.bad[-1]
    assert last.line(len(last) - 1) == b"x%d" % (count - 1)
    assert not decoded.batches


def test_bad_lines_among_good_ones_leave_no_trace_in_the_columns() -> None:
    data = b"".join(b"- -\n- - -\n- x y\n7 i-%d\nz -\n" % (i % 3) for i in range(3_000))
    decoded = decode(data, TWO)
    rows = [row for batch in decoded.batches for row in batch.records.to_pylist()]
    assert rows[0::2] == [{"dstport": None, "instance_id": None}] * 3_000
    assert rows[1::2] == [{"dstport": 7, "instance_id": f"i-{i % 3}"} for i in range(3_000)]
    assert sum(len(bad) for bad in decoded.bad) == 9_000
    assert all(
        batch.records.column(0).null_count == batch.num_records // 2 for batch in decoded.batches
    )


def test_formats_that_come_and_go_are_kept_in_bounded_number() -> None:
    decoder = TextDecoder(Origin("file"))
    for _ in range(3):
        for index in range(2 * FORMATS_KEPT_MAX):
            decoded = decoder.feed(b"action bytes zz%d\nACCEPT 1 v%d\n" % (index, index))
            (batch,) = decoded.batches
            assert batch.records.to_pylist() == [
                {"action": "ACCEPT", "bytes": 1, f"zz{index}": f"v{index}"}
            ]
            assert len(decoder._formats) <= FORMATS_KEPT_MAX


def test_one_byte_at_a_time_is_the_same() -> None:
    data = b"dstport instance-id\n1 a\r\n\n- -\nbad\n65535 b"
    whole = decode(data, TWO)
    slow = decode(data, TWO, 1)
    rows = [row for batch in slow.batches for row in batch.records.to_pylist()]
    assert rows == whole.batches[0].records.to_pylist() + whole.batches[1].records.to_pylist()
    assert [bad.message(0) for bad in slow.bad] == [bad.message(0) for bad in whole.bad]
    assert (slow.bytes_done, slow.lines_done) == (len(data), 6)


@pytest.mark.parametrize("over", [-1, 0, 1, 5_000])
@pytest.mark.parametrize("kind", ["blank", "record", "crlf", "header", "bytes"])
def test_the_longest_line_is_the_same_in_one_piece_and_in_many(kind: str, over: int) -> None:
    length = LINE_BYTES_MAX + over
    line = {
        "blank": b" " * length,
        "record": b"1 " + b"x" * (length - 2),
        "crlf": b"1 " + b"x" * (length - 3) + b"\r",
        "header": b"dstport" + b" " * (length - 13) + b"action",
        "bytes": b"\xff" * length,
    }[kind]
    data = b"1 a\n" + line + b"\n2 b\n"
    expected = decode_reference(data, TWO)
    for piece_bytes in (len(data), 70_000, 997):
        decoded = decode(data, TWO, piece_bytes)
        rows = [
            tuple(row.values()) for batch in decoded.batches for row in batch.records.to_pylist()
        ]
        assert rows == [values for _, values in expected.records]
        assert [(bad.reasons[0], bad.lengths[0], bad.line(0)) for bad in decoded.bad] == [
            (bad.reason, bad.length, bad.data) for bad in expected.bad
        ]
