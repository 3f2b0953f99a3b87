"""Aim: the manual is all there, its links lead somewhere, and nothing in its text is code of ours.

Method: the real Markdown files, and small ones with everything that could go wrong.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from vpcflow.console.manual import ASSETS_FOLDER, PREFIX, Manual, made_of
from vpcflow.console.manual_pages import SECTIONS, anchor_of, link_of, read_page

_ROOT = Path(__file__).parents[3]
_LINK = re.compile(r'(?:href|src)="([^"]*)"')


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    """Pages of the manual by path."""
    return {
        name: file.body.decode()
        for name, file in Manual().files().items()
        if file.content_type.startswith("text/html")
    }


def test_every_file_is_a_page_that_the_navigation_names(files: dict[str, str]) -> None:
    for section in SECTIONS:
        for path in (_ROOT / "docs" / section).glob("*.md"):
            name = f"{section}/{path.stem}"
            assert name in files
            assert f'href="{PREFIX}{name}"' in files[""]


def test_every_link_leads_to_a_page_and_a_heading_that_is_there(files: dict[str, str]) -> None:
    served = Manual().files()
    lost = []
    for name, page in files.items():
        for link in _LINK.findall(page):
            target = urljoin(f"http://here{PREFIX}{name}", link.replace("&amp;", "&"))
            if not target.startswith(f"http://here{PREFIX}"):
                continue
            path, _, anchor = target.removeprefix(f"http://here{PREFIX}").partition("#")
            if path not in served or (anchor and f'id="{anchor}"' not in files[path]):
                lost.append((name, link))
    assert lost == []


def test_html_in_the_text_stays_text(tmp_path: Path) -> None:
    folder = tmp_path / "how-to"
    folder.mkdir()
    text = (
        "# Title <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\n"
        '[a](javascript:alert(1)) [b](data:text/html,x) `<b>`\n\n```sh"onclick=\n<i>\n```\n\n'
        "## Same\n\n## Same\n\n|  | b |\n|---|---|\n| <u> | 2 |\n"
    )
    (folder / "page.md").write_text(text, encoding="utf-8")
    page = read_page(folder / "page.md", tmp_path)
    for tag in ("<script", "<img", "<b>", "<i>", "<u>", 'href="javascript', 'href="data'):
        assert tag not in page.body
    assert [one.anchor for one in page.headings[1:]] == ["same", "same-1"]
    assert "<th></th>" not in page.body
    whole = made_of(tmp_path)["how-to/page"].body.decode()
    assert whole.count("<script") == 2


def test_the_note_of_generated_pages_is_not_shown(files: dict[str, str]) -> None:
    assert "Do not edit" not in files["reference/settings"]


def test_the_search_knows_titles_and_headings() -> None:
    index = json.loads(Manual().files()["search.json"].body)
    (filters,) = [page for page in index if page["url"] == "/manual/reference/filter"]
    assert filters["title"]
    everything = {page["url"] for page in index}
    assert "/manual/how-to/retention" in everything


@pytest.mark.parametrize(
    ("target", "link"),
    [
        ("../reference/filter.md#nulls", "../reference/filter#nulls"),
        ("filter.md", "filter"),
        ("#here", "#here"),
        ("https://example.com/a.md", "https://example.com/a.md"),
        ("../images/overview.svg", "../images/overview.svg"),
    ],
)
def test_links_between_files_are_links_between_pages(target: str, link: str) -> None:
    assert link_of(target) == link


def test_anchors_are_those_of_github() -> None:
    assert anchor_of("What differs from AWS's meter?") == "what-differs-from-awss-meter"
    assert anchor_of("2. A role, `x_y`") == "2-a-role-x_y"


def test_the_manual_has_the_consoles_colours() -> None:
    tokens = (_ROOT / "console" / "src" / "styles" / "tokens.css").read_text(encoding="utf-8")
    manual = (ASSETS_FOLDER / "manual.css").read_text(encoding="utf-8")
    for theme, start in (("light", ":root {"), ("dark", ':root[data-theme="dark"]')):
        theirs = _colours(tokens[tokens.index(f':root[data-theme="{theme}"]') :])
        ours = _colours(manual[manual.index(start) :])
        assert ours
        assert {name: theirs[name] for name in ours} == ours


def _colours(text: str) -> dict[str, str]:
    return dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]+);", text[: text.index("}")]))
