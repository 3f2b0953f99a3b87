"""Signatures of chunks (aws-chunked), which S3's clients may send a body in."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from vpcflow.api.aws.signature.refusals import refusal

SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_CHUNKS_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_CHUNKS_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(slots=True)
class ChunkKey:
    """Checks the chain of chunk signatures that begins with the request's own."""

    key: bytes = field(repr=False)
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
