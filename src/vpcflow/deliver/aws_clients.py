"""Clients of AWS's SDK for destinations elsewhere, and what their refusals mean for a flow log."""

from __future__ import annotations

import threading
from typing import Any

from vpcflow.deliver.settings import DeliverySettings
from vpcflow.deliver.status import DestinationError, FailureMessage

#: One attempt: delivery itself backs off and tries again.
ATTEMPTS_MAX = 1
_ACCESS_CODES = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "AccountProblem",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidKMSResourceException",
        "InvalidSignatureException",
        "InvalidToken",
        "KMS.DisabledException",
        "KMSAccessDeniedException",
        "NoSuchBucket",
        "NotSignedUp",
        "ResourceNotFoundException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_RATE_CODES = frozenset(
    {
        "429",
        "503",
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def as_destination_error(error: Exception, where: str) -> DestinationError:
    """What an error of the SDK means.

    Shape: a destination that is not there cannot be told from one that may not be seen.
    """
    from botocore import exceptions as boto

    response: dict[str, Any] = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    message = FailureMessage.UNKNOWN_ERROR
    if code in _ACCESS_CODES or isinstance(
        error,
        boto.NoCredentialsError
        | boto.PartialCredentialsError
        | boto.CredentialRetrievalError
        | boto.ProfileNotFound,
    ):
        message = FailureMessage.ACCESS_ERROR
    elif code in _RATE_CODES:
        message = FailureMessage.RATE_LIMITED
    return DestinationError(message, str(error), where=where)


class ClientMaker:
    """Makes a client when it is first needed: the SDK is slow to import.

    Shape: one client a service and region, shared by all threads.
    """

    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}

    def client(self, service: str, endpoint_url: str | None, region: str) -> Any:
        """The client of a service."""
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = self._make(service, endpoint_url, region)
            return self._made[service, region]

    def _make(self, service: str, endpoint_url: str | None, region: str) -> Any:
        import boto3
        from botocore.config import Config

        settings = self._settings
        config = Config(
            connect_timeout=settings.connect_timeout_s,
            read_timeout=settings.read_timeout_s,
            retries={"total_max_attempts": ATTEMPTS_MAX, "mode": "standard"},
            max_pool_connections=max(settings.workers_max, 1),
            s3={"addressing_style": "path"} if settings.s3_path_style else {},
        )
        session = boto3.session.Session(profile_name=settings.aws_profile, region_name=region)
        make: Any = session.client
        return make(service, endpoint_url=endpoint_url, config=config)
