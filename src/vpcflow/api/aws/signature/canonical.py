"""The text that a signature is made over, put together from the request as it came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote, unquote_plus

from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.signature.claim import split_query

_UNRESERVED = "-_.~"


def canonical_requests(
    raw: RawRequest, signed: Sequence[str], payload_hash: str, *, s3: bool, presigned: bool
) -> Iterator[bytes]:
    """The canonical requests that a client may have meant, the likeliest first.

    Shape: path and query as they stand, then with every part encoded anew, since clients differ in
    what they encode on the wire; header letters beyond ASCII as Latin-1, then as UTF-8. All of them
    say the same thing to whoever handles the request.
    """
    pairs = [
        pair for pair in split_query(raw.query) if not (presigned and pair[0] == "X-Amz-Signature")
    ]
    path = raw.path or "/"
    if s3:
        paths = [path, quote(unquote(path), safe="/-_.~")]
    else:
        paths = [quote(normalised(path), safe="/~")] * 2
    queries = [_joined(pairs), None]
    names = ";".join(signed)
    given: dict[str, list[str]] = {}
    for name, value in raw.headers:
        given.setdefault(name, []).append(value)
    for attempt in (0, 1):
        query = queries[attempt]
        if query is None:
            query = _joined([(_recoded(name), _recoded(value)) for name, value in pairs])
            if query == queries[0] and paths[0] == paths[1]:
                return
        for lines in _header_lines(given, signed):
            text = f"{raw.method.upper()}\n{paths[attempt]}\n{query}\n{lines}\n{names}\n"
            yield f"{text}{payload_hash}".encode("utf-8", "surrogateescape")


def normalised(path: str) -> str:
    """A path without dot segments and doubled slashes, as all services but S3 see it."""
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            if kept:
                kept.pop()
        elif part and part != ".":
            kept.append(part)
    first = "/" if path.startswith("/") else ""
    last = "/" if path.endswith("/") and kept else ""
    return (first + "/".join(kept) + last) or "/"


def _joined(pairs: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _recoded(text: str) -> str:
    return quote(
        unquote_plus(text, errors="surrogateescape"), safe=_UNRESERVED, errors="surrogateescape"
    )


def _header_lines(given: dict[str, list[str]], signed: Sequence[str]) -> Iterator[str]:
    values = [given.get(name, [""]) for name in signed]
    yield _lines(signed, values)
    if all(value.isascii() for each in values for value in each):
        return
    try:
        decoded = [[value.encode("latin-1").decode() for value in each] for each in values]
    except UnicodeError:
        return
    yield _lines(signed, decoded)


def _lines(signed: Sequence[str], values: Sequence[Sequence[str]]) -> str:
    return "".join(
        f"{name}:{','.join(' '.join(value.split()) for value in each)}\n"
        for name, each in zip(signed, values, strict=True)
    )
