"""Aim: what is read in parts, cut, grown or damaged is exactly what one reading would give.

Method: real encodings, read in small pieces, stopped and resumed at every one of them.
"""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from ingest_run import rows_of

from vpcflow.collect.files import FileSource
from vpcflow.collect.fingerprint import read_content
from vpcflow.collect.piece import Piece
from vpcflow.collect.position import Position, Take
from vpcflow.collect.reader import ReadOptions, read_object
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import ObjectError, ProblemCode
from vpcflow.record.batch import Origin
from vpcflow.record.codec import encode
from vpcflow.record.log_format import LogFormat, default_format
from vpcflow.record.sniff import Encoding
from vpcflow.record.text import TextDecoder

SMALL = CollectSettings(chunk_bytes=4096, read_bytes=4096)
HEADER = default_format().header.encode() + b"\n"


def lines(count: int, seed: int = 1) -> list[bytes]:
    numbers = random.Random(seed)
    return [
        b"2 123456789012 eni-%d 10.0.0.%d 10.1.0.%d %d 443 6 1 40 1700000000 1700000060 ACCEPT OK\n"
        % tuple(numbers.randrange(250) for _ in range(4))
        for _ in range(count)
    ]


def read(
    path: Path,
    position: Position | None = None,
    *,
    settings: CollectSettings = SMALL,
    take_unterminated: bool = True,
    log_format: LogFormat | None = None,
    stop_after: int | None = None,
) -> list[Piece]:
    source = FileSource([path])
    (obj,) = source.objects()
    with source.fetch(obj) as fetched:
        with path.open("rb") as file:
            fingerprint = read_content(file).fingerprint
        take = Take(fetched.object, fingerprint, "i", position or Position())
        options = ReadOptions(path.parent, log_format, take_unterminated)
        pieces = []
        for piece in read_object(fetched, take, options, settings):
            pieces.append(piece)
            if len(pieces) == stop_after:
                break
    return pieces


def write(tmp_path: Path, data: bytes, name: str = "f") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def good(pieces: list[Piece]) -> int:
    return sum(piece.records for piece in pieces)


def bad(pieces: list[Piece]) -> int:
    return sum(piece.bad_lines for piece in pieces)


def problems(pieces: list[Piece]) -> list[ProblemCode]:
    return [piece.problem.code for piece in pieces if piece.problem]


def decode(data: bytes) -> list:
    decoder = TextDecoder(Origin("file"))
    return [batch for part in (decoder.feed(data), decoder.finish()) for batch in part.batches]


RECORDS = decode(b"".join(lines(600)))
ENCODED = {
    str(encoding): encode(RECORDS, encoding, default_format())
    for encoding in (
        Encoding.TEXT,
        Encoding.CSV,
        Encoding.JSON_LINES,
        Encoding.FIREHOSE,
        Encoding.CLOUDWATCH_EXPORT,
    )
}
ENCODED["no header"] = b"".join(lines(600))
ENCODED["firehose joined"] = ENCODED["firehose"].replace(b"\n", b"")
ENCODED["parquet"] = encode(RECORDS, Encoding.PARQUET, default_format())
PACKERS = {"plain": bytes, "gz": gzip.compress, "zst": zstandard.compress}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("name", ENCODED)
def test_resumes_at_every_piece(tmp_path: Path, name: str, packer: str) -> None:
    path = write(tmp_path, PACKERS[packer](ENCODED[name]))
    whole = read(path)
    assert problems(whole) == []
    assert (good(whole), bad(whole)) == (600, 0)
    assert whole[-1].position.complete
    assert [piece.position.complete for piece in whole[:-1]] == [False] * (len(whole) - 1)
    for count in range(1, len(whole)):
        first = read(path, stop_after=count)
        second = read(path, first[-1].position)
        assert sorted(rows_of(first) + rows_of(second), key=repr) == sorted(
            rows_of(whole), key=repr
        ), f"stopped after {count} of {len(whole)}"
        assert bad(second) == 0
        assert second[-1].position == whole[-1].position


def test_bad_lines_keep_their_numbers_over_a_resume(tmp_path: Path) -> None:
    content = lines(300)
    for number in range(50, 300, 50):
        content[number] = b"not a record %d\n" % number
    path = write(tmp_path, HEADER + b"".join(content))
    whole = read(path)
    expected = [number + 2 for number in range(50, 300, 50)]

    def numbers(pieces: list[Piece]) -> list[int]:
        return [int(n) for piece in pieces for bad in piece.bad for n in bad.line_numbers]

    assert numbers(whole) == expected
    for count in range(1, len(whole)):
        first = read(path, stop_after=count)
        assert numbers(first) + numbers(read(path, first[-1].position)) == expected


def test_a_truncated_gzip_is_read_on_when_it_is_whole(tmp_path: Path) -> None:
    content = HEADER + b"".join(lines(5000))
    packed = gzip.compress(content)
    for cut in (25, len(packed) // 3, len(packed) - 20, len(packed) - 1):
        path = write(tmp_path, packed[:cut])
        first = read(path)
        assert problems(first) == [ProblemCode.TRUNCATED]
        end = first[-1].position
        assert end.complete
        lost = [line for piece in first for line in piece.lost]
        # A few bytes give no line yet; without its checksum alone, all lines are there.
        assert len(lost) == (0 if cut == 25 or cut > len(packed) - 10 else 1)
        for line in lost:
            assert line.code is ProblemCode.CUT_LINE
            whole = content.splitlines()[line.line_number - 1]
            assert whole.startswith(line.data)
            assert line.length == len(line.data)
        write(tmp_path, packed)
        second = read(path, end.reopened())
        assert good(first) + good(second) == 5000
        assert (bad(second), problems(second)) == (0, [])


def test_damage_keeps_the_lines_before_it(tmp_path: Path) -> None:
    packed = zstandard.compress(HEADER + b"".join(lines(50_000)))
    damaged = packed[: len(packed) // 2] + bytes(100) + packed[len(packed) // 2 + 100 :]
    pieces = read(write(tmp_path, damaged))
    assert problems(pieces) == [ProblemCode.CORRUPT]
    assert good(pieces) > 10_000
    assert pieces[-1].position.complete
    tail = read(write(tmp_path, gzip.compress(b"".join(lines(10))) + b"garbage"))
    assert (good(tail), bad(tail), problems(tail)) == (10, 0, [ProblemCode.TRAILING_BYTES])


def test_the_last_line_without_newline(tmp_path: Path) -> None:
    content = b"".join(lines(3))
    path = write(tmp_path, content[:-1])
    left = read(path, take_unterminated=False)
    assert good(left) == 2
    assert left[-1].position.left_bytes == len(content.splitlines()[2])
    assert good(read(path, left[-1].position.reopened())) == 1
    taken = read(path)
    assert good(taken) == 3
    assert taken[-1].position.unterminated
    end = taken[-1].position.reopened()
    write(tmp_path, content + lines(1, seed=2)[0])
    assert (good(read(path, end)), bad(read(path, end))) == (1, 0)
    write(tmp_path, content[:-1] + b"\r\n" + lines(1, seed=2)[0])
    assert (good(read(path, end)), bad(read(path, end))) == (1, 0)


@pytest.mark.parametrize("packer", PACKERS)
def test_the_rest_of_a_line_that_was_taken_is_one_bad_line(tmp_path: Path, packer: str) -> None:
    content = b"".join(lines(3))
    path = write(tmp_path, content[:-2])
    end = read(path)[-1].position.reopened()
    more = b"y" * 10_000 + b"\n"
    write(tmp_path, PACKERS[packer](content[:-2] + more + lines(1)[0]))
    pieces = read(path, replace(end, raw_bytes=0) if packer != "plain" else end)
    assert good(pieces) == 1
    (line,) = [line for piece in pieces for line in piece.lost]
    assert line.code is ProblemCode.REST_OF_LINE
    assert (line.line_number, line.length, len(line.data)) == (3, 10_000, 4096)
    assert pieces[-1].position.lines == 4
    for stop in range(1, len(pieces)):
        resumed = read(path, pieces[stop - 1].position)
        assert good(pieces[:stop]) + good(resumed) == 1
        assert bad(pieces[:stop]) + bad(resumed) == 1


def test_the_rest_of_a_line_may_itself_be_unfinished(tmp_path: Path) -> None:
    content = b"".join(lines(2))
    path = write(tmp_path, content[:-2])
    end = read(path)[-1].position.reopened()
    write(tmp_path, content[:-2] + b"tail")
    waiting = read(path, end, take_unterminated=False)
    assert (bad(waiting), waiting[-1].position.left_bytes) == (0, 4)
    assert waiting[-1].position.unterminated
    told = read(path, end)
    assert bad(told) == 1
    write(tmp_path, content[:-2] + b"tail\n" + lines(1)[0])
    for position in (waiting[-1].position.reopened(), told[-1].position.reopened()):
        pieces = read(path, position)
        assert good(pieces) == 1
    assert bad(read(path, waiting[-1].position.reopened())) == 1
    assert bad(read(path, told[-1].position.reopened())) == 0


def test_a_given_format_and_a_header_that_lies(tmp_path: Path) -> None:
    nat = b"- eni-1 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5\n" * 3
    log_format = LogFormat.from_header(
        "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
    )
    path = write(tmp_path, nat)
    assert (good(read(path)), bad(read(path))) == (0, 3)
    assert good(read(path, log_format=log_format)) == 3
    lies = read(write(tmp_path, HEADER + nat + lines(1)[0]))
    assert (good(lies), bad(lies), problems(lies)) == (1, 3, [])


def test_what_holds_no_records_is_told(tmp_path: Path) -> None:
    cases = {
        b"": ProblemCode.EMPTY,
        gzip.compress(b""): ProblemCode.EMPTY,
        bytes(range(256)) * 50: ProblemCode.BINARY,
        gzip.compress(bytes(range(256)) * 50): ProblemCode.BINARY,
        b"BZh91AY&SY": ProblemCode.UNSUPPORTED_COMPRESSION,
        gzip.compress(gzip.compress(b"x")): ProblemCode.NESTED,
        b"PAR1 this footer lies \xff\xff\xff\x7fPAR1": ProblemCode.BAD_PARQUET,
        gzip.compress(b"PAR1 cut"): ProblemCode.BAD_PARQUET,
        ENCODED["parquet"][:-30]: ProblemCode.BAD_PARQUET,
        ENCODED["parquet"][:-8] + b"\xff\xff\xff\x7fPAR1": ProblemCode.BAD_PARQUET,
        gzip.compress(bytes(300 << 20), 1): ProblemCode.ZIP_BOMB,
        b"\x1f\x8b": ProblemCode.TRUNCATED,
    }
    for data, code in cases.items():
        settings = CollectSettings(inflate_ratio_after_bytes=1 << 20, inflate_ratio_max=100)
        pieces = read(write(tmp_path, data), settings=settings)
        assert problems(pieces) == [code], data[:30]
        assert pieces[-1].position.complete
        assert pieces[-1].problem is not None
        assert pieces[-1].problem.where == str(tmp_path / "f")
        assert good(pieces) == 0


def test_a_line_of_a_gibibyte_costs_itself(tmp_path: Path) -> None:
    first, last = lines(2)
    packer = zstandard.ZstdCompressor().compressobj()
    packed = packer.compress(first)
    block = b"x" * (1 << 20)
    packed += b"".join(packer.compress(block) for _ in range(1024))
    packed += packer.compress(b"\n" + last) + packer.flush()
    settings = CollectSettings(inflate_ratio_max=1_000_000)
    pieces = read(write(tmp_path, packed), settings=settings)
    assert (good(pieces), bad(pieces), problems(pieces)) == (2, 1, [])
    (line,) = [bad for piece in pieces for bad in piece.bad]
    assert line.lengths.tolist() == [1 << 30]
    assert len(line.data) <= 4096


def test_bytes_added_while_it_is_read_are_for_the_next_time(tmp_path: Path) -> None:
    path = write(tmp_path, b"".join(lines(200)))
    source = FileSource([path])
    (obj,) = source.objects()
    with source.fetch(obj) as fetched, path.open("rb") as file:
        take = Take(fetched.object, read_content(file).fingerprint, "i", Position())
        reading = read_object(fetched, take, ReadOptions(tmp_path), SMALL)
        pieces = [next(reading)]
        with path.open("ab") as more:
            more.write(b"".join(lines(10, seed=3)))
        pieces += reading
    assert good(pieces) == 200
    assert good(read(path, pieces[-1].position.reopened())) == 10


def test_a_file_that_shrank_or_was_replaced_is_not_called_done(tmp_path: Path) -> None:
    path = write(tmp_path, b"".join(lines(200)))
    source = FileSource([path])
    (obj,) = source.objects()
    with source.fetch(obj) as fetched, path.open("rb") as file:
        take = Take(fetched.object, read_content(file).fingerprint, "i", Position())
        with path.open("r+b") as shorter:
            shorter.truncate(1000)
        pieces = list(read_object(fetched, take, ReadOptions(tmp_path), SMALL))
        assert problems(pieces) == [ProblemCode.CHANGED]
        assert not pieces[-1].position.complete
        write(tmp_path, b"other", "g").rename(path)
        with pytest.raises(ObjectError) as caught:
            list(read_object(fetched, take, ReadOptions(tmp_path), SMALL))
    assert caught.value.problem.code is ProblemCode.CHANGED


def test_names_of_any_bytes_and_parquet(tmp_path: Path) -> None:
    import os

    path = write(tmp_path, ENCODED["parquet"], os.fsdecode(b"\xff\n.parquet"))
    assert good(read(path)) == 600
