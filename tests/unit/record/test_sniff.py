"""The encoding of a file is told from its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.record.sniff import Encoding, sniff, why_unknown

RECORD = b"2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 2 6 3 4 5 6 ACCEPT OK"


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (b"", Encoding.TEXT),
        (b"\n \n", Encoding.TEXT),
        (RECORD, Encoding.TEXT),
        (b"\n\n" + RECORD, Encoding.TEXT),
        (b"\xef\xbb\xbfversion account-id srcaddr\n", Encoding.TEXT),
        (b"2 123 eni-1,2 10.0.0.1\n", Encoding.TEXT),
        (b"version,account-id,srcaddr\n", Encoding.CSV),
        (b'"version", "account_id"\r\n', Encoding.CSV),
        (b"2,123456789010,eni-1,10.0.0.1\n", Encoding.CSV),
        (b"2, 123456789010, eni-1, 10.0.0.1\n", Encoding.CSV),
        (b"1742570569000," + RECORD, Encoding.CLOUDWATCH_EXPORT),
        (b'"1742570569000","' + RECORD + b'"', Encoding.CLOUDWATCH_EXPORT),
        (b"timestamp,message\n", Encoding.CLOUDWATCH_EXPORT),
        (b'"@timestamp","@message"\n', Encoding.CLOUDWATCH_EXPORT),
        (b"2026-01-31T10:00:00.000Z " + RECORD, Encoding.CLOUDWATCH_EXPORT),
        (b"2026-01-31 10:00:00.000," + RECORD, Encoding.CLOUDWATCH_EXPORT),
        (b'{"message":"' + RECORD + b'"}', Encoding.FIREHOSE),
        (b'{"timestamp":1,"message":"2 1', Encoding.FIREHOSE),
        (b'\xef\xbb\xbf\n{"version":2,"srcaddr":"10.0.0.1"}', Encoding.JSON_LINES),
        (b'[{"version":2}', Encoding.JSON_LINES),
        (b'[\n  {"version":2}', Encoding.JSON_LINES),
        (b'{"version":2,"note":"message"}', Encoding.JSON_LINES),
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"id"', Encoding.CLOUDWATCH_DOCUMENT),
        (b'{\n  "events": [\n  {', Encoding.CLOUDWATCH_DOCUMENT),
        (b"PAR1\x15\x04", Encoding.PARQUET),
        (b"\x1f\x8b\x08\x00\x00", None),
        (b"\xff\xfev\x00e\x00r\x00", None),
        (b"\x7fELF\x02\x01\x01", None),
        (b"ab\x00cd", None),
        (bytes(range(1, 9)) * 9, None),
    ],
)
def test_the_first_bytes_tell_the_encoding(head: bytes, encoding: Encoding | None) -> None:
    assert sniff(head) is encoding


@pytest.mark.parametrize("magic", [b"\xff\xfe", b"\xfe\xff"])
def test_utf_16_is_refused_with_what_to_do(magic: bytes) -> None:
    assert "UTF-16" in why_unknown(magic + b"v\x00")
    assert "iconv" in why_unknown(magic + b"v\x00")


@given(st.binary(max_size=200))
def test_any_bytes_have_an_encoding_or_a_reason(head: bytes) -> None:
    encoding = sniff(head)
    assert (encoding is None) == (bool(why_unknown(head)) and encoding is not Encoding.PARQUET)
