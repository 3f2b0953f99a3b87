"""Parquet: AWS's own, users' with other types, and broken files."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vpcflow.base.errors import RecordError
from vpcflow.record.batch import BATCH_RECORDS_MAX, Origin
from vpcflow.record.log_format import LogFormat
from vpcflow.record.parquet import decode_parquet, write_parquet
from vpcflow.record.reasons import BadLineReason
from vpcflow.record.text import Decoded
from vpcflow.record.values import parse_address

GOLDEN = Path(__file__).parents[2] / "golden" / "flow_logs"
ORIGIN = Origin("file", "flows.parquet")


def read(path: Path, skip_rows: int = 0) -> list[Decoded]:
    return list(decode_parquet(path, ORIGIN, skip_rows=skip_rows))


def rows(parts: list[Decoded]) -> list[dict[str, object]]:
    return [row for part in parts for batch in part.batches for row in batch.records.to_pylist()]


def faults(parts: list[Decoded]) -> list[tuple[int, BadLineReason, str]]:
    return [
        (int(bad.line_numbers[i]), BadLineReason(int(bad.reasons[i])), bad.message(i))
        for part in parts
        for bad in part.bad
        for i in range(len(bad))
    ]


def written(folder: Path, **columns: object) -> Path:
    path = folder / "flows.parquet"
    arrays = {
        name: column if isinstance(column, pa.Array) else pa.array(column)
        for name, column in columns.items()
    }
    pq.write_table(pa.table(arrays), path)
    return path


def cast(folder: Path, **columns: object) -> list[dict[str, object]]:
    return rows(read(written(folder, **columns)))


def test_a_users_file_with_wrong_types() -> None:
    parts = read(GOLDEN / "user-wrong-types.parquet")
    first, second = rows(parts)
    assert first["account_id"] == "123456789010"
    assert first["srcaddr"] == parse_address("198.51.100.1")
    assert (first["srcport"], first["bytes"], first["action"]) == (443, 840, "ACCEPT")
    assert second["log_status"] == "NODATA"
    assert all(second[name] is None for name in ("srcaddr", "srcport", "packets", "action"))
    assert faults(parts) == [
        (3, BadLineReason.OUT_OF_RANGE, "line 3: protocol is 8080, more than 255")
    ]
    assert parts[-1].lines_done == 3


def test_it_is_written_as_aws_writes_it(tmp_path: Path) -> None:
    log_format = LogFormat(("account-id", "srcaddr", "bytes", "srcport", "tcp-flags"))
    records = pa.RecordBatch.from_pydict(
        {
            "account_id": pa.array(["001607371330", None], pa.dictionary(pa.int32(), pa.string())),
            "srcaddr": pa.array([parse_address("10.0.0.1"), None], pa.binary(16)),
            "bytes": pa.array([2**63 - 1, None], pa.int64()),
            "srcport": pa.array([0, None], pa.int32()),
        }
    )
    path = tmp_path / "aws.parquet"
    assert write_parquet([records], path, log_format) == 2
    file = pq.ParquetFile(path)
    assert file.schema_arrow.names == list(log_format.columns)
    kinds = [file.schema.column(i).physical_type for i in range(5)]
    assert kinds == ["BYTE_ARRAY", "BYTE_ARRAY", "INT64", "INT32", "INT32"]
    assert file.schema.column(1).logical_type.type == "STRING"
    assert all(file.schema.column(i).max_definition_level == 1 for i in range(5))
    assert file.metadata.row_group(0).column(0).compression == "GZIP"
    assert file.schema_arrow.metadata is None
    assert file.read().column("srcaddr").to_pylist() == ["10.0.0.1", None]
    assert rows(read(path)) == [row | {"tcp_flags": None} for row in records.to_pylist()]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([443, 0, None], pa.int64()),
        ([443, 0, None], pa.int16()),
        ([443, 0, None], pa.uint64()),
        ([443.0, 0.0, None], pa.float64()),
        ([443.0, 0.0, float("nan")], pa.float32()),
        ([Decimal("443.0"), Decimal("0.0"), None], pa.decimal128(10, 1)),
        (["443", "0", "None"], pa.string()),
        (["0443", " 0 ", "-"], pa.large_string()),
        (["443.0", "0.00", ""], pa.string()),
        (["443", "0", "NaN"], pa.dictionary(pa.int8(), pa.string())),
        ([b"443", b"0", b"null"], pa.binary()),
        ([443, 0, None], pa.dictionary(pa.int16(), pa.int64())),
        (["443", "0", None], pa.string_view()),
    ],
)
def test_numbers_of_any_type(tmp_path: Path, values: list[object], kind: pa.DataType) -> None:
    column = pa.array(values, kind)
    expected = [{"srcport": 443}, {"srcport": 0}, {"srcport": None}]
    assert cast(tmp_path, srcport=column) == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (pa.scalar(-1), BadLineReason.OUT_OF_RANGE),
        (pa.scalar(70_000), BadLineReason.OUT_OF_RANGE),
        (pa.scalar(2**64 - 1, pa.uint64()), BadLineReason.OUT_OF_RANGE),
        (pa.scalar(1.5), BadLineReason.NOT_A_NUMBER),
        (pa.scalar(float("inf")), BadLineReason.NOT_A_NUMBER),
        (pa.scalar("9" * 19), BadLineReason.OUT_OF_RANGE),
        (pa.scalar("9" * 30), BadLineReason.NOT_A_NUMBER),
        (pa.scalar("-1"), BadLineReason.NOT_A_NUMBER),
        (pa.scalar("0x1"), BadLineReason.NOT_A_NUMBER),
        (pa.scalar("1 2"), BadLineReason.NOT_A_NUMBER),
        (pa.scalar(b"\xff"), BadLineReason.NOT_UTF8),
        (pa.scalar(dt.datetime(2026, 1, 1)), BadLineReason.WRONG_TYPE),
        (pa.scalar([1]), BadLineReason.WRONG_TYPE),
    ],
)
def test_a_row_that_cannot_be_cast_is_one_bad_line(
    tmp_path: Path, value: pa.Scalar, reason: BadLineReason
) -> None:
    good = pa.scalar(None, value.type)
    column = pa.array([good.as_py(), value.as_py(), good.as_py()], value.type)
    parts = read(written(tmp_path, action=["A", "B", "C"], srcport=column))
    assert [row["action"] for row in rows(parts)] == ["A", "C"]
    [(number, found, message)] = faults(parts)
    assert (number, found) == (2, reason)
    assert message.startswith("line 2: ")


def test_accounts_keep_their_zeros(tmp_path: Path) -> None:
    expected = [{"account_id": "001607371330"}, {"account_id": None}]
    for column in ([1607371330, None], [1607371330.0, None], ["001607371330", "None"]):
        assert cast(tmp_path, account_id=column) == expected


def test_times_may_be_timestamps(tmp_path: Path) -> None:
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC"):
            times = pa.array([1_700_000_000, None], pa.timestamp("s", zone))
            column = times.cast(pa.timestamp(unit, zone))
            assert cast(tmp_path, start=column, srcport=[1, 2])[0]["start"] == 1_700_000_000


def test_addresses_of_any_text_type_and_as_bytes(tmp_path: Path) -> None:
    wanted = [{"srcaddr": parse_address("10.0.0.1")}, {"srcaddr": None}]
    for kind in (
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.dictionary(pa.int32(), pa.string()),
    ):
        for null in (None, "-"):
            value = null.encode() if null and kind == pa.binary() else null
            first = b"10.0.0.1" if kind == pa.binary() else "10.0.0.1"
            assert cast(tmp_path, srcaddr=pa.array([first, value], kind)) == wanted
    own = pa.array([parse_address("10.0.0.1"), None], pa.binary(16))
    assert cast(tmp_path, srcaddr=own) == wanted
    parts = read(written(tmp_path, srcaddr=["10.0.0.1", "10.0.0.256", "::1"]))
    assert len(rows(parts)) == 2
    assert faults(parts)[0][1] is BadLineReason.NOT_AN_ADDRESS


def test_text_of_people_is_kept_and_null_words_are_not(tmp_path: Path) -> None:
    table = {
        "srcport": [1, 2, 3, 4],
        "instance_tag": ["None", "-", "", "a b"],
        "action": ["None", "-", "", "ACCEPT"],
        "new_field": ["None", "-", None, "x y"],
    }
    found = cast(tmp_path, **table)
    assert [row["instance_tag"] for row in found] == ["None", None, None, "a%20b"]
    assert [row["action"] for row in found] == [None, None, None, "ACCEPT"]
    assert [row["new_field"] for row in found] == ["None", None, None, "x%20y"]


def test_control_bytes_and_blanks_in_a_known_field_are_bad_lines(tmp_path: Path) -> None:
    parts = read(written(tmp_path, action=["ACCEPT", "ACC EPT", "ACC\x00", "REJECT"]))
    assert [row["action"] for row in rows(parts)] == ["ACCEPT", "REJECT"]
    reasons = [reason for _, reason, _ in faults(parts)]
    assert reasons == [BadLineReason.SPACE_IN_VALUE, BadLineReason.CONTROL_BYTE]


def test_columns_are_found_by_any_spelling_and_unknown_ones_are_kept(tmp_path: Path) -> None:
    table = {
        "Account-ID": ["1"],
        "SRCPORT": [2],
        "Cost Centre": [3.5],
        "nested": [{"a": [1, None]}],
        "flag": [True],
        "day": [dt.date(2026, 1, 31)],
        "nothing": pa.nulls(1),
    }
    assert cast(tmp_path, **table) == [
        {
            "account_id": "1",
            "srcport": 2,
            "cost_centre": "3.5",
            "nested": '{"a":[1,null]}',
            "flag": "true",
            "day": "2026-01-31",
            "nothing": None,
        }
    ]


def test_a_file_without_any_known_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no column of a flow record, only a, b"):
        read(written(tmp_path, a=[1], b=[2]))


def large(folder: Path, count: int = 2 * BATCH_RECORDS_MAX + 1_000) -> Path:
    path = folder / "large.parquet"
    table = pa.table({"srcport": [i % 60_000 for i in range(count)], "bytes": range(count)})
    pq.write_table(table, path, row_group_size=50_000)
    return path


def test_rows_stand_for_lines_and_may_be_skipped(tmp_path: Path) -> None:
    path = large(tmp_path)
    parts = read(path)
    assert all(batch.num_records <= BATCH_RECORDS_MAX for part in parts for batch in part.batches)
    whole = [row["bytes"] for row in rows(parts)]
    assert whole == list(range(len(whole)))
    assert (parts[-1].lines_done, parts[-1].bytes_done) == (len(whole), path.stat().st_size)
    assert [part.lines_done for part in parts] == sorted(part.lines_done for part in parts)
    for skip in (0, 1, 49_999, 50_000, 65_536, len(whole) - 1, len(whole)):
        rest = read(path, skip)
        assert [row["bytes"] for row in rows(rest)] == whole[skip:]
        assert rest[-1].lines_done == len(whole)


def test_line_numbers_count_from_the_start_of_the_file(tmp_path: Path) -> None:
    ports = [1] * 70_000 + [70_000] + [2] * 5
    path = written(tmp_path, srcport=ports)
    assert faults(read(path))[0][0] == 70_001
    assert faults(read(path, 69_990))[0][0] == 70_001


def test_a_cut_file_says_what_and_where(tmp_path: Path) -> None:
    path = large(tmp_path)
    data = path.read_bytes()
    for size in (0, 3, 8, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(RecordError) as caught:
            read(path)
        assert caught.value.where == "flows.parquet"
        assert caught.value.hint


def test_what_was_good_before_the_fault_is_handed_out(tmp_path: Path) -> None:
    path = large(tmp_path)
    data = bytearray(path.read_bytes())
    place = pq.ParquetFile(path).metadata.row_group(2).column(0).data_page_offset
    data[place : place + 2_000] = b"\xff" * 2_000
    path.write_bytes(data)
    found: list[Decoded] = []
    with pytest.raises(RecordError):
        found.extend(decode_parquet(path, ORIGIN))
    found = []
    parts = decode_parquet(path, ORIGIN)
    with pytest.raises(RecordError):
        while True:
            found.append(next(parts))
    assert len(rows(found)) >= 50_000


def test_damaged_files_are_refused_or_read_but_never_crash(tmp_path: Path) -> None:
    data = (GOLDEN / "user-wrong-types.parquet").read_bytes()
    chance = random.Random(7)
    path = tmp_path / "damaged.parquet"
    refused = 0
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            parts = read(path)
        except RecordError:
            refused += 1
        else:
            assert len(rows(parts)) + len(faults(parts)) == parts[-1].lines_done
    assert refused > 0


def test_a_footer_that_lies_about_its_rows_is_found_out(tmp_path: Path) -> None:
    path = written(tmp_path, srcport=[1, 2, 3])
    data = path.read_bytes()
    for place in range(4, len(data)):
        if data[place] != 6:  # 3 rows, as the footer writes them
            continue
        path.write_bytes(data[:place] + b"\x08" + data[place + 1 :])
        try:
            lies = pq.read_metadata(path).num_rows == 4
        except (OSError, ValueError):
            continue
        if lies:
            break
    else:
        pytest.fail("the footer's number of rows was not found")
    found: list[Decoded] = []
    parts = decode_parquet(path, ORIGIN)
    with pytest.raises(RecordError, match="footer says 4 rows, 3 are there"):
        while True:
            found.append(next(parts))
    assert len(rows(found)) == 3
