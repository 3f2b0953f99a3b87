"""Aim: records are found, looked at, grouped and taken away; what is asked for in vain is stopped."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect
from served_console import ConsoleServer
from watched_pages import Visits, settled

REFUSED_SSH = "action = REJECT and dstport = 22"


@pytest.fixture(scope="module")
def span(sample: ConsoleServer) -> tuple[int, int]:
    """From the first record's hour to after the last one's."""
    records = sample.api("GET", "/health")["records"]
    return int(records["first_s"]), int(records["last_s"]) + 3600


def explore(page: Page, span: tuple[int, int], **parameters: str) -> Page:
    more = "".join(f"&{name}={quote(value)}" for name, value in parameters.items())
    page.goto(f"/explore?start={span[0]}&end={span[1]}{more}")
    return settled(page)


def sql(server: ConsoleServer, text: str) -> dict[str, Any]:
    data: dict[str, Any] = server.api("POST", "/sql", {"text": text})["data"]
    return data


def test_a_filter_is_completed_by_keys(page: Page, span: tuple[int, int]) -> None:
    explore(page, span)
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Filter", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("act")
    expect(page.get_by_role("option").first).to_contain_text("action")
    page.keyboard.press("Tab")
    page.keyboard.type("= ")
    rejected = page.get_by_role("option", name=re.compile("^REJECT"))
    expect(rejected).to_be_visible()
    page.keyboard.type("REJ")
    expect(rejected).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove action = REJECT")).to_be_visible()
    expect(page).to_have_url(re.compile("filter=action.*REJECT"))


def test_a_filter_that_cannot_be_read_is_marked(visits: Visits, page: Page) -> None:
    visits.expect_wrong("answer 400: POST .*/filter")
    page.goto("/explore?last=2d")
    page.get_by_role("combobox", name="Filter", exact=True).fill("bytes > lots")
    page.keyboard.press("Enter")
    fault = page.get_by_role("alert")
    expect(fault.locator("mark")).to_have_text("lots")


def test_a_record_is_opened_by_keys_and_by_its_link(
    visits: Visits, sample: ConsoleServer, page: Page, span: tuple[int, int]
) -> None:
    explore(page, span, filter=REFUSED_SSH)
    grid = page.get_by_role("grid")
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    record = page.get_by_role("dialog", name="Flow record")
    expect(record).to_contain_text("port 22")
    expect(record.get_by_role("heading", name="What rejected it")).to_be_visible()
    settled(page)
    again = settled(visits.beside(page, page.url))
    expect(again.get_by_role("dialog", name="Flow record")).to_contain_text("port 22")
    assert (
        again.get_by_role("dialog", name="Flow record").locator(".record-head").inner_text()
        == record.locator(".record-head").inner_text()
    )
    page.keyboard.press("Escape")
    expect(record).to_have_count(0)
    expect(page).not_to_have_url(re.compile("record="))


def test_all_records_scroll_and_the_last_is_there(
    sample: ConsoleServer, page: Page, span: tuple[int, int]
) -> None:
    explore(page, span, limit="100000")
    grid = page.get_by_role("grid")
    (total,) = sql(sample, "SELECT count(*) AS n FROM flow_records")["n"]
    expect(grid).to_have_attribute("aria-rowcount", str(total + 1))
    # Only those in view are drawn.
    assert grid.get_by_role("row").count() < 100
    grid.focus()
    page.keyboard.press("End")
    expect(grid.locator(f"[role=row][aria-rowindex='{total + 1}']")).to_be_in_viewport()
    page.keyboard.press("Home")
    expect(grid.locator("[role=row][aria-rowindex='2']")).to_be_in_viewport()


def test_the_csv_holds_the_rows_that_the_filter_leaves(
    sample: ConsoleServer, page: Page, span: tuple[int, int], tmp_path: Path
) -> None:
    explore(page, span, filter=REFUSED_SSH)
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=re.compile("^CSV")).click()
    file = tmp_path / "records.csv"
    download.value.save_as(file)
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    text = "SELECT srcaddr FROM flow_records WHERE action = 'REJECT' AND dstport = 22"
    assert sorted(row["srcaddr"] for row in rows) == sorted(sql(sample, text)["srcaddr"])
    assert {row["action"] for row in rows} == {"REJECT"}


def test_groups_by_any_field(page: Page, span: tuple[int, int]) -> None:
    explore(page, span, mode="pivot", by="action")
    table = page.get_by_role("table").or_(page.get_by_role("grid")).last
    expect(table).to_contain_text("ACCEPT")
    expect(table).to_contain_text("REJECT")


def test_sql_that_is_wrong_is_underlined_where(visits: Visits, page: Page) -> None:
    visits.expect_wrong("answer 400: POST .*/sql")
    page.goto("/explore?last=2d&mode=sql")
    editor = page.get_by_role("textbox", name=re.compile("SQL"))
    editor.fill("SELECT srcaddr, nosuch FROM flow_records LIMIT 3")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".cm-lintRange-error, .cm-fault, .sql-fault-mark").first).to_have_text(
        "nosuch"
    )
    editor.fill("SELECT count(*) AS records FROM flow_records")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("grid").get_by_role("row")).to_have_count(2)


def test_a_page_that_is_left_takes_its_question_back(page: Page, span: tuple[int, int]) -> None:
    # A network as slow as this has the answer still on its way when the page is left.
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/questions/flows?**", hold)
    with page.expect_request(re.compile("/questions/flows")):
        page.goto(f"/explore?start={span[0]}&end={span[1]}")
    with page.expect_event("requestfailed", lambda request: "/questions/flows" in request.url):
        page.keyboard.press("g")
        page.keyboard.press("h")
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    assert held
