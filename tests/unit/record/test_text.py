"""Plain text: samples byte for byte, headers, what users' files look like, bad lines."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from vpcflow.record.batch import Origin
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.reasons import FORMAT_HINT, LINE_BYTES_MAX, BadLineReason
from vpcflow.record.text import Decoded, TextDecoder, encode_text
from vpcflow.record.values import parse_address

GOLDEN = Path(__file__).parents[2] / "golden" / "flow_logs"
SAMPLES = sorted([*GOLDEN.glob("*.log"), *GOLDEN.glob("*.gz"), *GOLDEN.glob("*events.txt")])
HEADER = default_format().header.encode()
LINE = (
    b"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249"
    b" 1418530010 1418530070 ACCEPT OK"
)
NODATA = b"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"


def decode(data: bytes, log_format: LogFormat | None = None) -> Decoded:
    decoder = TextDecoder(Origin("file"), log_format)
    first, last = decoder.feed(data), decoder.finish()
    return Decoded(
        first.batches + last.batches, first.bad + last.bad, last.bytes_done, last.lines_done
    )


def rows(decoded: Decoded) -> list[dict[str, object]]:
    return [row for batch in decoded.batches for row in batch.records.to_pylist()]


def messages(decoded: Decoded) -> list[str]:
    return [bad.message(i) for bad in decoded.bad for i in range(len(bad))]


def reasons(decoded: Decoded) -> list[BadLineReason]:
    return [BadLineReason(int(reason)) for bad in decoded.bad for reason in bad.reasons]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_read_and_written_back_to_the_same_bytes(path: Path) -> None:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    decoder = TextDecoder(Origin("file"))
    decoded = decoder.feed(data)
    assert decoder.log_format is not None
    written = [encode_text(batch, decoder.log_format) for batch in decoded.batches]
    header = b"" if path.suffix == ".txt" else decoder.log_format.header.encode() + b"\n"
    assert not decoded.bad
    assert header + b"".join(written) == data
    assert decoded.bytes_done == len(data)
    assert decoded.lines_done == data.count(b"\n")


def test_there_are_all_the_samples() -> None:
    assert len(SAMPLES) == 16


def test_values_have_the_types_of_the_registry() -> None:
    (row,) = rows(decode(HEADER + b"\n" + LINE + b"\n"))
    assert row["version"] == 2
    assert row["account_id"] == "123456789010"
    assert row["srcaddr"] == parse_address("172.31.16.139")
    assert row["bytes"] == 4249
    assert row["action"] == "ACCEPT"


def test_a_dash_is_null_and_zero_is_a_value() -> None:
    log_format = LogFormat(("srcport", "packets", "srcaddr", "action"))
    nothing, zeros = rows(decode(b"- - - -\n0 0 0.0.0.0 0\n", log_format))
    assert list(nothing.values()) == [None] * 4
    assert list(zeros.values()) == [0, 0, parse_address("0.0.0.0"), "0"]
    batch = decode(b"- - - -\n0 0 0.0.0.0 0\n", log_format).batches[0]
    assert encode_text(batch, log_format) == b"- - - -\n0 0 0.0.0.0 0\n"
    assert [column.null_count for column in batch.records.columns] == [1] * 4


@pytest.mark.parametrize(
    "data",
    [
        HEADER + b"\r\n" + LINE + b"\r\n",
        b"\xef\xbb\xbf" + HEADER + b"\n" + LINE + b"\n",
        b"\n\n" + HEADER + b"\n \t \n" + LINE + b"\n\r\n",
        HEADER.replace(b" ", b"\t") + b"\n" + LINE.replace(b" ", b"\t") + b"\n",
        b"  " + HEADER + b"  \n  " + LINE.replace(b" ", b"  ") + b" \t\n",
        b" ".join(b"${%s}" % name for name in HEADER.split()) + b"\n" + LINE + b"\n",
        LINE + b"\n",
        HEADER + b"\n" + LINE,
        LINE + b"\r",
    ],
    ids=["crlf", "bom", "blank", "tabs", "spaces", "dollar", "no header", "no newline", "bare cr"],
)
def test_the_line_is_read_however_users_files_look(data: bytes) -> None:
    decoded = decode(data)
    if data.endswith(b"\r"):
        assert not decoded.bad
    (row,) = rows(decoded)
    assert row["dstport"] == 22
    assert row["log_status"] == "OK"
    assert messages(decoded) == []
    assert decoded.lines_done == data.count(b"\n") + (not data.endswith(b"\n"))
    assert decoded.bytes_done == len(data)


def test_unknown_fields_are_kept_as_text_under_their_name() -> None:
    (row,) = rows(decode(b"version next-thing srcport\n12 some%20value 0\n"))
    assert row == {"version": 12, "next_thing": "some%20value", "srcport": 0}


def test_joined_files_change_the_format_at_a_header() -> None:
    data = b"\n".join([HEADER, LINE, HEADER, NODATA, b"version srcport dstport", b"5 1 2", HEADER])
    decoder = TextDecoder(Origin("file"))
    decoded = decoder.feed(data + b"\n" + LINE + b"\n")
    assert not decoded.bad
    assert [batch.num_records for batch in decoded.batches] == [2, 1, 1]
    assert rows(decoded)[2] == {"version": 5, "srcport": 1, "dstport": 2}
    assert decoder.log_format == default_format()


def test_a_header_wins_over_the_format_that_was_given() -> None:
    decoded = decode(b"srcport dstport\n1 2\n", default_format())
    assert rows(decoded) == [{"srcport": 1, "dstport": 2}]


@pytest.mark.parametrize("data", [b"- - -\n", b"end eni-1 i-2\n", b"a b c\n"])
def test_a_record_of_text_is_not_taken_for_a_header(data: bytes) -> None:
    log_format = LogFormat(("interface-tag", "interface-id", "instance-id"))
    decoded = decode(data, log_format)
    assert encode_text(decoded.batches[0], log_format) == data


def test_a_column_of_words_is_not_taken_for_headers() -> None:
    decoded = decode(b"action\naction\nend\nstart\nACCEPT\n")
    assert [row["action"] for row in rows(decoded)] == ["end", "start", "ACCEPT"]


def test_the_header_of_a_format_without_numbers_is_skipped() -> None:
    decoded = decode(b"vpc-id action\nvpc-1 ACCEPT\n${vpc-id}  action \nsubnet-id action\na b\n")
    assert [list(row) for row in rows(decoded)] == [["vpc_id", "action"], ["subnet_id", "action"]]


def test_a_header_that_names_a_field_twice_is_one_bad_line() -> None:
    decoded = decode(b"version version srcaddr\n" + LINE + b"\n")
    assert reasons(decoded) == [BadLineReason.BAD_HEADER]
    assert len(rows(decoded)) == 1


def test_a_first_line_that_is_nothing_gives_the_default_format_and_a_hint() -> None:
    decoded = decode(b"# some comment\n" + LINE + b"\n")
    assert len(rows(decoded)) == 1
    (bad,) = decoded.bad
    assert bad.message(0) == "line 1: 3 fields, the default format has 14"
    assert bad.hint == FORMAT_HINT
    assert not decode(b"x\n", default_format()).bad[0].hint


@pytest.mark.parametrize(
    ("data", "reason", "message"),
    [
        (b"1 70000", BadLineReason.OUT_OF_RANGE, "dstport is 70000, more than 65535"),
        (b"99999999999999999999 1", BadLineReason.OUT_OF_RANGE, "more than 9223372036854775807"),
        (b"1 7x", BadLineReason.NOT_A_NUMBER, "dstport is 7x, not a decimal number"),
        (b"-1 7", BadLineReason.NOT_A_NUMBER, "bytes is -1, not a decimal number"),
        (b"1.5 7", BadLineReason.NOT_A_NUMBER, "bytes is 1.5"),
        (b"1 2 3", BadLineReason.TOO_MANY_FIELDS, "3 fields, the log format has 2"),
        (b"1", BadLineReason.TOO_FEW_FIELDS, "1 field, the log format has 2"),
        (b"1 \x00", BadLineReason.CONTROL_BYTE, "control byte 0x00 at position 3"),
        (b"1\r2", BadLineReason.CONTROL_BYTE, "control byte 0x0d"),
        (b"1 \xff", BadLineReason.NOT_UTF8, "not UTF-8"),
        (b"\xd9\xa1 1", BadLineReason.NOT_A_NUMBER, "not a decimal number"),
    ],
)
def test_a_bad_line_costs_that_line_and_says_why(
    data: bytes, reason: BadLineReason, message: str
) -> None:
    decoded = decode(b"bytes dstport\n1 1\n" + data + b"\n2 2\n")
    assert [row["bytes"] for row in rows(decoded)] == [1, 2]
    assert reasons(decoded) == [reason]
    assert messages(decoded)[0].startswith("line 3: ")
    assert message in messages(decoded)[0]
    assert decoded.bad[0].line(0) == data
    assert decoded.bad[0].lengths[0] == len(data)


@pytest.mark.parametrize(
    "text",
    [
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1..2.3",
        "1:2:3:4:5:6:7",
        ":::",
        "1::2::3",
        "12345::",
        "fe80::1%eth0",
        "1:2:3:4:5:6:7:8:9",
        "::1.2.3",
        "1.2.3.4:80",
        "g::",
        ":1::",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    decoded = decode(text.encode() + b" 1\n", LogFormat(("srcaddr", "dstport")))
    assert reasons(decoded) == [BadLineReason.NOT_AN_ADDRESS]
    assert decoded.bad[0].fields[0] == 0
    assert f"srcaddr is {text}, not an IPv4 or IPv6 address" in messages(decoded)[0]


def test_leading_zeros_are_read_and_not_written_again() -> None:
    log_format = LogFormat(("bytes", "dstport"))
    decoded = decode(b"007 " + b"0" * 40 + b"80\n", log_format)
    assert encode_text(decoded.batches[0], log_format) == b"7 80\n"


def test_the_end_of_a_file_that_still_grows_is_left() -> None:
    decoder = TextDecoder(Origin("file"))
    first = decoder.feed(HEADER + b"\n" + LINE + b"\n" + LINE[:50])
    left = decoder.finish(take_unterminated=False)
    assert sum(batch.num_records for batch in first.batches + left.batches) == 1
    assert left.bytes_done == first.bytes_done == len(HEADER) + len(LINE) + 2
    assert left.lines_done == 2


def test_a_resumed_decoder_goes_on_counting_lines() -> None:
    decoder = TextDecoder(Origin("file"), default_format(), line_number=41)
    decoded = decoder.feed(b"broken\n" + LINE + b"\n")
    assert messages(decoded) == ["line 42: 1 field, the log format has 14"]
    assert (decoded.bytes_done, decoded.lines_done) == (len(LINE) + 8, 43)


@pytest.mark.parametrize("piece_bytes", [100, 5_000, 65_536, 300_000])
def test_a_line_that_is_too_long_is_one_bad_line(piece_bytes: int) -> None:
    for length in (LINE_BYTES_MAX, LINE_BYTES_MAX + 1, 250_000):
        long_line = b"1 " + b"x" * (length - 2)
        data = b"dstport action\n1 a\n" + long_line + b"\n2 b\n"
        decoder = TextDecoder(Origin("file"))
        parts = [
            decoder.feed(memoryview(data)[start : start + piece_bytes])
            for start in range(0, len(data), piece_bytes)
        ]
        parts.append(decoder.finish())
        ports = [row["dstport"] for part in parts for row in rows(part)]
        bad = [bad for part in parts for bad in part.bad]
        assert parts[-1].lines_done == 4
        assert parts[-1].bytes_done == len(data)
        if length <= LINE_BYTES_MAX:
            assert ports == [1, 1, 2]
            assert not bad
        else:
            assert ports == [1, 2]
            assert bad[0].line(0) == long_line[:4096]
            assert bad[0].message(0) == f"line 3: {length} bytes, more than 65536"


def test_a_line_without_end_is_held_in_bounded_memory() -> None:
    decoder = TextDecoder(Origin("file"))
    piece = bytes(2**20)
    for _ in range(64):
        decoded = decoder.feed(piece)
        assert (decoded.bytes_done, decoded.lines_done) == (0, 0)
        assert len(decoder._held) <= LINE_BYTES_MAX + 1
    decoded = decoder.finish()
    assert messages(decoded) == [f"line 1: {64 * 2**20} bytes, more than 65536"]
    assert decoded.bytes_done == 64 * 2**20
    assert len(decoded.bad[0].data) == 4096


def test_nothing_is_nothing() -> None:
    assert decode(b"") == Decoded()
    assert decode(b"\n\r\n  \n").lines_done == 3
    assert not decode(b"\n\r\n  \n").batches
