"""The manual's Markdown as pages: headings with anchors, links between pages, tables that scroll."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

#: Folders of the manual, as the navigation orders and names them.
SECTIONS = {
    "tutorial": "Tutorials",
    "how-to": "How-to guides",
    "reference": "Reference",
    "explanation": "Explanation",
}
#: Folders whose pages are there for those who follow a link.
UNLISTED = ("decisions",)
#: What generated pages begin with.
_NOTE_FOR_EDITORS = re.compile(r"\A<!--.*?-->\s*", re.DOTALL)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page and its anchor."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the manual.

    Shape: ``path`` is below /manual/, as ``how-to/retention``; ``body`` is HTML.
    """

    path: str
    section: str
    title: str
    headings: tuple[Heading, ...]
    body: str


def read_pages(docs: Path) -> list[Page]:
    """All pages of a folder, in the order of the navigation."""
    pages = []
    for section in (*SECTIONS, *UNLISTED):
        found = [read_page(path, docs) for path in sorted((docs / section).glob("*.md"))]
        pages += sorted(found, key=lambda page: page.title.lower())
    return pages


def read_page(path: Path, docs: Path) -> Page:
    """One Markdown file as a page."""
    text = _NOTE_FOR_EDITORS.sub("", path.read_text(encoding="utf-8"))
    tokens = _PARSER.parse(text)
    headings = _with_anchors(tokens)
    _with_links(tokens)
    title = next((one.text for one in headings if one.level == 1), path.stem)
    name = path.relative_to(docs).with_suffix("").as_posix()
    body = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return Page(name, path.parent.name, title, tuple(headings), body)


def _with_anchors(tokens: Sequence[Token]) -> list[Heading]:
    headings: list[Heading] = []
    taken: dict[str, int] = {}
    for token, inner in pairwise(tokens):
        if token.type != "heading_open":
            continue
        text = "".join(
            one.content for one in inner.children or () if one.type in ("text", "code_inline")
        )
        anchor = anchor_of(text)
        taken[anchor] = number = taken.get(anchor, -1) + 1
        anchor = f"{anchor}-{number}" if number else anchor
        token.attrSet("id", anchor)
        headings.append(Heading(int(token.tag[1:]), text, anchor))
    return headings


def anchor_of(heading: str) -> str:
    """The anchor that GitHub gives a heading, so that links work there as well as here."""
    return _NOT_IN_ANCHORS.sub("", heading.strip().lower()).replace(" ", "-")


def _with_links(tokens: Sequence[Token]) -> None:
    for token in tokens:
        for one in token.children or ():
            if one.type == "link_open":
                one.attrSet("href", link_of(str(one.attrGet("href") or "")))


def link_of(target: str) -> str:
    """A link between Markdown files as one between pages; others as they are."""
    if "://" in target:
        return target
    path, hash_, anchor = target.partition("#")
    return path.removesuffix(".md") + hash_ + anchor


class _Renderer(RendererHTML):
    """HTML in which whoever has no mouse can scroll what is wide: it takes the focus."""

    def table_open(self, *_: Any) -> str:
        return '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'

    def table_close(self, *_: Any) -> str:
        return "</table></div>"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        # A heading without words heads nothing.
        tokens[idx].tag = tokens[idx + 2].tag = "th" if tokens[idx + 1].content else "td"
        return self.renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        language = token.info.strip().split(" ")[0]
        label = f"Code, {language}" if language else "Code"
        return (
            f'<pre tabindex="0" role="group" aria-label="{html.escape(label)}">'
            f"<code>{html.escape(token.content)}</code></pre>\n"
        )

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self.fence(tokens, idx, options, env)


#: CommonMark with tables; HTML in the text stays text.
_PARSER = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
