"""What S3's refusals mean for the person who must act."""

from __future__ import annotations

from typing import Any

from vpcflow.base.errors import CollectError

_MISSING_CODES = frozenset({"NoSuchKey", "404", "NotFound"})
_WORDS: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("no such bucket", "check the name, and --endpoint-url"),
    "AccessDenied": (
        "access denied",
        "the credentials need s3:ListBucket on the bucket and s3:GetObject on its objects",
    ),
    "403": (
        "access denied",
        "the credentials need s3:ListBucket on the bucket and s3:GetObject on its objects",
    ),
    "AllAccessDisabled": ("access denied: all access to it is disabled", ""),
    "InvalidAccessKeyId": ("the access key is not known", "check AWS_ACCESS_KEY_ID"),
    "SignatureDoesNotMatch": ("the secret key does not fit", "check AWS_SECRET_ACCESS_KEY"),
    "ExpiredToken": ("the credentials have expired", "log in again"),
    "InvalidToken": ("the session token is not valid", "check AWS_SESSION_TOKEN"),
    "PermanentRedirect": ("the bucket is in another region", "set AWS_REGION to its region"),
    "AuthorizationHeaderMalformed": (
        "the bucket is in another region",
        "set AWS_REGION to its region",
    ),
}
_NO_CREDENTIALS_HINT = (
    "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`"
)


def error_code(error: Exception) -> str:
    """S3's own code of an error, empty when it did not come from S3."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def is_missing(error: Exception) -> bool:
    """Whether the object is not there."""
    return error_code(error) in _MISSING_CODES


def is_temporary(error: Exception) -> bool:
    """Whether the same request may go well a little later."""
    from botocore import exceptions as boto
    from urllib3.exceptions import HTTPError

    if isinstance(
        error,
        boto.ConnectionError
        | boto.HTTPClientError
        | boto.IncompleteReadError
        | boto.ResponseStreamingError
        | HTTPError,
    ):
        return True
    return error_code(error) in {"SlowDown", "InternalError", "ServiceUnavailable", "500", "503"}


def collect_error(error: Exception, where: str, endpoint_url: str | None = None) -> CollectError:
    """Say what a boto error means."""
    from botocore import exceptions as boto

    what, hint = _WORDS.get(error_code(error), ("", ""))
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        what, hint = "no AWS credentials were found", _NO_CREDENTIALS_HINT
    elif isinstance(error, boto.ProfileNotFound):
        what, hint = "the AWS profile does not exist", "check AWS_PROFILE"
    elif isinstance(error, boto.CredentialRetrievalError | boto.TokenRetrievalError):
        what, hint = f"the AWS credentials could not be had: {error}", "log in again"
    elif isinstance(error, boto.ParamValidationError):
        what, hint = "not a bucket name", "write it like s3://bucket/prefix"
    elif isinstance(error, boto.ConnectTimeoutError | boto.EndpointConnectionError):
        place = endpoint_url or "S3"
        what, hint = f"{place} cannot be reached", "check the network, and --endpoint-url"
    elif isinstance(error, ValueError) and not what:
        what, hint = f"{error}".lower(), "check --endpoint-url"
    elif not what:
        what, hint = f"S3 said no: {error}", ""
    return CollectError(what, where=where, hint=hint)
