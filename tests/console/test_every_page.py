"""Aim: every page works with records, without any, and at every width, for everybody.

Method: each is opened in Chromium, judged by axe in both themes, then made narrow; without records
and with real packets one theme and the least width do. Console errors, failed requests and requests
to others fail a test by themselves.
"""

from __future__ import annotations

import pytest
from lab_scene import LabScene
from playwright.sync_api import Page, expect
from served_console import ConsoleServer
from watched_pages import HEIGHT, WIDTH, Visits, axe_faults, settled, sideways

#: Paths and what their heading says.
PAGES = {
    "/dashboards": "Dashboards",
    "/dashboards/overview": "Overview",
    "/dashboards/accepted": "Accepted",
    "/dashboards/rejected": "Rejected",
    "/dashboards/security": "Security",
    "/dashboards/interfaces": "Interfaces",
    "/dashboards/cost": "Cost and volume",
    "/dashboards/latency": "Latency",
    "/dashboards/coverage": "Coverage",
    "/explore": "Explore",
    "/live": "Live tail",
    "/topology": "Topology",
    "/findings": "Findings",
    "/flow-logs": "Flow logs",
    "/flow-logs/new": "Create flow log",
    "/interfaces": "Interfaces",
    "/security-groups": "Security groups",
    "/explain": "Why was this rejected?",
    "/sources": "Sources",
    "/quarantine": "Quarantine",
    "/settings": "Settings",
    "/health": "Health",
}
WIDTHS = (1280, 900, 390)


def judge(page: Page, path: str, themes: tuple[str, ...], widths: tuple[int, ...]) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    if path == "/live":
        page.wait_for_load_state("load")
    else:
        settled(page)
    expect(page.locator(".state.error")).to_have_count(0)
    faults = {}
    for theme in themes:
        if page.locator("html").get_attribute("data-theme") != theme:
            page.keyboard.press("t")
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        faults[theme] = axe_faults(page)
    assert faults == {theme: [] for theme in themes}
    wide = {}
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        wide[width] = sideways(page)
    assert wide == dict.fromkeys(widths, 0)


@pytest.mark.parametrize("path", PAGES)
def test_on_generated_records(visits: Visits, sample: ConsoleServer, path: str) -> None:
    judge(visits.open(sample), path, ("light", "dark"), (WIDTH, *WIDTHS))


@pytest.mark.parametrize("path", PAGES)
def test_on_an_empty_folder(visits: Visits, nothing: ConsoleServer, path: str) -> None:
    judge(visits.open(nothing, theme="dark"), path, ("dark",), (WIDTHS[-1],))


@pytest.mark.parametrize(
    "path",
    [
        "/dashboards/overview",
        "/dashboards/rejected",
        "/explore",
        "/topology",
        "/findings",
        "/interfaces",
        "/security-groups",
        "/health",
    ],
)
def test_on_real_packets(visits: Visits, lab_scene: LabScene, path: str) -> None:
    judge(visits.open(lab_scene.server), path, ("light",), (WIDTHS[-1],))


def test_an_unknown_address_says_so(visits: Visits, sample: ConsoleServer) -> None:
    page = settled(visits.open(sample, "/no/such/page"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("page")
    page.get_by_role("link", name="overview").first.click()
    expect(page.get_by_role("heading", level=1, name="Overview")).to_be_visible()
