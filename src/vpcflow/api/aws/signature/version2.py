"""S3's old signed links (signature version 2 in the query), which boto3 still makes by default."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.signature.claim import split_query

#: Parameters of the query that are part of what is signed.
_SIGNED_NAMES = (
    "accelerate acl analytics cors defaultObjectAcl delete inventory lifecycle location logging "
    "metrics notification object-lock partNumber policy replication requestPayment "
    "response-cache-control response-content-disposition response-content-encoding "
    "response-content-language response-content-type response-expires restore select select-type "
    "storageClass tagging torrent uploadId uploads versionId versioning versions website"
)
_SIGNED = frozenset(_SIGNED_NAMES.split())


class OldClaim(NamedTuple):
    """A signature of version 2 and what it says it covers."""

    key_id: str
    signature: str
    expires: str
    token: str | None


def old_claim(raw: RawRequest, values: Mapping[str, Sequence[str]]) -> OldClaim | None:
    """The claim of a link of the old form; None when a part of it is missing or there twice."""
    found = [values.get(name, ()) for name in ("AWSAccessKeyId", "Signature", "Expires")]
    if any(len(each) != 1 for each in found):
        return None
    key_id, signature, expires = (each[0] for each in found)
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
        return None
    token = _amz_headers(raw, values).get("x-amz-security-token")
    return OldClaim(key_id, signature, expires, token)


def old_string_to_sign(raw: RawRequest, values: Mapping[str, Sequence[str]], expires: str) -> str:
    """The text that the old signature is made over."""

    def standard(name: str) -> str:
        return (raw.header(name) or (values.get(name) or [""])[0]).strip()

    amz = _amz_headers(raw, values)
    custom = "".join(f"{name}:{amz[name]}\n" for name in sorted(amz))
    signed = sorted(
        (
            part
            for part in (tuple(pair.split("=", 1)) for pair in raw.query.split("&"))
            if part[0] in _SIGNED
        ),
        key=lambda part: part[0],
    )
    resource = raw.path or "/"
    if signed:
        resource += "?" + "&".join("=".join((part[0], *map(unquote, part[1:]))) for part in signed)
    return (
        f"{raw.method.upper()}\n{standard('content-md5')}\n{standard('content-type')}\n"
        f"{expires}\n{custom}{resource}"
    )


def old_signature(secret: str, text: str) -> str:
    """The right signature of a text."""
    digest = hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1)
    return base64.b64encode(digest.digest()).decode()


def _amz_headers(raw: RawRequest, values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Headers of Amazon's own, of the head or moved into the query when the link was made."""
    found: dict[str, list[str]] = {}
    for name, value in raw.headers:
        if name.startswith("x-amz-"):
            found.setdefault(name, []).append(value.strip())
    for name, _ in split_query(raw.query):
        if name.startswith("x-amz-") and name not in found:
            found[name] = [value.strip() for value in values[name]]
    return {name: ",".join(each) for name, each in found.items()}
