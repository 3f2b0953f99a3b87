"""Aim: dashboards are the user's: copied, changed, kept, shared, carried away and brought back.

Method: two people in two browsers over one server.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from served_console import ConsoleServer, Key, made_user
from watched_pages import Visits, settled

WRITES = ("vpcflow:*",)


@pytest.fixture(scope="module")
def colleague(sample: ConsoleServer) -> Key:
    """Another user of the account, who may do all that the console does with dashboards."""
    return made_user(sample, f"colleague-{os.getpid()}", *WRITES)


@pytest.fixture
def own(sample: ConsoleServer) -> Iterator[dict[str, Any]]:
    """A small dashboard of one's own; it is deleted in the end."""
    panel = {
        "id": "a",
        "kind": "table",
        "title": "Ports <b>by</b> bytes",
        "query": {"question": "ports", "parameters": {"limit": 5}},
        "options": {},
        "grid": {"x": 0, "y": 0, "w": 6, "h": 8},
    }
    document = {"version": 1, "id": "", "title": "Mine", "panels": [panel]}
    made = sample.api("POST", "/dashboards", document)
    yield made
    sample.api("DELETE", f"/dashboards/{made['head']['id']}")


def panel_menu(page: Page, title: str, entry: str) -> None:
    page.get_by_role("button", name=f"Menu of {title}", exact=True).click()
    page.get_by_role("menuitem", name=entry).click()


def test_a_ready_one_is_copied_changed_saved_and_shared(
    visits: Visits, sample: ConsoleServer, page: Page, colleague: Key
) -> None:
    page.goto("/dashboards/overview")
    settled(page)
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("button", name="Duplicate and edit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Copy of Overview")
    page.get_by_role("button", name="Add panel").click()
    editor = page.get_by_role("complementary", name="New panel")
    editor.get_by_label("Title").fill("Refused by port")
    editor.get_by_role("button", name="Table", exact=True).click()
    editor.get_by_role("combobox", name="Filter of this panel").fill("action = REJECT")
    page.keyboard.press("Enter")
    editor.get_by_role("button", name="Add to dashboard").click()
    panel_menu(page, "Refused by port", "Move or resize")
    place = page.get_by_role("dialog", name="Move or resize Refused by port")
    before = place.locator("output").inner_text()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(place.locator("output")).not_to_have_text(before)
    after = place.locator("output").inner_text()
    place.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved the dashboard")).to_be_visible()

    page.get_by_role("button", name="Copy a link to this view").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = settled(visits.open(sample, link, key=colleague))
    expect(other.get_by_role("heading", level=1)).to_have_text("Copy of Overview")
    panel = other.get_by_role("region", name="Refused by port", exact=True)
    panel.scroll_into_view_if_needed()
    expect(panel.get_by_role("row").nth(1)).to_be_visible()
    dashboard = re.search(r"/dashboards/([^?]+)", page.url)
    assert dashboard is not None
    kept = sample.api("GET", f"/dashboards/{dashboard[1]}")["dashboard"]["panels"][-1]
    assert kept["title"] == "Refused by port"
    assert kept["query"]["filter"] == "action = REJECT"
    assert f"{kept['grid']['w']} columns by {kept['grid']['h']} rows" in after
    sample.api("DELETE", f"/dashboards/{dashboard[1]}")


def test_who_saves_second_is_told_and_loses_nothing(
    visits: Visits, sample: ConsoleServer, page: Page, own: dict[str, Any], colleague: Key
) -> None:
    visits.expect_wrong("answer 412: PUT")
    path = f"/dashboards/{own['head']['id']}"
    title = own["dashboard"]["panels"][0]["title"]
    mine, theirs = page, visits.open(sample, key=colleague)
    for one in (mine, theirs):
        one.goto(path)
        settled(one)
        one.get_by_role("button", name="Edit", exact=True).click()
        panel_menu(one, title, "Duplicate panel")
    theirs.get_by_role("button", name="Save", exact=True).click()
    expect(theirs.get_by_text("Saved the dashboard")).to_be_visible()
    mine.get_by_role("button", name="Save", exact=True).click()
    dialog = mine.get_by_role("dialog", name="The dashboard was changed in between")
    expect(dialog).to_contain_text("colleague")
    dialog.get_by_role("button", name="Save mine as a copy").click()
    expect(mine.get_by_role("heading", level=1)).to_have_text("Copy of Mine")
    copy = re.search(r"/dashboards/([^?]+)", mine.url)
    assert copy is not None
    assert len(sample.api("GET", f"/dashboards/{copy[1]}")["dashboard"]["panels"]) == 2
    sample.api("DELETE", f"/dashboards/{copy[1]}")


def test_a_dashboard_is_carried_away_and_brought_back(
    sample: ConsoleServer, page: Page, own: dict[str, Any], tmp_path: Path
) -> None:
    page.goto("/dashboards")
    settled(page)
    page.get_by_role("button", name="Menu of Mine").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Export JSON").click()
    file = tmp_path / "mine.json"
    download.value.save_as(file)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import").click()
    chooser.value.set_files(file)
    expect(page).to_have_url(re.compile("/dashboards/[^/?]+"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Mine")
    again = re.search(r"/dashboards/([^?]+)", page.url)
    assert again is not None
    assert again[1] != own["head"]["id"]
    brought = sample.api("GET", f"/dashboards/{again[1]}")["dashboard"]
    assert {**brought, "id": ""} == {**own["dashboard"], "id": ""}
    assert {**json.loads(file.read_text()), "id": ""} == {**own["dashboard"], "id": ""}
    # What looks like HTML is text.
    expect(page.get_by_role("heading", name="Ports <b>by</b> bytes")).to_be_visible()
    sample.api("DELETE", f"/dashboards/{again[1]}")


def test_a_file_that_is_none_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("[1, 2")
    page.goto("/dashboards")
    settled(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import").click()
    chooser.value.set_files(tmp_path / "no.json")
    expect(page.get_by_role("alert")).to_be_visible()
