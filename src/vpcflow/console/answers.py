"""Whole answers of the console as ASGI messages: files, pages, redirects, refusals."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from vpcflow.console.static_files import StaticFile

Message = dict[str, Any]
Headers = list[tuple[bytes, bytes]]

IMMUTABLE = "public, max-age=31536000, immutable"
#: The browser keeps it, and asks each time whether it is still so.
ASK_AGAIN = "no-cache"
NO_STORE = "no-store"


def header_of(scope: Message, name: str) -> str:
    """The value of a request's header; several are joined, none is empty."""
    wanted = name.encode("latin-1")
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == wanted)


def headers_of(values: dict[str, str]) -> Headers:
    """Headers as ASGI has them."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in values.items()]


async def answer(scope: Message, send: Any, status: int, body: bytes, headers: Headers) -> None:
    """Send one whole answer; HEAD gets its headers alone."""
    if status != 304:
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    is_bare = status == 304 or scope["method"] == "HEAD"
    await send({"type": "http.response.body", "body": b"" if is_bare else body})


async def answer_file(scope: Message, send: Any, file: StaticFile) -> None:
    """A file, or that the browser has it already."""
    encoding, body = file.chosen(header_of(scope, "accept-encoding"))
    etag = file.etag if not encoding else f'{file.etag[:-1]}-{encoding}"'
    values = {
        "content-type": file.content_type,
        "cache-control": IMMUTABLE if file.is_immutable else ASK_AGAIN,
        "etag": etag,
        "vary": "accept-encoding",
    }
    if encoding:
        values["content-encoding"] = encoding
    if has_it(header_of(scope, "if-none-match"), etag):
        values = {name: values[name] for name in ("cache-control", "etag", "vary")}
        await answer(scope, send, 304, b"", headers_of(values))
        return
    await answer(scope, send, 200, body, headers_of(values))


def has_it(if_none_match: str, etag: str) -> bool:
    """Whether one of the tags that a browser has is this one."""
    tags: Iterable[str] = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in (etag, "*") for tag in tags)


async def answer_page(
    scope: Message, send: Any, status: int, title: str, *paragraphs: str, note: str = ""
) -> None:
    """A small page of plain sentences."""
    text = "".join(f"<p>{html.escape(one)}</p>" for one in paragraphs)
    code = f"<pre>{html.escape(note)}</pre>" if note else ""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)} - vpcflow</title><style>"
        ":root{color-scheme:light dark}body{font:15px/1.55 system-ui,sans-serif;max-width:34rem;"
        "margin:14vh auto;padding:0 1.25rem}h1{font-size:1.25rem}"
        "pre{overflow:auto;padding:.75rem;border:1px solid #8886;border-radius:6px}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1>{text}{code}</main></body></html>"
    )
    headers = headers_of({"content-type": "text/html; charset=utf-8", "cache-control": NO_STORE})
    await answer(scope, send, status, page.encode(), headers)


async def answer_redirect(scope: Message, send: Any, to: str, headers: Headers = []) -> None:  # noqa: B006 - never changed
    """Send the browser on."""
    values = {"location": to, "cache-control": NO_STORE}
    await answer(scope, send, 303, b"", [*headers_of(values), *headers])


async def answer_fault(scope: Message, send: Any, status: int, code: str, message: str) -> None:
    """A refusal: JSON as the API words it, or a page for who opened one in a browser."""
    if "text/html" in header_of(scope, "accept") and not scope["path"].startswith("/api/"):
        await answer_page(scope, send, status, message.partition(".")[0], message)
        return
    import orjson

    error = {"code": code, "message": message, "where": "", "hint": "", "position": None}
    headers = headers_of({"content-type": "application/json", "cache-control": NO_STORE})
    await answer(scope, send, status, orjson.dumps({"error": error}), headers)
