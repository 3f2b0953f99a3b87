"""Delivery streams elsewhere: AWS's, or those of any endpoint that speaks Firehose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vpcflow.deliver.aws_clients import ClientMaker, as_destination_error
from vpcflow.deliver.settings import DeliverySettings
from vpcflow.deliver.status import DestinationError, FailureMessage

#: How often records that Firehose did not take are sent again before delivery backs off.
ATTEMPTS_MAX = 3
_THROTTLED = "ServiceUnavailableException"


class AwsFirehose:
    """Puts records with the SDK; those that were refused alone are sent again.

    Errors: DestinationError.
    """

    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings
        self._clients = ClientMaker(settings)

    def put(self, stream_arn: str, records: Sequence[bytes]) -> None:
        """Hand over at most 500 records and 4 MB."""
        parts = stream_arn.split(":")
        region, name = parts[3], parts[-1].partition("/")[2]
        left = list(records)
        code = ""
        for _ in range(ATTEMPTS_MAX):
            answers = self._put(stream_arn, region, name, left)
            codes = [str(answer.get("ErrorCode") or "") for answer in answers]
            code = next(filter(None, codes), "")
            left = [record for record, failed in zip(left, codes, strict=True) if failed]
            if not left:
                return
        throttled = code == _THROTTLED
        raise DestinationError(
            FailureMessage.RATE_LIMITED if throttled else FailureMessage.UNKNOWN_ERROR,
            f"{len(left)} records were refused: {code}",
            where=stream_arn,
        )

    def _put(
        self, stream_arn: str, region: str, name: str, records: list[bytes]
    ) -> list[dict[str, Any]]:
        try:
            client = self._clients.client("firehose", self._settings.firehose_endpoint_url, region)
            answer = client.put_record_batch(
                DeliveryStreamName=name, Records=[{"Data": record} for record in records]
            )
        # boto makes its error classes at run time; every error is raised again as ours.
        except Exception as error:
            raise as_destination_error(error, stream_arn) from error
        return list(answer["RequestResponses"])
