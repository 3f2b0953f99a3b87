"""Aim: in Explore a cell, a group and an empty answer each lead on by one click or key."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect
from watched_pages import settled

LAST = "last=2d"


def explore_last(page: Page, query: str = "") -> Page:
    return settled(page.goto(f"/explore?{LAST}{query}") and page)


def test_a_cell_filters_for_its_value(page: Page) -> None:
    explore_last(page, "&filter=action+is+not+null")
    page.get_by_role("grid", name="Flow records").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("m")
    entry = page.get_by_role("menuitem", name=re.compile("^Only srcaddr = "))
    address = entry.inner_text().split(" = ")[1]
    entry.click()
    expect(page.get_by_role("button", name=f"Remove srcaddr = {address}")).to_be_visible()
    expect(page.get_by_role("gridcell", name=address).first).to_be_visible()


def test_an_empty_answer_says_which_part_of_the_filter_empties_it(page: Page) -> None:
    explore_last(page, "&filter=protocol+%3D+6+and+dstport+%3D+1+and+srcport+%3D+1")
    line = page.get_by_role("listitem").filter(has_text="dstport = 1").last
    expect(line).to_contain_text("records")
    line.get_by_role("button", name="Remove dstport = 1").click()
    expect(page).not_to_have_url(re.compile("dstport"))


def test_a_group_of_the_pivot_leads_to_its_records(page: Page) -> None:
    explore_last(page, "&mode=pivot&by=protocol&measure=records")
    page.get_by_role("table").get_by_role("row", name=re.compile("^TCP")).click()
    expect(page).to_have_url(re.compile(r"filter=protocol\+%3D\+6"))
    expect(page.get_by_role("grid", name="Flow records")).to_be_visible()
