"""Delivery streams: those of this endpoint, else those at AWS or wherever the settings say."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vpcflow.api.aws.operation import Service
from vpcflow.base.clock import Clock
from vpcflow.deliver.aws_firehose import AwsFirehose

if TYPE_CHECKING:
    from vpcflow.app.control_plane import ControlPlane
    from vpcflow.app.settings import Settings
    from vpcflow.store.objects import ObjectStore


class DeliveryStreams:
    """Takes records for a stream by its ARN."""

    def __init__(
        self, settings: Settings, plane: ControlPlane, objects: ObjectStore, clock: Clock
    ) -> None:
        self._elsewhere = AwsFirehose(settings.deliver)

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        self._elsewhere.put(stream_arn, records)

    def offer(self, stream_arn: str, records: list[bytes]) -> None:
        pass

    def service(self) -> Service:
        return Service.of("firehose", [])

    def run(self, stop: threading.Event) -> None:
        stop.wait()

    def close(self) -> None:
        pass
