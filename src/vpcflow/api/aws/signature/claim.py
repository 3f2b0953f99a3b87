"""What a request says about itself: who signed it, when, and over which headers."""

from __future__ import annotations

import calendar
import email.utils
import re
import time
from dataclasses import dataclass
from urllib.parse import unquote_plus

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.signature.refusals import refusal
from vpcflow.base.errors import ServiceError

ALGORITHM = "AWS4-HMAC-SHA256"
EXPIRES_MAX_S = 604_800
_STAMP = re.compile(r"\d{8}T\d{6}Z")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SCOPE_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_ENDING = "aws4_request"


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature of version 4 and what it says it covers.

    Shape: ``stamp`` as ``20260131T235959Z``; ``expires_s`` is None in the header form.
    """

    key_id: str
    day: str
    region: str
    service: str
    signed: tuple[str, ...]
    signature: str
    stamp: str
    sent_s: float
    token: str | None
    expires_s: int | None

    @property
    def scope(self) -> str:
        """The credential's scope without the key."""
        return f"{self.day}/{self.region}/{self.service}/{_ENDING}"


def split_query(query: str) -> list[tuple[str, str]]:
    """Names and values of a query string as they stand, each still encoded."""
    if not query:
        return []
    pairs = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        pairs.append((name, value))
    return pairs


def query_values(query: str) -> dict[str, list[str]]:
    """Names and values of a query string, decoded."""
    found: dict[str, list[str]] = {}
    for name, value in split_query(query):
        found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def peek_scope(raw: RawRequest) -> tuple[str, str] | None:
    """The service and the region that a signature names, nothing of it checked.

    Shape: the old form of S3's links names no region, which is then empty.
    """
    header = raw.header("authorization")
    if header is not None:
        found = re.search(r"Credential=([^,\s]+)", header)
        if found is None:
            return ("s3", "") if header.startswith("AWS ") else None
        credential = found[1]
    elif "X-Amz-Credential" in raw.query:
        credential = (query_values(raw.query).get("X-Amz-Credential") or [""])[0]
    elif "AWSAccessKeyId" in raw.query and "Signature" in raw.query:
        return ("s3", "")
    else:
        return None
    parts = credential.split("/")
    return (parts[-2], parts[-3]) if len(parts) >= 5 else None


def header_claim(raw: RawRequest, header: str, service: str) -> Claim:
    """The claim of an Authorization header.

    Errors: ServiceError in the service's words when it is no whole claim.
    """
    if not header.startswith(ALGORITHM):
        raise _unknown_algorithm(header, service)
    parts: dict[str, str] = {}
    for part in header[len(ALGORITHM) :].split(","):
        name, _, value = part.strip().partition("=")
        parts[name] = value.strip()
    missing = [name for name in ("Credential", "Signature", "SignedHeaders") if not parts.get(name)]
    stamp = _stamp_of_headers(raw)
    if missing or stamp is None:
        if service == "s3" and not missing:
            raise ServiceError(
                "AccessDenied",
                "AWS authentication requires a valid Date or x-amz-date header",
                status=403,
            )
        words = [f"Authorization header requires '{name}' parameter." for name in missing]
        if stamp is None:
            words.append(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
                "header."
            )
        raise refusal("malformed", service, f"{' '.join(words)} Authorization={ALGORITHM}")
    return _claim(parts, stamp, raw.header("x-amz-security-token"), None, service)


def query_claim(values: dict[str, list[str]], service: str) -> Claim:
    """The claim of a presigned request's query.

    Errors: ServiceError in the service's words when it is no whole claim.
    """
    names = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
    found: dict[str, str] = {}
    for name in (*names, "Security-Token"):
        given = values.get(f"X-Amz-{name}", [])
        if len(given) == 1 and given[0]:
            found[name] = given[0]
        elif given or name != "Security-Token":
            raise refusal(
                "malformed-query",
                service,
                "Query-string authentication version 4 requires the X-Amz-Algorithm, "
                "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
                "X-Amz-Expires parameters.",
            )
    if found["Algorithm"] != ALGORITHM:
        raise refusal("malformed-query", service, f'X-Amz-Algorithm only supports "{ALGORITHM}"')
    expires = found["Expires"]
    if not (expires.isascii() and expires.isdigit()):
        raise refusal("malformed-query", service, "X-Amz-Expires should be a number")
    if len(expires) > 9 or int(expires) > EXPIRES_MAX_S:
        raise refusal(
            "malformed-query",
            service,
            f"X-Amz-Expires must be less than a week (in seconds); that is, the given "
            f"X-Amz-Expires must be less than {EXPIRES_MAX_S} seconds",
        )
    if not _STAMP.fullmatch(found["Date"]):
        raise refusal(
            "malformed-query",
            service,
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        )
    return _claim(found, found["Date"], found.get("Security-Token"), int(expires), service)


def _claim(
    parts: dict[str, str], stamp: str, token: str | None, expires_s: int | None, service: str
) -> Claim:
    situation = "malformed" if expires_s is None else "malformed-query"
    start = "The authorization header is malformed; " if situation == "malformed" else "Error "
    credential = parts["Credential"].split("/")
    if len(credential) < 5 or credential[-1] != _ENDING:
        raise refusal(
            situation,
            service,
            f"{start}parsing the X-Amz-Credential parameter; the Credential is mal-formed; "
            'expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
        )
    key_id = "/".join(credential[:-4])
    day, region, scoped = credential[-4:-1]
    if not (_SCOPE_PART.fullmatch(region) and _SCOPE_PART.fullmatch(scoped)):
        raise refusal(situation, service, f"{start}the Credential is mal-formed.")
    if day != stamp[:8]:
        message = (
            f'Invalid credential date "{day}". This date is not the same as X-Amz-Date: "{stamp}".'
            if service == "s3"
            else "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            f"from HTTP: '{day}' != '{stamp[:8]}', from '{stamp}'."
        )
        raise refusal("malformed-query" if expires_s is not None else "scope", service, message)
    signed = tuple(parts["SignedHeaders"].split(";"))
    if not all(_HEADER_NAME.fullmatch(name) for name in signed) or len(set(signed)) != len(signed):
        raise refusal(situation, service, f"{start}the SignedHeaders are mal-formed.")
    try:
        sent_s = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError as error:
        raise refusal(situation, service, f"{start}{stamp} is no date.") from error
    signature = parts["Signature"]
    if not _SIGNATURE.fullmatch(signature):
        # No computed signature looks like that, so it is wrong like any other.
        signature = ""
    return Claim(key_id, day, region, scoped, signed, signature, stamp, sent_s, token, expires_s)


def _stamp_of_headers(raw: RawRequest) -> str | None:
    given = raw.header("x-amz-date")
    if given is None:
        date = raw.header("date")
        if date is None:
            return None
        if _STAMP.fullmatch(date):
            return date
        try:
            read = email.utils.parsedate_to_datetime(date)
        except ValueError:
            return None
        return time.strftime("%Y%m%dT%H%M%SZ", read.utctimetuple())
    return given if _STAMP.fullmatch(given) else None


def _unknown_algorithm(header: str, service: str) -> ServiceError:
    if service == "s3":
        return ServiceError(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use "
            f"{ALGORITHM}.",
        )
    words = header.split(maxsplit=1)
    return refusal("malformed", service, f"Unsupported AWS 'algorithm': '{(words or [''])[0]}'.")
