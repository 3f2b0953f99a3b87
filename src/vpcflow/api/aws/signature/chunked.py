"""Bodies that come in signed or unsigned chunks (aws-chunked), as S3's clients send them."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from vpcflow.api.aws.signature.refusals import refusal
from vpcflow.base.errors import ServiceError

SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_CHUNKS_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_HEAD = re.compile(rb"([0-9a-fA-F]{1,15})(?:;chunk-signature=([0-9a-f]{64}))?")
_HEAD_BYTES_MAX = 256
_TRAILER_BYTES_MAX = 8192
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(slots=True)
class ChunkKey:
    """Checks the chain of chunk signatures that begins with the request's own."""

    key: bytes
    stamp: str
    scope: str
    signature: str

    def check(self, data: bytes, given: str) -> None:
        """Check the next chunk.

        Errors: ServiceError ``SignatureDoesNotMatch``.
        """
        digest = hashlib.sha256(data).hexdigest()
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{_EMPTY_HASH}\n{digest}", given)

    def check_trailer(self, trailer: bytes, given: str) -> None:
        """Check the headers that follow the last chunk, each as ``name:value`` and a line feed.

        Errors: ServiceError ``SignatureDoesNotMatch``.
        """
        digest = hashlib.sha256(trailer).hexdigest()
        self._check("AWS4-HMAC-SHA256-TRAILER", digest, given)

    def _check(self, algorithm: str, rest: str, given: str) -> None:
        text = f"{algorithm}\n{self.stamp}\n{self.scope}\n{self.signature}\n{rest}"
        right = hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right.encode(), given.encode()):
            raise refusal("signature", "s3")
        self.signature = right


def unframe(body: bytes, key: ChunkKey | None) -> tuple[bytes, list[tuple[str, str]]]:
    """The data of a chunked body and the headers that follow it.

    Shape: with a key, every chunk and the trailer must be signed.
    Errors: ServiceError ``IncompleteBody`` or ``InvalidRequest`` for a broken frame,
    ``SignatureDoesNotMatch``.
    """
    data: list[bytes] = []
    at = 0
    while True:
        end = body.find(b"\r\n", at, at + _HEAD_BYTES_MAX)
        head = _HEAD.fullmatch(body, at, end) if end >= 0 else None
        if head is None:
            raise _broken()
        size = int(head[1], 16)
        chunk = body[end + 2 : end + 2 + size]
        if len(chunk) != size:
            raise _broken()
        if key is not None:
            key.check(chunk, (head[2] or b"").decode())
        at = end + 2 + size
        if size == 0:
            return b"".join(data), _trailer(body[at:], key)
        if body[at : at + 2] != b"\r\n":
            raise _broken()
        data.append(chunk)
        at += 2


def _trailer(rest: bytes, key: ChunkKey | None) -> list[tuple[str, str]]:
    if len(rest) > _TRAILER_BYTES_MAX:
        raise _broken()
    found: list[tuple[str, str]] = []
    signature = ""
    for line in rest.decode("latin-1").replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if not line:
            continue
        if not colon:
            raise _broken()
        if name.lower() == "x-amz-trailer-signature":
            signature = value.strip()
        else:
            found.append((name.lower().strip(), value.strip()))
    if key is not None and found:
        text = "".join(f"{name}:{value}\n" for name, value in found)
        key.check_trailer(text.encode("latin-1"), signature)
    return found


def _broken() -> ServiceError:
    return ServiceError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
