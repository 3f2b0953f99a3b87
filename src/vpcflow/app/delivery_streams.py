"""Delivery streams: those of this endpoint, else those that the settings say are elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog
from prometheus_client import Counter

from vpcflow.api.aws import firehose
from vpcflow.api.aws.operation import Service
from vpcflow.app.elsewhere import has_streams_elsewhere
from vpcflow.base.clock import Clock
from vpcflow.base.errors import FlowLogError
from vpcflow.control.delivery_streams import DeliveryStreams
from vpcflow.deliver.aws_firehose import AwsFirehose
from vpcflow.deliver.firehose import FirehoseStreams

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.control.state import State
    from vpcflow.store.objects import ObjectStore

_LOG = structlog.get_logger(__name__)
LOST_PAYLOADS = Counter(
    "vpcflow_deliver_lost_payloads",
    "Payloads of subscription filters that a delivery stream could not take",
)


class StreamsHereAndElsewhere:
    """Takes records for a stream by its ARN; runs the streams that are here."""

    def __init__(
        self, settings: Settings, state: State, objects: ObjectStore, clock: Clock
    ) -> None:
        self._streams = DeliveryStreams(state)
        self._here = FirehoseStreams(
            settings.folder.root / "streams",
            firehose.plan_of(self._streams),
            objects,
            settings.firehose,
            clock,
        )
        self._elsewhere = AwsFirehose(settings.deliver) if has_streams_elsewhere(settings) else None

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        """Take records of a flow log.

        Errors: DestinationError with the words of the flow log's status.
        """
        if self._elsewhere is not None and not self.exists(stream_arn):
            self._elsewhere.put(stream_arn, records)
        else:
            self._here.put(stream_arn, records)

    def offer(self, stream_arn: str, records: list[bytes]) -> None:
        """Take what a subscription filter sends on; what cannot be taken is lost, and said so."""
        try:
            self._here.put(stream_arn, records)
        except FlowLogError as error:
            LOST_PAYLOADS.inc(len(records))
            _LOG.warning(
                "subscription filter lost payloads",
                stream=stream_arn,
                payloads=len(records),
                error=str(error),
            )

    def exists(self, stream_arn: str) -> bool:
        """Whether a stream is here."""
        return self._streams.find_arn(stream_arn) is not None

    def service(self) -> Service:
        """Firehose's API."""
        return firehose.service(self._streams, self._here)

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set; what waits then stays on the disk."""
        self._here.run(stop)

    def held_bytes(self) -> dict[str, int]:
        """Bytes that wait, by stream."""
        return self._here.held_bytes()

    def close(self) -> None:
        """Close the buffers."""
        self._here.close()
