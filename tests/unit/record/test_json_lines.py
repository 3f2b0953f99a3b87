"""JSON streams: keys in any spelling, formats that grow, Firehose and CloudWatch documents."""

from __future__ import annotations

import json

import pytest

from vpcflow.record.batch import Origin
from vpcflow.record.codec import make_decoder
from vpcflow.record.json_kernels import KEYS_MAX
from vpcflow.record.log_format import FORMAT_FIELDS_MAX, LogFormat
from vpcflow.record.reasons import LINE_BYTES_MAX, BadLineReason
from vpcflow.record.sniff import Encoding
from vpcflow.record.text import Decoded
from vpcflow.record.unwrap import Decoder
from vpcflow.record.values import parse_address

RECORD = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 {} 6 3 4 5 6 ACCEPT OK"


def read(
    text: str, encoding: Encoding = Encoding.JSON_LINES, chunk: int = 1 << 20
) -> tuple[Decoded, Decoder]:
    decoder = make_decoder(encoding, Origin("file"))
    data = text.encode()
    parts = [decoder.feed(data[i : i + chunk]) for i in range(0, len(data), chunk)]
    parts.append(decoder.finish())
    batches = [batch for part in parts for batch in part.batches]
    bad = [bad for part in parts for bad in part.bad]
    return Decoded(batches, bad, parts[-1].bytes_done, parts[-1].lines_done), decoder


def rows(decoded: Decoded) -> list[dict[str, object]]:
    return [row for batch in decoded.batches for row in batch.records.to_pylist()]


def faults(decoded: Decoded) -> list[tuple[int, BadLineReason]]:
    return [
        (int(number), BadLineReason(int(reason)))
        for bad in decoded.bad
        for number, reason in zip(bad.line_numbers, bad.reasons, strict=True)
    ]


@pytest.mark.parametrize(
    "key", ["account_id", "account-id", "accountId", "Account_ID", "ACCOUNT-ID", "${account-id}"]
)
def test_a_key_is_a_field_in_any_spelling(key: str) -> None:
    decoded, _ = read(json.dumps({key: "001607371330", "srcport": 22}))
    assert rows(decoded) == [{"account_id": "001607371330", "srcport": 22}]


def test_numbers_may_be_text_and_text_numbers() -> None:
    decoded, _ = read('{"account_id":12345678910,"srcport":"443","dstport":80.0,"bytes":null}')
    row = {"account_id": "012345678910", "srcport": 443, "dstport": 80, "bytes": None}
    assert rows(decoded) == [row]


def test_null_words_and_empty_text_are_null_but_zero_is_not() -> None:
    keys = ["srcport", "dstport", "protocol", "packets", "bytes", "action"]
    values = [None, "-", "", "None", 0, "-"]
    decoded, _ = read(json.dumps(dict(zip(keys, values, strict=True))))
    assert rows(decoded) == [dict.fromkeys(keys) | {"bytes": 0}]


def test_the_format_is_the_union_of_the_keys() -> None:
    decoded, decoder = read(
        '{"srcport":1,"dstport":2}\n{"dstport":3,"action":"ACCEPT","srcport":4}\n{"srcport":5}\n'
    )
    assert decoder.log_format == LogFormat(("srcport", "dstport", "action"))
    assert rows(decoded) == [
        {"srcport": 1, "dstport": 2},
        {"srcport": 4, "dstport": 3, "action": "ACCEPT"},
        {"srcport": 5, "dstport": None, "action": None},
    ]


def test_an_unknown_key_is_kept_as_text_beside_a_known_one() -> None:
    decoded, _ = read('{"srcport":1,"Cost Centre":"a b","more":{"x":[1]}}\n{"other":1}\n')
    assert rows(decoded) == [{"srcport": 1, "cost_centre": "a%20b", "more": '{"x":[1]}'}]
    assert faults(decoded) == [(2, BadLineReason.NO_KNOWN_FIELD)]


def test_one_bad_line_costs_that_line_only() -> None:
    good = '{"srcport":1,"srcaddr":"10.0.0.1"}\n'
    lines = [
        good,
        '{"srcport":1,"srcaddr"\n',
        "[1,2]\n",
        good,
        '{"srcport":70000}\n',
        '{"srcport":1,"srcPort":2}\n',
        '{"srcaddr":"10.0.0. 1"}\n',
        '{"srcport":{"a":1}}\n',
        "\n",
        good,
    ]
    decoded, _ = read("".join(lines))
    assert len(rows(decoded)) == 3
    assert sorted(faults(decoded)) == [
        (2, BadLineReason.NOT_JSON),
        (3, BadLineReason.NOT_JSON),
        (5, BadLineReason.OUT_OF_RANGE),
        (6, BadLineReason.FIELD_TWICE),
        (7, BadLineReason.SPACE_IN_VALUE),
        (8, BadLineReason.WRONG_TYPE),
    ]
    assert decoded.lines_done == len(lines)
    kept = {int(bad.line_numbers[i]): bad.line(i) for bad in decoded.bad for i in range(len(bad))}
    assert kept[2] == b'{"srcport":1,"srcaddr"'


@pytest.mark.parametrize(
    "text",
    [
        '[{"srcport":1},{"srcport":2},{"srcport":3}]',
        '[\n{"srcport":1},\n{"srcport":2},\n{"srcport":3}\n]\n',
        '{"srcport":1}{"srcport":2} {"srcport":3}',
        '{\n  "srcport": 1\n}\n{\n  "srcport": 2\n}\n{\n  "srcport": 3\n}\n',
        '[\n  {\n    "srcport": 1\n  },\n  {\n    "srcport": 2\n  },\n  {\n    "srcport": 3\n  }\n]',
    ],
)
@pytest.mark.parametrize("chunk", [3, 1 << 20])
def test_objects_are_found_however_they_are_laid_out(text: str, chunk: int) -> None:
    decoded, _ = read(text, chunk=chunk)
    assert rows(decoded) == [{"srcport": port} for port in (1, 2, 3)]
    assert not decoded.bad


def test_a_broken_object_among_printed_ones_leaves_its_neighbours() -> None:
    good = '{\n  "srcport": 1,\n  "action": "ACCEPT"\n}\n'
    decoded, _ = read(good + '{\n  "srcport": 2,\n  "action": "ACC\n}\n' + good + good)
    assert rows(decoded) == [{"srcport": 1, "action": "ACCEPT"}] * 3
    assert decoded.bad


def test_a_flood_of_keys_is_bounded() -> None:
    lines = [json.dumps({"srcport": 1, f"k{i}": i}) for i in range(FORMAT_FIELDS_MAX + 40)]
    lines += [json.dumps({f"j{i}": 1}) for i in range(KEYS_MAX)]
    lines.append('{"srcport":2,"dstport":3}')
    decoded, decoder = read("\n".join(lines))
    assert decoder.log_format is not None
    assert len(decoder.log_format.names) == FORMAT_FIELDS_MAX
    assert len(rows(decoded)) == FORMAT_FIELDS_MAX - 1
    assert len(rows(decoded)) + len(faults(decoded)) == len(lines)


def test_a_record_of_field_names_does_not_change_the_format() -> None:
    head = '{"srcaddr":"srcaddr","dstaddr":"dstaddr"}\n{"dstaddr":"srcaddr","srcaddr":"dstaddr"}\n'
    decoded, decoder = read(head + '{"srcaddr":"10.0.0.1","dstaddr":"10.0.0.2"}\n')
    assert decoder.log_format == LogFormat(("srcaddr", "dstaddr"))
    assert decoded.lines_done == 3


def test_firehose_records_need_no_newline_between() -> None:
    objects = [json.dumps({"message": RECORD.format(port)}) for port in range(3_000)]
    for between in ("", "\n", " ", "\r\n"):
        decoded, _ = read(between.join(objects), Encoding.FIREHOSE, chunk=10_007)
        assert [row["dstport"] for row in rows(decoded)] == list(range(3_000))
        assert decoded.lines_done == 3_000
        assert not decoded.bad


def test_firehose_messages_are_judged_as_lines() -> None:
    messages = [RECORD.format(80) + "\n", RECORD.format(70_000), "a\nb", "", 7, None]
    text = "\n".join(json.dumps({"message": message}) for message in messages)
    decoded, _ = read(text + '\n{"data":"x"}\n', Encoding.FIREHOSE)
    assert [row["dstport"] for row in rows(decoded)] == [80]
    assert sorted(faults(decoded)) == [
        (2, BadLineReason.OUT_OF_RANGE),
        (3, BadLineReason.SPACE_IN_VALUE),
        (5, BadLineReason.NO_MESSAGE),
        (6, BadLineReason.NO_MESSAGE),
        (7, BadLineReason.NO_MESSAGE),
    ]
    assert decoded.lines_done == 7


def test_a_header_inside_firehose_messages_sets_the_format() -> None:
    text = '{"message":"srcaddr dstport"}\n{"message":"10.0.0.9 53"}\n'
    decoded, _ = read(text, Encoding.FIREHOSE)
    assert rows(decoded) == [{"srcaddr": parse_address("10.0.0.9"), "dstport": 53}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [5, 1 << 20])
@pytest.mark.parametrize("key", ["logEvents", "events"])
def test_cloudwatch_documents_hold_messages(key: str, indent: int | None, chunk: int) -> None:
    def document(ports: range) -> str:
        events = [{"id": "1", "timestamp": 1, "message": RECORD.format(port)} for port in ports]
        rest = {"searchedLogStreams": [{"logStreamName": "a", "searchedCompletely": True}]}
        return json.dumps({"owner": "1", key: events} | rest, indent=indent)

    text = document(range(5)) + "\n" + document(range(5, 9))
    decoded, _ = read(text, Encoding.CLOUDWATCH_DOCUMENT, chunk)
    assert [row["dstport"] for row in rows(decoded)] == list(range(9))
    assert not decoded.bad
    assert decoded.bytes_done == len(text)


def test_a_document_is_read_on_in_its_middle() -> None:
    events = [{"message": RECORD.format(port)} for port in range(20)]
    data = json.dumps({"logEvents": events}).encode()
    first = make_decoder(Encoding.CLOUDWATCH_DOCUMENT, Origin("file"))
    head = [first.feed(data[:1_000]), first.finish(take_unterminated=False)]
    done = head[-1].bytes_done
    second = make_decoder(
        Encoding.CLOUDWATCH_DOCUMENT,
        Origin("file"),
        first.log_format,
        line_number=head[-1].lines_done,
    )
    tail = [second.feed(data[done:]), second.finish()]
    ports = [row["dstport"] for part in head + tail for row in rows(part)]
    assert 0 < done <= 1_000
    assert ports == list(range(20))


def test_a_line_without_end_is_skipped_in_bounded_memory() -> None:
    good = '{"srcport":1}\n'
    long = '{"srcport":' + "1" * (3 * LINE_BYTES_MAX) + "}\n"
    decoded, _ = read(good + long + good, chunk=50_000)
    assert len(rows(decoded)) == 2
    assert faults(decoded) == [(2, BadLineReason.TOO_LONG)]
    assert int(decoded.bad[0].lengths[0]) == len(long) - 1


@pytest.mark.parametrize("length", range(1, 20))
def test_an_open_string_ends_with_its_line(length: int) -> None:
    text = f'{{"action":"{"A" * length}\n{{"action":"OK","srcport":1}}\n'
    decoded, _ = read(text)
    assert [row["srcport"] for row in rows(decoded)] == [1]
    assert faults(decoded) == [(1, BadLineReason.NOT_JSON)]
