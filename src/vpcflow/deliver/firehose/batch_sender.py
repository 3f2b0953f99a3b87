"""One batch on its way: to the endpoint in requests, to the bucket as an object, or to the backup."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import uuid
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Protocol

import structlog
from prometheus_client import Counter

from vpcflow.base.clock import Clock
from vpcflow.base.errors import DeliveryError
from vpcflow.deliver.firehose.buffer import Batch
from vpcflow.deliver.firehose.frames import Frame
from vpcflow.deliver.firehose.http_endpoint import (
    BODY_BYTES_MAX,
    RECORDS_MAX,
    Outcome,
    Sender,
    Verdict,
    judge,
    make_request,
    unreachable,
)
from vpcflow.deliver.firehose.object_names import object_key
from vpcflow.deliver.firehose.stream_plan import BucketTarget, HttpTarget, StreamPlan

_LOG = structlog.get_logger(__name__)
REQUESTS = Counter(
    "vpcflow_deliver_firehose_requests", "Attempts of delivery streams by outcome", ["outcome"]
)
CONTENT_TYPE = "application/octet-stream"
ERROR_TYPE = "http-endpoint-failed"
#: A record's frame in a request: quotes, braces and its name.
_RECORD_OVERHEAD_BYTES = 12
_GZIP_LEVEL = 6


class ObjectDestination(Protocol):
    """Where buckets are reached."""

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        content_type: str = CONTENT_TYPE,
        content_encoding: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> object:
        """Put a whole object, which nobody sees before all of it is there; raises if it cannot."""


class BatchSender:
    """Delivers one batch; remembers between attempts what was taken.

    Shape: ``failures`` counts the attempts in a row that failed.
    """

    def __init__(
        self,
        batch: Batch,
        objects: ObjectDestination,
        send: Sender,
        timeout_s: float,
        clock: Clock,
    ) -> None:
        self.batch = batch
        self.failures = 0
        self._objects = objects
        self._send = send
        self._timeout_s = timeout_s
        self._clock = clock
        self._frames: list[Frame] | None = None
        self._parts: list[list[bytes | memoryview]] | None = None
        self._part = 0
        self._attempts = 0
        self._part_since_s: float | None = None
        self._verdict = Verdict(Outcome.RETRY)
        self._backed_up = False

    def attempt(self, plan: StreamPlan) -> bool:
        """Try once; whether the batch is done with."""
        try:
            self._frames = self.batch.frames()
        except FileNotFoundError:
            return True
        try:
            if isinstance(plan.target, BucketTarget):
                self._put_object(plan, plan.target)
                return True
            return self._to_endpoint(plan, plan.target)
        # Whatever a bucket raises, the records wait for the next attempt.
        except Exception as error:  # noqa: BLE001
            self.failures += 1
            REQUESTS.labels("object-failed").inc()
            _LOG.warning("delivery stream: no object", stream=plan.arn, error=str(error))
            return False
        finally:
            # Until the next attempt the records are on the disk alone: many streams may wait.
            self._frames = self._parts = None

    def _to_endpoint(self, plan: StreamPlan, target: HttpTarget) -> bool:
        if target.backup_all and not self._backed_up:
            self._put_object(plan, target.backup)
            self._backed_up = True
        if self._parts is None:
            self._parts = list(_parts(self._records(plan)))
        while self._part < len(self._parts):
            records = self._parts[self._part]
            if not self._deliver(plan, target, records):
                return False
            self._part += 1
            self._attempts, self._part_since_s, self.failures = 0, None, 0
        return True

    def _deliver(
        self, plan: StreamPlan, target: HttpTarget, records: Sequence[bytes | memoryview]
    ) -> bool:
        """Send some records; whether they are done with."""
        now_s = self._clock.monotonic_s()
        if self._part_since_s is None:
            self._part_since_s = now_s
        over = now_s - self._part_since_s >= target.retry_duration_s
        if self._attempts == 0 or not over:
            self._attempts += 1
            self._verdict = self._request(plan, target, records)
            REQUESTS.labels(self._verdict.outcome.value).inc()
        if self._verdict.outcome is Outcome.TAKEN:
            return True
        if self._verdict.outcome is Outcome.DROPPED:
            _LOG.error(
                "delivery stream: the endpoint refuses a batch for good; it is dropped",
                stream=plan.arn,
                records=len(records),
                message=self._verdict.message,
            )
            return True
        if over or target.retry_duration_s == 0:
            self._back_up(plan, target, records)
            return True
        self.failures += 1
        return False

    def _request(
        self, plan: StreamPlan, target: HttpTarget, records: Sequence[bytes | memoryview]
    ) -> Verdict:
        request_id = self._request_id()
        now_ms = int(self._clock.now_s() * 1000)
        request = make_request(target, plan.arn, request_id, now_ms, records)
        try:
            return judge(self._send(request, self._timeout_s), request_id)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return unreachable(error)

    def _request_id(self) -> str:
        """The same for the same records, whenever they are sent."""
        if self._part == 0:
            return self.batch.batch_id
        return str(uuid.uuid5(uuid.UUID(self.batch.batch_id), str(self._part)))

    def _records(self, plan: StreamPlan) -> list[bytes | memoryview]:
        assert self._frames is not None
        records = chain.from_iterable(frame.records() for frame in self._frames)
        if plan.delimiter:
            return [b"".join((record, plan.delimiter)) for record in records]
        return list(records)

    def _put_object(self, plan: StreamPlan, target: BucketTarget) -> None:
        """The batch as an object."""
        assert self._frames is not None
        if plan.delimiter:
            data = b"".join(self._records(plan))
        else:
            data = b"".join(frame.data for frame in self._frames)
        self._put(plan, target, target.prefix, data, "", self.batch.batch_id)

    def _back_up(
        self, plan: StreamPlan, target: HttpTarget, records: Sequence[bytes | memoryview]
    ) -> None:
        """Records that the endpoint did not take, as lines with the reason."""
        assert self._frames is not None
        now_ms = int(self._clock.now_s() * 1000)
        head = json.dumps(
            {
                "attemptsMade": self._attempts,
                "arrivalTimestamp": self._frames[0].arrived_ms,
                "errorCode": self._verdict.code,
                "errorMessage": self._verdict.message,
                "attemptEndingTimestamp": now_ms,
                "rawData": "",
            },
            separators=(",", ":"),
        )[:-2]
        lines = [f'{head}{base64.b64encode(record).decode()}"}}\n' for record in records]
        backup = target.backup
        prefix = backup.error_prefix or f"{backup.prefix}{ERROR_TYPE}/"
        self._put(plan, backup, prefix, "".join(lines).encode(), ERROR_TYPE, self._request_id())
        REQUESTS.labels("backed-up").inc()

    def _put(
        self,
        plan: StreamPlan,
        target: BucketTarget,
        prefix: str,
        data: bytes,
        error_type: str,
        identity: str,
    ) -> None:
        assert self._frames is not None
        if target.problem:
            raise DeliveryError(target.problem, where=f"s3://{target.bucket}")
        suffix = target.file_extension
        if target.gzip:
            suffix = suffix or ".gz"
            data = gzip.compress(data, _GZIP_LEVEL, mtime=0)
        key = object_key(
            prefix,
            plan.name,
            plan.version,
            self._frames[0].arrived_ms,
            identity,
            suffix=suffix,
            time_zone=target.time_zone,
            error_type=error_type,
        )
        self._objects.put(target.bucket, key, data, CONTENT_TYPE, "", None)
        REQUESTS.labels("object").inc()


def _parts(records: Sequence[bytes | memoryview]) -> list[list[bytes | memoryview]]:
    """Records in the portions that one request may hold."""
    parts: list[list[bytes | memoryview]] = []
    first, size = 0, 0
    for index, length in enumerate(map(len, records)):
        encoded = (length + 2) // 3 * 4 + _RECORD_OVERHEAD_BYTES
        full = index - first >= RECORDS_MAX or size + encoded > BODY_BYTES_MAX - 1024
        if full and index > first:
            parts.append(list(records[first:index]))
            first, size = index, 0
        size += encoded
    parts.append(list(records[first:]))
    return parts
