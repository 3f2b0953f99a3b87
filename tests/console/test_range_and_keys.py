"""Aim: the range is chosen by mouse and by keys, and everything on the page follows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page, Request, expect
from served_console import ConsoleServer
from watched_pages import Visits, settled

HOUR_S = 3600


def range_of(page: Page) -> tuple[int, int]:
    query = parse_qs(urlsplit(page.url).query)
    return int(query["start"][0]), int(query["end"][0])


def overview(page: Page) -> tuple[int, int]:
    settled(page.goto("/dashboards/overview") and page)
    expect(page).to_have_url(re.compile("start="))
    return range_of(page)


def asks_elsewhere(start: int, end: int) -> Callable[[Request], bool]:
    """Whether a request is a question of another range with the same end."""

    def is_it(request: Request) -> bool:
        query = parse_qs(urlsplit(request.url).query)
        return "/api/v1/questions/figures" in request.url and (
            query["end"] == [str(end)] and query["start"] != [str(start)]
        )

    return is_it


def test_keys_on_the_brush_move_the_range_and_the_panels(page: Page) -> None:
    start, end = overview(page)
    handle = page.get_by_role("slider", name="Range start")
    handle.focus()
    with page.expect_request(asks_elsewhere(start, end)):
        page.keyboard.press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(f"end={end}"))
    moved = range_of(page)
    assert moved[0] > start
    expect(handle).to_have_attribute("aria-valuenow", str(moved[0]))
    # Esc on the page takes it back.
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(f"start={start}&end={end}"))


def test_the_mouse_draws_a_new_range(page: Page) -> None:
    start, end = overview(page)
    brush = page.get_by_role("group", name=re.compile("^Time range"))
    box = brush.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    # The window that is there begins later: this draws a new one.
    page.mouse.move(box["x"] + box["width"] * 0.05, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.15, y, steps=4)
    page.mouse.move(box["x"] + box["width"] * 0.25, y, steps=4)
    page.mouse.up()
    expect(page).not_to_have_url(re.compile(f"start={start}&end={end}"))
    drawn = range_of(page)
    first, last = (
        int(brush.get_by_role("slider").first.get_attribute(f"aria-value{side}") or 0)
        for side in ("min", "max")
    )
    assert abs((drawn[1] - drawn[0]) - (last - first) * 0.2) <= 2 * HOUR_S
    settled(page)
    page.go_back()
    expect(page).to_have_url(re.compile(f"start={start}&end={end}"))


def test_a_relative_range_and_the_keys_that_move_it(page: Page) -> None:
    overview(page)
    page.locator(".range-button").click()
    box = page.get_by_role("dialog", name="Time range")
    box.get_by_role("button", name="Last 2 days").click()
    expect(page).to_have_url(re.compile("last=2d"))
    settled(page)
    page.keyboard.press("[")
    expect(page).to_have_url(re.compile(r"start=\d+"))
    start, end = range_of(page)
    assert end - start == 2 * 24 * HOUR_S
    page.keyboard.press("]")
    expect(page).not_to_have_url(re.compile(f"start={start}&"))
    page.keyboard.press("z")
    expect(page).not_to_have_url(re.compile(f"end={end}$"))


def test_times_are_shown_in_another_zone(page: Page) -> None:
    start, _ = overview(page)
    page.goto(f"/explore?start={start}&end={start + HOUR_S}&zone=Asia/Tokyo")
    settled(page)
    expect(page.locator(".range-button")).to_contain_text(re.compile("GMT.9|JST|Tokyo"))


def open_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Command")).to_be_focused()


def test_shortcuts_palette_and_manual_by_keys_alone(page: Page) -> None:
    overview(page)
    page.keyboard.press("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", level=1)).to_have_text("Health")
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts).to_contain_text("Open the command palette")
    page.keyboard.press("Escape")
    expect(shortcuts).to_have_count(0)
    open_palette(page)
    page.keyboard.type("rejected")
    expect(page.get_by_role("option").first).to_contain_text("Rejected")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Rejected")
    settled(page)
    open_palette(page)
    page.keyboard.type("manual")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/manual/"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_the_first_tab_skips_to_the_page(page: Page) -> None:
    overview(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_a_shared_link_shows_the_same_range_to_others(
    visits: Visits, sample: ConsoleServer, page: Page
) -> None:
    overview(page)
    page.get_by_role("button", name="Copy a link to this view").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = settled(visits.open(sample, link, theme="dark"))
    assert range_of(other) == range_of(page)
    expect(other.get_by_role("heading", level=1)).to_have_text("Overview")
