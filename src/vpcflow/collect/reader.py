"""From an object's raw bytes to flow batches, bad lines and places to read on from."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vpcflow.base.errors import RecordError
from vpcflow.collect.files import file_id, open_regular
from vpcflow.collect.inflate import FEED_BYTES, ByteStream, Compression, Fault
from vpcflow.collect.piece import LostLine, Piece
from vpcflow.collect.position import Position, Take
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import Fetched, ObjectError, Problem, ProblemCode
from vpcflow.record.codec import make_decoder
from vpcflow.record.log_format import LogFormat
from vpcflow.record.reasons import BAD_LINE_BYTES_MAX
from vpcflow.record.sniff import SNIFF_BYTES, Encoding, sniff, why_unknown
from vpcflow.record.text import Decoded

if TYPE_CHECKING:
    from vpcflow.record.unwrap import Decoder

#: How much of a binary file's beginning is kept for the person who looks.
SAMPLE_BYTES = 64

#: The object itself is not at fault, so it is read again the next time.
_RETRY_CODES = frozenset({ProblemCode.READ_FAILED, ProblemCode.CHANGED})
_CUT_CODES = _RETRY_CODES | {
    ProblemCode.TRUNCATED,
    ProblemCode.CORRUPT,
    ProblemCode.ZIP_BOMB,
    ProblemCode.TOO_LARGE,
}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the person who runs it may choose.

    Shape: ``log_format`` is for objects without a header; ``take_unterminated`` false leaves a
    last line that has no newline, as it may still grow; ``tmp`` is for what must be seekable.
    """

    tmp: Path
    log_format: LogFormat | None = None
    take_unterminated: bool = True


def read_object(
    fetched: Fetched, take: Take, options: ReadOptions, settings: CollectSettings
) -> Iterator[Piece]:
    """Read an object from where it was left, up to the size it had when it was planned.

    Shape: the last piece says that the object is complete, and what was wrong with it as a whole.
    Errors: ObjectError when it cannot be opened; nothing in its bytes raises.
    """
    with open_regular(fetched.path, take.object.uri) as file:
        if take.object.file_id not in ("", file_id(os.fstat(file.fileno()))):
            code = ProblemCode.CHANGED
            what = "was replaced while it was being read; it is read the next time"
            obj = take.object
            raise ObjectError(Problem(code, what, obj.where, "run again", obj.uri))
        yield from _Reading(file, take, options, settings).pieces()


class _Reading:
    """One object while it is read."""

    def __init__(
        self,
        file: BinaryIO,
        take: Take,
        options: ReadOptions,
        settings: CollectSettings,
    ) -> None:
        self._file = file
        self._take = take
        self._object = take.object
        self._options = options
        self._settings = settings
        self._position = take.position
        self._raw_size = take.fingerprint.size
        self._stream = ByteStream(file, self._raw_size, settings)

    def pieces(self) -> Iterator[Piece]:
        if self._raw_size == 0:
            problem = self._problem(Fault(ProblemCode.EMPTY, "empty: nothing to take"))
            yield Piece(self._end(), problem=replace(problem, warning=True))
            return
        position = self._position
        chunks = self._stream.chunks(position.decoded_bytes)
        if position.encoding is None:
            head, chunks = _peek(chunks)
            fault = self._stream.fault
            encoding = sniff(head) if head else None
            if encoding is None:
                problem = self._unknown(head, fault or self._fault_behind(chunks))
                yield Piece(self._end(), problem=problem)
                return
            self._position = replace(position, encoding=str(encoding))
        if self._position.encoding == Encoding.PARQUET:
            yield from self._parquet(chunks)
        else:
            yield from self._lines(chunks)

    def _fault_behind(self, chunks: Iterator[bytes]) -> Fault | None:
        """Look some way on in compressed bytes that are no records: they may be a bomb."""
        size = 0
        # A bomb cannot show before the first bytes that were fed have given this much.
        enough = self._settings.inflate_ratio_after_bytes
        enough += 2 * self._settings.inflate_ratio_max * FEED_BYTES
        if self._stream.compression is not Compression.NONE:
            for chunk in chunks:
                size += len(chunk)
                if size > enough:
                    break
        return self._stream.fault

    def _unknown(self, head: bytes, fault: Fault | None) -> Problem:
        """What to say of an object in which nothing can be read."""
        if fault is not None:
            return self._problem(fault)
        if not head:
            return replace(
                self._problem(Fault(ProblemCode.EMPTY, "empty after decompression")), warning=True
            )
        fault = Fault(
            ProblemCode.BINARY,
            f"no flow records: {why_unknown(head)}",
            "leave it out, or give its records as text, JSON, CSV or Parquet",
        )
        return replace(self._problem(fault), sample=head[:SAMPLE_BYTES])

    # -- lines

    def _lines(self, chunks: Iterator[bytes]) -> Iterator[Piece]:
        position = self._position
        if position.unterminated:
            rest = yield from self._rest_of_line(chunks)
            if rest is None:
                return
            first, position = rest, self._position
        else:
            first = b""
        assert position.encoding is not None
        log_format = position.log_format or self._options.log_format
        decoder = make_decoder(
            Encoding(position.encoding),
            self._object.origin,
            log_format,
            line_number=position.lines,
            flow_log_id=self._object.origin.flow_log_id,
        )
        tail = _Tail()
        try:
            for chunk in chain([first] if first else [], chunks):
                decoded = decoder.feed(chunk)
                tail.fed(chunk, decoded.bytes_done)
                yield self._piece(decoded, decoder, position)
            yield from self._last_piece(decoder, position, tail)
        except RecordError as error:
            fault = Fault(ProblemCode.DECODE_FAILED, error.what, error.hint)
            yield Piece(self._end(), problem=self._problem(fault))

    def _piece(self, decoded: Decoded, decoder: Decoder, base: Position) -> Piece:
        decoded_bytes = base.decoded_bytes + decoded.bytes_done
        self._position = replace(
            self._position,
            raw_bytes=self._raw_bytes(decoded_bytes),
            decoded_bytes=decoded_bytes,
            lines=decoded.lines_done,
            log_format=decoder.log_format or base.log_format,
            unterminated=False,
        )
        return Piece(self._position, decoded.batches, decoded.bad)

    def _last_piece(self, decoder: Decoder, base: Position, tail: _Tail) -> Iterator[Piece]:
        fault = self._stream.fault
        is_cut = fault is not None and fault.code in _CUT_CODES
        take = self._options.take_unterminated and not is_cut
        decoded = decoder.finish(take_unterminated=take)
        piece = self._piece(decoded, decoder, base)
        lost = []
        left_bytes = 0
        unterminated = False
        if tail.length:
            if take:
                unterminated = not tail.is_blank
            elif not is_cut:
                left_bytes = tail.length
            elif fault is not None and fault.code not in _RETRY_CODES:
                number = self._position.lines + 1
                lost.append(LostLine(number, ProblemCode.CUT_LINE, bytes(tail.data), tail.length))
        problem = self._problem(fault) if fault else None
        if fault is not None and fault.code in _RETRY_CODES:
            yield replace(piece, problem=problem)
            return
        position = replace(self._end(), unterminated=unterminated, left_bytes=left_bytes)
        yield replace(piece, position=position, lost=lost, problem=problem)

    def _rest_of_line(self, chunks: Iterator[bytes]) -> Generator[Piece, None, bytes | None]:
        """Read over what was added to a line that was taken without its newline.

        Shape: returns what follows that line in its chunk; None when the object ends within it.
        """
        start = self._position
        tail = _Tail()
        for chunk in chunks:
            end = chunk.find(b"\n")
            tail.fed(chunk if end < 0 else chunk[:end], 0)
            if end < 0:
                continue
            decoded_bytes = start.decoded_bytes + tail.length + 1
            self._position = replace(
                start,
                decoded_bytes=decoded_bytes,
                raw_bytes=self._raw_bytes(decoded_bytes),
                unterminated=False,
            )
            lost = self._rest(tail, start)
            if lost:
                yield Piece(self._position, lost=lost)
            return chunk[end + 1 :]
        fault = self._stream.fault
        problem = self._problem(fault) if fault else None
        if fault is not None and fault.code in _RETRY_CODES:
            yield Piece(start, problem=problem)
        elif fault is None and not self._options.take_unterminated:
            # The line may still grow: it is told when it is whole.
            yield Piece(replace(self._end(), left_bytes=tail.length))
        else:
            decoded_bytes = start.decoded_bytes + tail.length
            self._position = replace(
                start, decoded_bytes=decoded_bytes, raw_bytes=self._raw_bytes(decoded_bytes)
            )
            yield Piece(self._end(), lost=self._rest(tail, start), problem=problem)
        return None

    @staticmethod
    def _rest(tail: _Tail, start: Position) -> list[LostLine]:
        if tail.is_blank:
            return []
        return [LostLine(start.lines, ProblemCode.REST_OF_LINE, bytes(tail.data), tail.length)]

    # -- Parquet

    def _parquet(self, chunks: Iterator[bytes]) -> Iterator[Piece]:
        if self._stream.compression is Compression.NONE:
            # By its number: Arrow takes no names that are not UTF-8.
            yield from self._rows(Path(f"/dev/fd/{self._file.fileno()}"))
            return
        with tempfile.NamedTemporaryFile(dir=self._options.tmp, prefix="inner-") as file:
            size = 0
            for chunk in chunks:
                size += len(chunk)
                if size > self._settings.object_bytes_max:
                    fault = Fault(
                        ProblemCode.TOO_LARGE,
                        f"a Parquet file of more than {self._settings.object_bytes_max} bytes",
                        "see collect.object_bytes_max",
                    )
                    yield Piece(self._end(), problem=self._problem(fault))
                    return
                file.write(chunk)
            file.flush()
            if self._stream.fault is not None:
                yield Piece(self._end(), problem=self._problem(self._stream.fault))
                return
            yield from self._rows(Path(file.name))

    def _rows(self, path: Path) -> Iterator[Piece]:
        from vpcflow.record.parquet import decode_parquet

        rows = decode_parquet(
            path,
            self._object.origin,
            skip_rows=self._position.lines,
            flow_log_id=self._object.origin.flow_log_id,
        )
        try:
            for decoded in rows:
                self._position = replace(self._position, lines=decoded.lines_done)
                yield Piece(self._position, decoded.batches, decoded.bad)
        except RecordError as error:
            fault = Fault(ProblemCode.BAD_PARQUET, error.what, error.hint)
            yield Piece(self._end(), problem=self._problem(fault))
            return
        yield Piece(self._end())

    # -- all

    def _raw_bytes(self, decoded_bytes: int) -> int:
        is_plain = self._stream.compression is Compression.NONE
        return decoded_bytes if is_plain else self._raw_size

    def _end(self) -> Position:
        position = replace(self._position, complete=True)
        if position.decoded_bytes == 0 and position.encoding != Encoding.PARQUET:
            # Not one whole line: what it is, is better told when there is one.
            return replace(position, encoding=None, log_format=None)
        return position

    def _problem(self, fault: Fault) -> Problem:
        return Problem(fault.code, fault.what, self._object.where, fault.hint, self._object.uri)


class _Tail:
    """What was fed and is not decoded yet: an unfinished line; its beginning is kept."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.length = 0
        self._fed = 0
        self._blank = True

    def fed(self, chunk: bytes, bytes_done: int) -> None:
        self._fed += len(chunk)
        open_bytes = self._fed - bytes_done
        if open_bytes <= len(chunk) and bytes_done > 0:
            # The unfinished line begins in this chunk.
            self.data.clear()
            self._blank = True
            chunk = chunk[len(chunk) - open_bytes :]
        self.length = open_bytes
        self.data += chunk[: BAD_LINE_BYTES_MAX - len(self.data)]
        self._blank = self._blank and not chunk.strip(b" \t\r\n")

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but blanks in it."""
        return self._blank


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them again."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= SNIFF_BYTES:
            break
    return b"".join(held)[:SNIFF_BYTES], chain(held, chunks)
