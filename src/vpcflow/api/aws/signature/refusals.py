"""What each kind of service says to a request that it does not believe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from vpcflow.base.errors import ServiceError

_QUERY = frozenset({"iam", "sts", "sns"})
_KEY_INVALID = "The security token included in the request is invalid."
_KEY_EXPIRED = "The security token included in the request is expired"
_NOT_VALIDATED = "AWS was not able to validate the provided access credentials"
_LONG = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)
_SHORT = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "key and signing method."
)
STAMP = "%Y%m%dT%H%M%SZ"


class _Said(NamedTuple):
    code: str
    status: int
    message: str = ""


#: By situation: JSON services, EC2, Query services, S3. An empty message is the caller's own.
_TABLE: dict[str, tuple[_Said, _Said, _Said, _Said]] = {
    "unsigned": (
        _Said("MissingAuthenticationTokenException", 400, "Missing Authentication Token"),
        _Said("MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId"),
        _Said("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
        _Said("AccessDenied", 403, "Access Denied"),
    ),
    "unknown-key": (
        _Said("UnrecognizedClientException", 400, _KEY_INVALID),
        _Said("AuthFailure", 401, _NOT_VALIDATED),
        _Said("InvalidClientTokenId", 403, _KEY_INVALID),
        _Said(
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
    ),
    "bad-token": (
        _Said("UnrecognizedClientException", 400, _KEY_INVALID),
        _Said("AuthFailure", 401, _NOT_VALIDATED),
        _Said("InvalidClientTokenId", 403, _KEY_INVALID),
        _Said("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
    ),
    "expired-token": (
        _Said("ExpiredTokenException", 400, _KEY_EXPIRED),
        _Said("RequestExpired", 400, "Request has expired."),
        _Said("ExpiredToken", 403, _KEY_EXPIRED),
        _Said("ExpiredToken", 400, "The provided token has expired."),
    ),
    "signature": (
        _Said("InvalidSignatureException", 400, _LONG),
        _Said("AuthFailure", 401, _NOT_VALIDATED),
        _Said("SignatureDoesNotMatch", 403, _LONG),
        _Said("SignatureDoesNotMatch", 403, _SHORT),
    ),
    # The signature says something else than the request does: service, date, headers.
    "scope": (
        _Said("InvalidSignatureException", 400),
        _Said("AuthFailure", 401),
        _Said("SignatureDoesNotMatch", 403),
        _Said("AuthorizationHeaderMalformed", 400),
    ),
    "malformed": (
        _Said("IncompleteSignatureException", 400),
        _Said("IncompleteSignature", 400),
        _Said("IncompleteSignature", 400),
        _Said("AuthorizationHeaderMalformed", 400),
    ),
    "malformed-query": (
        _Said("IncompleteSignatureException", 400),
        _Said("IncompleteSignature", 400),
        _Said("IncompleteSignature", 400),
        _Said("AuthorizationQueryParametersError", 400),
    ),
    "unsigned-header": (
        _Said("InvalidSignatureException", 400),
        _Said("AuthFailure", 401),
        _Said("SignatureDoesNotMatch", 403),
        _Said(
            "AccessDenied",
            403,
            "There were headers present in the request which were not signed",
        ),
    ),
    "skew": (
        _Said("InvalidSignatureException", 400),
        _Said("RequestExpired", 400, "Request has expired."),
        _Said("SignatureDoesNotMatch", 403),
        _Said(
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the server's time is too large.",
        ),
    ),
}


def refusal(
    situation: str, service: str, message: str = "", fields: Mapping[str, str] | None = None
) -> ServiceError:
    """The error of a service for a situation; ``fields`` are for S3 alone."""
    column = 3 if service == "s3" else 1 if service == "ec2" else 2 if service in _QUERY else 0
    said = _TABLE[situation][column]
    return ServiceError(
        said.code,
        said.message or message,
        status=said.status,
        fields=fields if column == 3 else None,
    )


def skewed(service: str, sent_s: float, now_s: float, tolerance_s: int) -> ServiceError:
    """The error for a request whose clock is too far from ours."""
    stamp = datetime.fromtimestamp(sent_s, UTC).strftime(STAMP)
    here = datetime.fromtimestamp(now_s, UTC).strftime(STAMP)
    minutes = tolerance_s // 60
    if sent_s < now_s:
        bound = datetime.fromtimestamp(now_s - tolerance_s, UTC).strftime(STAMP)
        message = (
            f"Signature expired: {stamp} is now earlier than {bound} ({here} - {minutes} min.)"
        )
    else:
        bound = datetime.fromtimestamp(now_s + tolerance_s, UTC).strftime(STAMP)
        message = (
            f"Signature not yet current: {stamp} is still later than {bound} "
            f"({here} + {minutes} min.)"
        )
    fields = {
        "RequestTime": stamp,
        "ServerTime": _iso(now_s),
        "MaxAllowedSkewMilliseconds": str(tolerance_s * 1000),
    }
    return refusal("skew", service, message, fields)


def presigned_expired(
    service: str, end_s: float, now_s: float, expires: str | None
) -> ServiceError:
    """The error for a presigned request whose time is over."""
    if service != "s3":
        end = datetime.fromtimestamp(end_s, UTC).strftime(STAMP)
        here = datetime.fromtimestamp(now_s, UTC).strftime(STAMP)
        return refusal("skew", service, f"Signature expired: {end} is now earlier than {here}")
    fields = {"X-Amz-Expires": expires} if expires is not None else {}
    fields |= {"Expires": _iso(end_s), "ServerTime": _iso(now_s)}
    return ServiceError("AccessDenied", "Request has expired", status=403, fields=fields)


def no_match(
    service: str, key_id: str, given: str, string_to_sign: str, canonical: bytes | None
) -> ServiceError:
    """The error for a wrong signature; S3 shows what it computed the right one from."""
    fields = {
        "AWSAccessKeyId": key_id,
        "StringToSign": string_to_sign,
        "SignatureProvided": given,
        "StringToSignBytes": string_to_sign.encode().hex(" "),
    }
    if canonical is not None:
        fields["CanonicalRequest"] = canonical.decode("utf-8", "replace")
        fields["CanonicalRequestBytes"] = canonical.hex(" ")
    return refusal("signature", service, fields=fields)


def _iso(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
