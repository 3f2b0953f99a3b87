"""The body of an S3 upload: chunk framing taken off, checksums in headers and trailers held to it.

Source: the framings that ``x-amz-content-sha256`` names; signatures of chunks are for a callback.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.protocol.checksums import check_checksums
from vpcflow.base.errors import ServiceError

UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#: The head of a chunk, and the trailers together, may be this long.
CHUNK_HEAD_BYTES_MAX = 1024
TRAILER_BYTES_MAX = 16 * 1024
CHUNKS_MAX = 100_000
_SIZE_DIGITS_MAX = 12
_SIZE = re.compile(rf"[0-9a-fA-F]{{1,{_SIZE_DIGITS_MAX}}}", re.ASCII)
_CHUNK_SIGNATURE = "chunk-signature="
_TRAILER_SIGNATURE = "x-amz-trailer-signature"

#: Operations whose checksum headers are of the object that they make.
OF_THE_OBJECT = frozenset({"CompleteMultipartUpload"})
#: Gets a chunk's data and signature, in order, the empty last one too.
VerifyChunk = Callable[[bytes, str], None]
#: Gets the trailer's canonical text (``name:value`` lines) and its signature.
VerifyTrailer = Callable[[bytes, str], None]


@dataclass(frozen=True, slots=True)
class UploadBody:
    """An upload without its framing.

    Shape: ``trailers`` have lower-case names; ``checksums`` are those found and right, by algorithm.
    """

    data: bytes
    trailers: dict[str, str] = field(default_factory=dict)
    checksums: dict[str, str] = field(default_factory=dict)


def is_framed(raw: RawRequest) -> bool:
    """Whether the body is in chunks of S3's own kind."""
    return (raw.header("x-amz-content-sha256") or "").startswith("STREAMING-")


def upload_body(
    raw: RawRequest,
    verify_chunk: VerifyChunk | None = None,
    verify_trailer: VerifyTrailer | None = None,
    *,
    of_body: bool = True,
) -> UploadBody:
    """The data of an upload, its checksums checked.

    Shape: without ``of_body`` the checksums of the headers are of something else than the body.
    Errors: ServiceError for a framing that is broken or of another length than was said, and for
    checksums that are wrong; whatever the callbacks raise.
    """
    trailers: dict[str, str] = {}
    data = raw.body
    if is_framed(raw):
        data, trailers = _unframed(raw, verify_chunk, verify_trailer)
    fields = dict(trailers)
    for name, value in raw.headers:
        if name == "content-md5" or (of_body and name.startswith("x-amz-checksum-")):
            fields[name] = value
    announced = raw.header("x-amz-trailer")
    for name in (announced or "").lower().replace(" ", "").split(","):
        if name and name not in trailers:
            raise _broken("The request contained trailing data that was not well-formed or missing")
    return UploadBody(data, trailers, check_checksums(fields, data))


def content_encoding(raw: RawRequest) -> str | None:
    """The encoding to keep with the object: what was sent, without the framing's own name."""
    parts = [part.strip() for part in (raw.header("content-encoding") or "").split(",")]
    return ",".join(part for part in parts if part and part != "aws-chunked") or None


def _unframed(
    raw: RawRequest, verify_chunk: VerifyChunk | None, verify_trailer: VerifyTrailer | None
) -> tuple[bytes, dict[str, str]]:
    kind = raw.header("x-amz-content-sha256") or ""
    if kind not in (UNSIGNED_TRAILER, SIGNED, SIGNED_TRAILER):
        raise ServiceError(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER "
            "or a valid sha256 value.",
        )
    signed = kind != UNSIGNED_TRAILER
    body, position, parts = raw.body, 0, io.BytesIO()
    for _ in range(CHUNKS_MAX):
        size, signature, position = _chunk_head(body, position, signed)
        chunk = body[position : position + size]
        position += size
        if len(chunk) != size:
            raise _incomplete()
        if signed and verify_chunk is not None:
            verify_chunk(chunk, signature)
        if size == 0:
            break
        if body[position : position + 2] != b"\r\n":
            raise _broken("A chunk does not end where its size says.")
        position += 2
        parts.write(chunk)
    else:
        raise _broken("The body has too many chunks.")
    data = parts.getvalue()
    said = raw.header("x-amz-decoded-content-length")
    if said is None or not (said.isascii() and said.isdigit()):
        raise ServiceError(
            "MissingContentLength", "You must provide the Content-Length HTTP header.", status=411
        )
    if len(said) > _SIZE_DIGITS_MAX or int(said) != len(data):
        raise _incomplete()
    return data, _trailers(body[position:], kind, verify_trailer)


def _chunk_head(body: bytes, position: int, signed: bool) -> tuple[int, str, int]:
    """Size, signature and the position after the head of a chunk."""
    end = body.find(b"\r\n", position, position + CHUNK_HEAD_BYTES_MAX)
    if end < 0:
        raise _incomplete()
    head = body[position:end].decode("latin-1")
    digits, _, extension = head.partition(";")
    if not _SIZE.fullmatch(digits):
        raise _broken("The size of a chunk is no number.")
    size = int(digits, 16)
    signature = extension.strip().removeprefix(_CHUNK_SIGNATURE)
    if signed and (not extension.strip().startswith(_CHUNK_SIGNATURE) or not signature):
        raise _broken("A chunk has no signature.")
    return size, signature, end + 2


def _trailers(rest: bytes, kind: str, verify_trailer: VerifyTrailer | None) -> dict[str, str]:
    if len(rest) > TRAILER_BYTES_MAX:
        raise _broken("The trailers are too long.")
    found: dict[str, str] = {}
    for line in rest.decode("latin-1").split("\n"):
        text = line.strip("\r")
        if not text:
            continue
        name, colon, value = text.partition(":")
        if not colon:
            raise _broken("A trailer is no header.")
        found[name.strip().lower()] = value.strip()
    signature = found.pop(_TRAILER_SIGNATURE, None)
    if kind == SIGNED_TRAILER and verify_trailer is not None:
        if signature is None:
            raise _broken("The trailers have no signature.")
        canonical = "".join(f"{name}:{value}\n" for name, value in found.items())
        verify_trailer(canonical.encode("latin-1"), signature)
    return found


def _broken(message: str) -> ServiceError:
    return ServiceError(
        "MalformedTrailerError" if "trail" in message else "InvalidRequest", message
    )


def _incomplete() -> ServiceError:
    return ServiceError(
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
