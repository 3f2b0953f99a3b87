"""The manual below /manual/: pages, pictures, styles and the index of its search."""

from __future__ import annotations

import asyncio
import hashlib
import html
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vpcflow.console import answers
from vpcflow.console.answers import Message
from vpcflow.console.static_files import StaticFile, read_folder

if TYPE_CHECKING:
    from vpcflow.console.manual_pages import Page

_HERE = Path(__file__).parent
#: Where the wheel has the Markdown files, and where the source has them.
DOCS_PLACES = (_HERE / "docs", _HERE.parents[2] / "docs")
ASSETS_FOLDER = _HERE / "manual_assets"
PREFIX = "/manual/"


class Manual:
    """Answers below /manual/ with what was made of the Markdown files when it was first asked.

    Shape: paths are looked up, never opened. Safe for any number of threads.
    """

    def __init__(self, docs: Path | None = None) -> None:
        places = DOCS_PLACES if docs is None else (docs,)
        self._docs = next((place for place in places if place.is_dir()), None)
        self._lock = threading.Lock()
        self._files: Mapping[str, StaticFile] | None = None

    async def __call__(self, scope: Message, send: Any) -> None:
        """One request."""
        files = await asyncio.to_thread(self.files)
        path = scope["path"]
        if path == PREFIX.rstrip("/"):
            await answers.answer_redirect(scope, send, PREFIX)
            return
        found = files.get(path.removeprefix(PREFIX).removesuffix(".md"))
        if found is not None:
            await answers.answer_file(scope, send, found)
            return
        await answers.answer_page(
            scope, send, 404, "No such page", f"The manual has no page {path}; see {PREFIX}."
        )

    def files(self) -> Mapping[str, StaticFile]:
        """Everything that is served, by path below /manual/; "" is the first page."""
        with self._lock:
            if self._files is None:
                self._files = made_of(self._docs)
            return self._files


def made_of(docs: Path | None) -> dict[str, StaticFile]:
    """All files of the manual."""
    files = {name[1:]: file for name, file in read_folder(ASSETS_FOLDER).items()}
    if docs is None:
        files[""] = _html(_layout("Manual", "<h1>Manual</h1><p>It is not installed.</p>", "", ()))
        return files
    from vpcflow.console.manual_pages import read_pages

    pages = read_pages(docs)
    files |= {f"images{name}": file for name, file in read_folder(docs / "images").items()}
    for path in sorted((docs / "reference").glob("*.json")):
        files[f"reference/{path.name}"] = _file("application/json", path.read_bytes())
    files[""] = _html(_layout("Manual", _first_page(pages), "", pages))
    for page in pages:
        body = f"{page.body}{_contents(page)}"
        files[page.path] = _html(_layout(page.title, body, page.path, pages))
    files["search.json"] = _file("application/json", _search_index(pages))
    return files


def _html(text: str) -> StaticFile:
    return _file("text/html; charset=utf-8", text.encode())


def _file(content_type: str, body: bytes) -> StaticFile:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return StaticFile(content_type, body, etag, is_immutable=False, encoded={})


def _listed(pages: Iterable[Page]) -> list[tuple[str, list[Page]]]:
    from vpcflow.console.manual_pages import SECTIONS

    return [
        (title, [page for page in pages if page.section == name])
        for name, title in SECTIONS.items()
    ]


def _first_page(pages: Iterable[Page]) -> str:
    parts = ["<h1>Manual</h1>"]
    for title, found in _listed(pages):
        links = "".join(f"<li>{_link(page, '')}</li>" for page in found)
        parts.append(f"<h2>{title}</h2><ul>{links}</ul>")
    return "".join(parts)


def _link(page: Page, current: str) -> str:
    here = ' aria-current="page"' if page.path == current else ""
    return f'<a href="{PREFIX}{html.escape(page.path)}"{here}>{html.escape(page.title)}</a>'


def _navigation(pages: Iterable[Page], current: str) -> str:
    parts = []
    for title, found in _listed(pages):
        links = "".join(f"<li>{_link(page, current)}</li>" for page in found)
        parts.append(f"<p>{title}</p><ul>{links}</ul>")
    return "".join(parts)


def _contents(page: Page) -> str:
    """Links to the parts of a long page."""
    found = [one for one in page.headings if one.level == 2]
    if len(found) < 3:
        return ""
    links = "".join(
        f'<li><a href="#{html.escape(one.anchor)}">{html.escape(one.text)}</a></li>'
        for one in found
    )
    return (
        f'<nav class="contents" aria-label="On this page"><p>On this page</p><ul>{links}</ul></nav>'
    )


def _search_index(pages: Iterable[Page]) -> bytes:
    import orjson

    return orjson.dumps(
        [
            {
                "url": PREFIX + page.path,
                "title": page.title,
                "headings": [
                    {"text": one.text, "anchor": one.anchor}
                    for one in page.headings
                    if one.level > 1
                ],
            }
            for page in pages
        ]
    )


def _layout(title: str, body: str, current: str, pages: Iterable[Page]) -> str:
    navigation = _navigation(pages, current)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)} - vpcflow manual</title>"
        '<link rel="icon" href="data:,"><script src="/theme.js"></script>'
        f'<link rel="stylesheet" href="{PREFIX}manual.css">'
        f'<script src="{PREFIX}manual.js" defer></script></head><body>'
        '<a class="skip" href="#text">Skip to the text</a>'
        f'<header><a class="home" href="/">vpcflow</a><a href="{PREFIX}">Manual</a>'
        '<search><input id="search" type="search" placeholder="Search the manual" '
        'aria-label="Search the manual" autocomplete="off">'
        '<ul id="found" aria-label="Pages found" hidden></ul>'
        '<p id="found-count" role="status"></p></search></header>'
        '<div class="columns"><details class="pages"><summary>Pages</summary>'
        f'<nav aria-label="Pages of the manual">{navigation}</nav></details>'
        f'<main id="text" tabindex="-1">{body}</main></div></body></html>\n'
    )
