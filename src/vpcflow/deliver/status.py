"""What became of a delivery, in AWS's words, and when to try again.

Source: DeliverLogsErrorMessage of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
"""

from __future__ import annotations

import random
from enum import StrEnum

from vpcflow.base.errors import DeliveryError


class DeliveryStatus(StrEnum):
    """DeliverLogsStatus of a flow log."""

    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


class FailureMessage(StrEnum):
    """DeliverLogsErrorMessage of a flow log."""

    ACCESS_ERROR = "Access error"
    RATE_LIMITED = "Rate limited"
    UNKNOWN_ERROR = "Unknown error"


class DestinationError(DeliveryError):
    """A destination did not take records; ``message`` is what the flow log's status says."""

    def __init__(self, message: str, what: str = "", *, where: str = "", hint: str = "") -> None:
        self.message = message
        super().__init__(what or message, where=where, hint=hint)


def failure_message(error: BaseException) -> str:
    """The status message of whatever a destination raised."""
    if isinstance(error, DestinationError):
        return error.message
    return FailureMessage.UNKNOWN_ERROR


class Backoff:
    """When to try again: each wait twice the last one, up to a bound, with jitter.

    Shape: a wait is between half of its length and the whole, so that many do not come at once.
    Units: seconds of the monotonic clock.
    """

    def __init__(self, first_s: float, max_s: float) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._next_s = first_s
        self.until_s = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.until_s > 0.0

    def failed(self, now_s: float) -> None:
        """Wait longer than the last time."""
        self.until_s = now_s + self._next_s * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        self._next_s = min(self._next_s * 2, self._max_s)

    def succeeded(self) -> None:
        """Forget the failures."""
        self._next_s = self._first_s
        self.until_s = 0.0
