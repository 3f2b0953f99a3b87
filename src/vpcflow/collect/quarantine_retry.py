"""Decodes quarantined lines again, with a log format that fits them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from vpcflow.collect.quarantine import LINE, Quarantine
from vpcflow.collect.source_object import ProblemCode
from vpcflow.collect.state_db import CONFIRMED, StateDb
from vpcflow.record.batch import FlowBatch, Origin
from vpcflow.record.codec import make_decoder
from vpcflow.record.log_format import LogFormat
from vpcflow.record.sniff import Encoding

#: Lines that are decoded at a time, and so the most that one retry group holds.
GROUP_LINES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class RetryGroup:
    """Lines of one object that were bad in one format.

    Shape: ``lines`` are (id, bytes); lines that were kept only in part are not among them.
    """

    origin: Origin
    encoding: Encoding
    log_format: LogFormat
    lines: list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of a retry group: records, the ids they came from, the ids that stay."""

    batches: list[FlowBatch] = field(default_factory=list)
    good_ids: list[int] = field(default_factory=list)
    bad_ids: list[int] = field(default_factory=list)


def retry_groups(db: StateDb, *, object_filter: str | None = None) -> Iterator[RetryGroup]:
    """The lines that may be tried again, object by object."""
    after = (-1, -1, -1)
    while True:
        rows = db.all(_GROUP_SQL, (object_filter and os.fsencode(object_filter), *after))
        if not rows:
            return
        object_no, format_no = rows[0][1], rows[0][2]
        lines = [(row[0], row[3]) for row in rows if (row[1], row[2]) == (object_no, format_no)]
        after = (object_no, format_no, lines[-1][0])
        _, _, _, _, encoding, names, uri, kind, account_id, region, flow_log_id = rows[0]
        yield RetryGroup(
            origin=Origin(kind, os.fsdecode(uri), account_id, region, flow_log_id),
            encoding=Encoding(encoding or Encoding.TEXT),
            log_format=LogFormat.from_header(names),
            lines=lines,
        )


_GROUP_SQL = f"""
    SELECT q.id, q.object_no, q.format_no, q.bytes, q.encoding, f.names,
           o.uri, o.kind, o.account_id, o.region, o.flow_log_id
    FROM quarantine q JOIN quarantine_objects o USING (object_no) JOIN log_formats f USING (format_no)
    WHERE q.kind = {LINE} AND q.reason < {ProblemCode.MISSING} AND q.length = LENGTH(q.bytes)
      AND (?1 IS NULL OR INSTR(o.uri, ?1) > 0)
      AND q.commit_no IN (SELECT commit_no FROM commits WHERE state = {CONFIRMED})
      AND q.retry_no IS NULL
      AND (q.object_no, q.format_no, q.id) > (?2, ?3, ?4)
    ORDER BY q.object_no, q.format_no, q.id LIMIT {GROUP_LINES_MAX}
"""  # noqa: S608 - constants of this module alone


def retry(group: RetryGroup, log_format: LogFormat | None = None) -> Retried:
    """Decode the lines of a group again, in another format if one is given.

    Shape: a line is tried as plain text first, as what was wrapped is kept unwrapped, and then
    in its object's encoding.
    """
    log_format = log_format or group.log_format
    retried = _retry_as(Encoding.TEXT, group, group.lines, log_format)
    if group.encoding in (Encoding.TEXT, Encoding.PARQUET) or not retried.bad_ids:
        return retried
    bad = set(retried.bad_ids)
    left = [line for line in group.lines if line[0] in bad]
    wrapped = _retry_as(group.encoding, group, left, log_format)
    return Retried(
        retried.batches + wrapped.batches,
        sorted(retried.good_ids + wrapped.good_ids),
        wrapped.bad_ids,
    )


def _retry_as(
    encoding: Encoding, group: RetryGroup, lines: list[tuple[int, bytes]], log_format: LogFormat
) -> Retried:
    decoder = make_decoder(encoding, group.origin, log_format)
    data = b"".join(line.removesuffix(b"\r") + b"\n" for _, line in lines)
    parts = [decoder.feed(data), decoder.finish()]
    batches = [batch for part in parts for batch in part.batches]
    bad = {int(number) for part in parts for bad in part.bad for number in bad.line_numbers}
    records = sum(batch.num_records for batch in batches)
    if records + len(bad) == len(lines):
        good_ids = [id_ for number, (id_, _) in enumerate(lines, 1) if number not in bad]
        bad_ids = [id_ for number, (id_, _) in enumerate(lines, 1) if number in bad]
        return Retried(batches, good_ids, bad_ids)
    if len(lines) == 1:
        # Neither one record nor one bad line, such as a header: it stays where it is.
        return Retried(bad_ids=[lines[0][0]])
    # A line among them changes the meaning of others: each on its own, halves first.
    half = len(lines) // 2
    first = _retry_as(encoding, group, lines[:half], log_format)
    second = _retry_as(encoding, group, lines[half:], log_format)
    return Retried(
        first.batches + second.batches,
        first.good_ids + second.good_ids,
        first.bad_ids + second.bad_ids,
    )


def mark_retried(quarantine: Quarantine, commit_id: str, retried: Retried) -> None:
    """Let the lines that became records leave the quarantine with the commit."""
    quarantine.mark_retried(commit_id, retried.good_ids)
