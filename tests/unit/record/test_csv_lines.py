"""CSV of records, and CloudWatch exports."""

from __future__ import annotations

import pytest

from vpcflow.record.batch import Origin
from vpcflow.record.csv_lines import CsvDecoder, ExportDecoder
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.reasons import BadLineReason
from vpcflow.record.text import Decoded
from vpcflow.record.unwrap import UnwrappingDecoder
from vpcflow.record.values import parse_address

RECORD = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 {} 6 3 4 5 6 ACCEPT OK"


def read(decoder: UnwrappingDecoder, text: str) -> Decoded:
    first, last = decoder.feed(text.encode()), decoder.finish()
    return Decoded(
        first.batches + last.batches, first.bad + last.bad, last.bytes_done, last.lines_done
    )


def rows(decoded: Decoded) -> list[dict[str, object]]:
    return [row for batch in decoded.batches for row in batch.records.to_pylist()]


def faults(decoded: Decoded) -> list[tuple[int, BadLineReason]]:
    return [
        (int(number), BadLineReason(int(reason)))
        for bad in decoded.bad
        for number, reason in zip(bad.line_numbers, bad.reasons, strict=True)
    ]


def test_a_header_names_the_fields_in_any_spelling() -> None:
    decoder = CsvDecoder(Origin("file"))
    decoded = read(decoder, '"accountId","SrcPort", log_status ,Cost Centre\r\n1,2,OK,a b\r\n')
    assert decoder.log_format == LogFormat(("account-id", "srcport", "log-status", "cost-centre"))
    row = {"account_id": "1", "srcport": 2, "log_status": "OK", "cost_centre": "a%20b"}
    assert rows(decoded) == [row]
    assert decoded.lines_done == 2


def test_without_a_header_the_format_is_the_given_or_the_default_one() -> None:
    line = RECORD.format(80).replace(" ", ",") + "\n"
    decoder = CsvDecoder(Origin("file"))
    assert rows(read(decoder, line))[0]["dstport"] == 80
    assert decoder.log_format == default_format()
    given = CsvDecoder(Origin("file"), LogFormat(("srcport", "action")))
    assert rows(read(given, "7,ACCEPT\n")) == [{"srcport": 7, "action": "ACCEPT"}]


def test_empty_and_minus_are_null_and_zero_is_zero() -> None:
    text = "srcport,dstport,srcaddr,action\n,-,,\n0,0.0,None,-\nNaN,null,nan,REJECT\n"
    decoded = read(CsvDecoder(Origin("file")), text)
    null = {"srcport": None, "dstport": None, "srcaddr": None, "action": None}
    assert rows(decoded) == [
        null,
        null | {"srcport": 0, "dstport": 0},
        null | {"action": "REJECT"},
    ]


def test_quotes_are_tolerated() -> None:
    text = 'srcport,action,note\n"443"," ACCEPT ","a, ""b"""\n'
    decoded = read(CsvDecoder(Origin("file")), text)
    assert rows(decoded) == [{"srcport": 443, "action": "ACCEPT", "note": 'a,%20"b"'}]


def test_one_bad_line_costs_that_line_only() -> None:
    text = (
        "srcport,action\n1,ACCEPT\n1,2,3\n1\n,\n70000,ACCEPT\n"
        '"1,ACCEPT\n1,"ACCEPT"x\n1,ACC EPT\n\n2,REJECT\n'
    )
    decoded = read(CsvDecoder(Origin("file")), text)
    assert [row["srcport"] for row in rows(decoded)] == [1, None, 2]
    assert sorted(faults(decoded)) == [
        (3, BadLineReason.TOO_MANY_FIELDS),
        (4, BadLineReason.TOO_FEW_FIELDS),
        (6, BadLineReason.OUT_OF_RANGE),
        (7, BadLineReason.NOT_CSV),
        (8, BadLineReason.NOT_CSV),
        (9, BadLineReason.SPACE_IN_VALUE),
    ]
    assert decoded.lines_done == 11


def test_joined_files_may_repeat_and_change_the_header() -> None:
    text = "srcport,action\n1,ACCEPT\nsrcport,action\n2,REJECT\naction,dst_port\nREJECT,3\n"
    decoder = CsvDecoder(Origin("file"))
    assert rows(read(decoder, text)) == [
        {"srcport": 1, "action": "ACCEPT"},
        {"srcport": 2, "action": "REJECT"},
        {"action": "REJECT", "dstport": 3},
    ]
    assert decoder.log_format == LogFormat(("action", "dstport"))


def test_a_line_of_words_is_no_header() -> None:
    text = "action,log-status,region\nACCEPT,OK,eu-west-1\nREJECT,NODATA,us-east-1\n"
    decoded = read(CsvDecoder(Origin("file")), text)
    assert [row["action"] for row in rows(decoded)] == ["ACCEPT", "REJECT"]
    assert decoded.lines_done == 3


def test_a_doubled_column_is_kept_under_another_name() -> None:
    decoder = CsvDecoder(Origin("file"))
    read(decoder, "account_id,account-id,srcport,\n1,2,3,\n")
    assert decoder.log_format is not None
    assert decoder.log_format.names == ("account-id", "account-id-again-2", "srcport", "column")


@pytest.mark.parametrize(
    "text",
    [
        f"1742570569000,{RECORD.format(80)}\n",
        f"timestamp,message\n1742570569000,{RECORD.format(80)}\n",
        f'"timestamp","message"\n"1742570569000","{RECORD.format(80)}"\n',
        f"2026-01-31T10:00:00.000Z {RECORD.format(80)}\n",
        f'@timestamp,@message\n2026-01-31 10:00:00.000,"{RECORD.format(80)}"\r\n',
        f"message,timestamp\n{RECORD.format(80)},1742570569000\n",
        f"@timestamp,@message,@logStream\n1742570569000,{RECORD.format(80)},eni-1-all\n",
        f"@timestamp,@logStream,@message\n2026-01-31 10:00:00.000,eni-1-all,{RECORD.format(80)}\n",
        f"{RECORD.format(80)},1742570569000\n",
        f"{RECORD.format(80)}\n",
        f"\ufeff1742570569000,{RECORD.format(80)}",
    ],
)
def test_the_message_of_an_export_is_the_record(text: str) -> None:
    decoded = read(ExportDecoder(Origin("file")), text)
    assert not decoded.bad
    assert rows(decoded)[0]["srcaddr"] == parse_address("10.0.0.1")
    assert [row["dstport"] for row in rows(decoded)] == [80]
    assert decoded.bytes_done == len(text.encode())


def test_bad_lines_of_an_export() -> None:
    good = f"1742570569000,{RECORD.format(80)}\n"
    text = good + "no time,what\n" + '1742570569000,"2 1\n' + "1742570569000,2 1\n\n" + good
    decoded = read(ExportDecoder(Origin("file")), text)
    assert len(rows(decoded)) == 2
    assert [number for number, _ in sorted(faults(decoded))] == [2, 3, 4]
    assert decoded.lines_done == 6
