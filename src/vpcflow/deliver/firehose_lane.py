"""Records to a delivery stream: JSON objects with one line each, in batches as Firehose takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from vpcflow.deliver.counters import DELIVERED
from vpcflow.deliver.lane import Desk, Lane, lost_records
from vpcflow.deliver.plan_index import Apart
from vpcflow.deliver.segment import known_columns
from vpcflow.record.codec import encode
from vpcflow.record.flow_log_selection import with_format_version
from vpcflow.record.sniff import Encoding


class FirehoseReceiver(Protocol):
    """Where delivery streams are reached."""

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        """Hand over at most 500 records and 4 MB, all or none as far as the caller knows.

        Errors: DestinationError with the status message; anything else is an unknown error.
        """


class FirehoseLane(Lane):
    """The flow logs of one delivery stream."""

    def __init__(self, desk: Desk, receiver: FirehoseReceiver, stream_arn: str) -> None:
        super().__init__(desk)
        self._receiver = receiver
        self._arn = stream_arn
        #: The segment and flow logs under way, and how many of its records are acknowledged.
        self._under_way: tuple[str, tuple[str, ...]] | None = None
        self._acknowledged = 0

    def run(self) -> bool:
        """Send the segments that wait; each counts when all of it is acknowledged."""
        moved = False
        for made, due, index in self.walk():
            lost: dict[str, int] = {}
            records: list[bytes] = []
            for cut in index.cut(made.records, Apart.INTERFACE):
                if made.segment.skipped:
                    lost |= lost_records(cut)
                rows = with_format_version(known_columns(cut.records), cut.log_format)
                lines = encode([rows], Encoding.FIREHOSE, cut.log_format)
                records += lines.splitlines(keepends=True)
            under_way = (made.segment.digest, tuple(plan.flow_log_id for plan in due))
            if under_way != self._under_way:
                self._under_way, self._acknowledged = under_way, 0
            try:
                if not self._send(records):
                    return moved
            except Exception as error:  # noqa: BLE001 - it becomes the flow logs' status
                self.fail(due, error)
                return moved
            self.backoff.succeeded()
            self.desk.progress.delivered(due, made.segment.number, made.until_s, lost)
            moved = True
        return moved

    def _send(self, records: list[bytes]) -> bool:
        """Hand over what was not acknowledged yet; False when the process ends meanwhile."""
        settings = self.desk.settings
        sizes = np.fromiter(map(len, records), np.int64, len(records))
        ends = np.concatenate([[0], np.cumsum(sizes)])
        while self._acknowledged < len(records):
            if self.desk.is_ending():
                return False
            begin = self._acknowledged
            room = ends[begin] + settings.firehose_batch_bytes_max
            end = max(int(np.searchsorted(ends, room, "right")) - 1, begin + 1)
            end = min(end, len(records), begin + settings.firehose_records_max)
            self._receiver.put(self._arn, records[begin:end])
            DELIVERED.labels("firehose").inc(end - begin)
            self._acknowledged = end
        return True
