"""Checks the signature of a request in full and says who made it."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import NoReturn

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.signature.canonical import canonical_requests
from vpcflow.api.aws.signature.chunked import (
    SIGNED_CHUNKS,
    SIGNED_CHUNKS_TRAILER,
    UNSIGNED_CHUNKS_TRAILER,
    ChunkKey,
)
from vpcflow.api.aws.signature.claim import (
    ALGORITHM,
    Claim,
    header_claim,
    query_claim,
    query_values,
)
from vpcflow.api.aws.signature.refusals import no_match, presigned_expired, refusal, skewed
from vpcflow.api.aws.signature.version2 import old_claim, old_signature, old_string_to_sign
from vpcflow.base.clock import Clock
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller, root_caller
from vpcflow.control.identity import AccessKey, TemporaryKey, caller_of, find_key
from vpcflow.control.state import State

#: How far a client's clock may be from ours.
SKEW_S = 300
S3_SKEW_S = 900
#: Signing keys that are kept: one for each key, day, region and service in use.
SIGNING_KEYS_HELD_MAX = 4096
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_STREAMING = (SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER, UNSIGNED_CHUNKS_TRAILER)
_HASH = re.compile(r"[0-9a-f]{64}")
#: botocore's names of services whose signatures name another one.
_SIGNED_AS = {"cloudwatch": "monitoring", "resourcegroupstaggingapi": "tagging"}


@dataclass(frozen=True, slots=True)
class Verified:
    """Who made a request, and what is known of its body.

    Shape: ``payload`` is what the signature covers: the body's SHA-256 in hexadecimal, or S3's word
    for a body that is not covered or comes in chunks; ``chunk_key`` checks signed chunks.
    """

    caller: Caller
    region: str
    chunk_key: ChunkKey | None = None
    payload: str = UNSIGNED_PAYLOAD


class Verifier:
    """Knows the keys of all accounts.

    Shape: safe for any number of threads. ``anonymous`` lets requests without a signature pass as
    the root of ``account_id``; ``default_region`` is theirs, and that of links that name none.
    """

    def __init__(
        self,
        state: State,
        clock: Clock,
        *,
        account_id: str,
        default_region: str,
        anonymous: bool = False,
    ) -> None:
        self._state = state
        self._clock = clock
        self._account_id = account_id
        self._default_region = default_region
        self._anonymous = anonymous
        self._signing_keys: dict[tuple[str, str, str, str], bytes] = {}

    def verify(
        self,
        raw: RawRequest,
        service: str,
        body_hash: str | None = None,
        *,
        check_body: bool = True,
    ) -> Verified:
        """Check who made a request for a service of botocore's name.

        Shape: ``body_hash`` is the body's SHA-256 where it was computed already; without
        ``check_body`` an S3 body is left to be compared with ``Verified.payload``.
        Errors: ServiceError with the code and text that this service uses.
        """
        service = _SIGNED_AS.get(service, service)
        header = raw.header("authorization")
        values = query_values(raw.query) if "=" in raw.query else {}
        linked = "X-Amz-Signature" in values or "X-Amz-Algorithm" in values
        old = service == "s3" and "AWSAccessKeyId" in values and "Signature" in values
        if (header is not None) + linked + old > 1 and service == "s3":
            raise ServiceError(
                "InvalidArgument",
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
                "Signature query string parameter or the Authorization header should be specified",
            )
        if header is not None:
            claim = header_claim(raw, header, service)
        elif linked:
            claim = query_claim(values, service)
        elif old:
            return self._verify_old(raw, values)
        elif self._anonymous:
            return Verified(root_caller(self._account_id), self._default_region)
        else:
            raise refusal("unsigned", service)
        return self._verify(raw, claim, service, body_hash, check_body)

    def _verify(
        self, raw: RawRequest, claim: Claim, service: str, body_hash: str | None, check_body: bool
    ) -> Verified:
        _check_scope(claim, service)
        _check_signed_headers(raw, claim, service)
        key = self._key(claim.key_id, service)
        self._check_time(claim, service)
        payload = _payload(raw, claim, service)
        if payload is None:
            payload = body_hash or hashlib.sha256(raw.body).hexdigest()
        signing_key = self._signing_key(key.secret, claim)
        self._check_signature(raw, claim, service, payload, signing_key)
        caller = self._caller(key, claim.token, service)
        if service == "s3" and check_body and _HASH.fullmatch(payload):
            found = body_hash or hashlib.sha256(raw.body).hexdigest()
            if found != payload:
                raise ServiceError(
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                    fields={
                        "ClientComputedContentSHA256": payload,
                        "S3ComputedContentSHA256": found,
                    },
                )
        chunk_key = None
        if payload in (SIGNED_CHUNKS, SIGNED_CHUNKS_TRAILER):
            chunk_key = ChunkKey(signing_key, claim.stamp, claim.scope, claim.signature)
        return Verified(caller, claim.region, chunk_key, payload)

    def _key(self, key_id: str, service: str) -> AccessKey | TemporaryKey:
        key = find_key(self._state, key_id)
        if key is None or (isinstance(key, AccessKey) and not key.active):
            fields = {"AWSAccessKeyId": key_id}
            raise refusal("unknown-key", service, fields=fields)
        return key

    def _caller(self, key: AccessKey | TemporaryKey, token: str | None, service: str) -> Caller:
        wanted = key.token if isinstance(key, TemporaryKey) else ""
        given = (token or "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(wanted.encode(), given):
            raise refusal("bad-token", service)
        if isinstance(key, TemporaryKey) and key.expires_s <= self._clock.now_s():
            raise refusal("expired-token", service)
        caller = caller_of(self._state, key)
        if caller is None:
            raise refusal("unknown-key", service, fields={"AWSAccessKeyId": key.key_id})
        return caller

    def _check_time(self, claim: Claim, service: str) -> None:
        now_s = self._clock.now_s()
        tolerance_s = S3_SKEW_S if service == "s3" else SKEW_S
        if claim.expires_s is None:
            if abs(now_s - claim.sent_s) > tolerance_s:
                raise skewed(service, claim.sent_s, now_s, tolerance_s)
            return
        if claim.sent_s > now_s + tolerance_s:
            if service == "s3":
                raise ServiceError("AccessDenied", "Request is not valid yet", status=403)
            raise skewed(service, claim.sent_s, now_s, tolerance_s)
        end_s = claim.sent_s + claim.expires_s
        if now_s > end_s:
            raise presigned_expired(service, end_s, now_s, str(claim.expires_s))

    def _check_signature(
        self, raw: RawRequest, claim: Claim, service: str, payload: str, signing_key: bytes
    ) -> None:
        first: tuple[str, bytes] | None = None
        presigned = claim.expires_s is not None
        for canonical in canonical_requests(
            raw, claim.signed, payload, s3=service == "s3", presigned=presigned
        ):
            digest = hashlib.sha256(canonical).hexdigest()
            text = f"{ALGORITHM}\n{claim.stamp}\n{claim.scope}\n{digest}"
            right = hmac.digest(signing_key, text.encode(), "sha256").hex()
            if hmac.compare_digest(right, claim.signature):
                return
            first = first or (text, canonical)
        _refuse(claim, service, first)

    def _signing_key(self, secret: str, claim: Claim) -> bytes:
        name = (secret, claim.day, claim.region, claim.service)
        found = self._signing_keys.get(name)
        if found is None:
            found = f"AWS4{secret}".encode()
            for part in (claim.day, claim.region, claim.service, "aws4_request"):
                found = hmac.digest(found, part.encode(), "sha256")
            if len(self._signing_keys) >= SIGNING_KEYS_HELD_MAX:
                # Days go by, so that what is held is mostly of yesterday: begin anew.
                self._signing_keys = {}
            self._signing_keys[name] = found
        return found

    def _verify_old(self, raw: RawRequest, values: dict[str, list[str]]) -> Verified:
        claim = old_claim(raw, values)
        if claim is None:
            raise ServiceError(
                "AccessDenied",
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
                "parameters",
                status=403,
            )
        key = self._key(claim.key_id, "s3")
        now_s, end_s = self._clock.now_s(), int(claim.expires)
        if now_s > end_s:
            raise presigned_expired("s3", min(end_s, 2**32), now_s, None)
        text = old_string_to_sign(raw, values, claim.expires)
        right = old_signature(key.secret, text)
        given = claim.signature.encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(right.encode(), given):
            raise no_match("s3", claim.key_id, claim.signature, text, None)
        return Verified(self._caller(key, claim.token, "s3"), self._default_region)


def _refuse(claim: Claim, service: str, first: tuple[str, bytes] | None) -> NoReturn:
    text, canonical = first or ("", b"")
    raise no_match(service, claim.key_id, claim.signature, text, canonical)


def _check_scope(claim: Claim, service: str) -> None:
    if claim.service == service:
        return
    if service == "s3":
        message = (
            f'The authorization header is malformed; incorrect service "{claim.service}". This '
            'endpoint belongs to "s3".'
        )
        raise refusal("malformed" if claim.expires_s is None else "malformed-query", "s3", message)
    raise refusal("scope", service, f"Credential should be scoped to correct service: '{service}'.")


def _check_signed_headers(raw: RawRequest, claim: Claim, service: str) -> None:
    missing = [] if "host" in claim.signed else ["host"]
    for name, value in raw.headers:
        if name.startswith("x-amz-") and name not in claim.signed:
            # A link's maker cannot know that the sender would say this of itself.
            harmless = name == "x-amz-content-sha256" and value == UNSIGNED_PAYLOAD
            if not (harmless and claim.expires_s is not None):
                missing.append(name)
    if missing:
        message = (
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
            if missing[0] == "host"
            else f"'{missing[0]}' must be a 'SignedHeader' in the AWS Authorization."
        )
        fields = {"HeadersNotSigned": ", ".join(missing)}
        raise refusal("unsigned-header", service, message, fields)


def _payload(raw: RawRequest, claim: Claim, service: str) -> str | None:
    """What the signature says of the body; None for its hash."""
    if service != "s3":
        return None
    declared = raw.header("x-amz-content-sha256")
    if declared is None:
        if claim.expires_s is not None:
            return UNSIGNED_PAYLOAD
        raise ServiceError(
            "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"
        )
    if declared == UNSIGNED_PAYLOAD or declared in _STREAMING or _HASH.fullmatch(declared):
        return declared
    raise ServiceError(
        "InvalidArgument",
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a "
        "valid sha256 value.",
        fields={"ArgumentName": "x-amz-content-sha256", "ArgumentValue": declared},
    )
