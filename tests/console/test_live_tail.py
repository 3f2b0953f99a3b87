"""Aim: the live tail shows each record once, whatever happens in between.

Method: a lab's attacker scans ports that nobody else asks for; what the page holds is compared with
what the table holds, through pauses and through the death of the server.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from urllib.parse import quote

from lab_scene import LabScene
from playwright.sync_api import Page, expect
from watched_pages import Visits

#: Records with times of the metering's start before these are of other tests.
LIVE = re.compile("^Live")


def open_tail(visits: Visits, scene: LabScene, first: int, last: int) -> tuple[Page, str]:
    """The page that waits for refused packets to these ports, and the same as SQL."""
    text = f"dstport >= {first} and dstport <= {last}"
    page = visits.open(scene.server, f"/live?filter={quote(text)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Live tail")
    expect(page.get_by_role("status").get_by_text(LIVE)).to_be_visible()
    return page, f"dstport BETWEEN {first} AND {last}"


def scan(scene: LabScene, ports: range, condition: str) -> None:
    scene.lab.once("scan", ports=f"{ports.start}-{ports.stop - 1}")
    own = f"{condition} AND dstport BETWEEN {ports.start} AND {ports.stop - 1}"
    scene.until_metered(own, "dstport", len(ports))


def expect_rows(page: Page, count: int) -> None:
    grid = page.get_by_role("grid", name="Records as they arrive")
    expect(grid).to_have_attribute("aria-rowcount", str(count + 1))


def ports_shown(page: Page, folder: Path) -> list[int]:
    page.get_by_role("button", name="More").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download the rows as CSV").click()
    download.value.save_as(folder / "rows.csv")
    with (folder / "rows.csv").open(newline="") as file:
        return sorted(int(row["dstport"]) for row in csv.DictReader(file))


def test_records_wait_while_it_is_paused(
    visits: Visits, lab_scene: LabScene, tmp_path: Path
) -> None:
    page, condition = open_tail(visits, lab_scene, 7100, 7139)
    scan(lab_scene, range(7100, 7110), condition)
    before = len(lab_scene.metered("dstport", condition))
    expect_rows(page, before)
    page.get_by_role("button", name="Pause").click()
    scan(lab_scene, range(7110, 7140), condition)
    metered = lab_scene.metered("dstport", condition)
    expect(page.get_by_text(f"{len(metered) - before} wait")).to_be_visible()
    expect_rows(page, before)
    page.get_by_role("button", name="Resume").click()
    expect_rows(page, len(metered))
    assert ports_shown(page, tmp_path) == metered


def test_a_filter_that_is_added_holds_for_what_comes(visits: Visits, lab_scene: LabScene) -> None:
    page, condition = open_tail(visits, lab_scene, 7200, 7239)
    page.keyboard.press("/")
    page.keyboard.type("dstport = 7211")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Remove dstport = 7211")).to_be_visible()
    expect(page.get_by_role("status").get_by_text(LIVE)).to_be_visible()
    scan(lab_scene, range(7200, 7220), condition)
    expect_rows(page, len(lab_scene.metered("dstport", "dstport = 7211")))
    expect(page.get_by_role("gridcell", name="7211").first).to_be_visible()
    expect(page.get_by_role("gridcell", name="7212")).to_have_count(0)


def test_the_tail_is_whole_through_the_death_of_the_server(
    visits: Visits, lab_scene: LabScene, tmp_path: Path
) -> None:
    visits.expect_wrong("failed request")
    page, condition = open_tail(visits, lab_scene, 7300, 7359)
    scan(lab_scene, range(7300, 7330), condition)
    lab_scene.crash_and_start()
    scan(lab_scene, range(7330, 7360), condition)
    metered = lab_scene.metered("dstport", condition)
    expect_rows(page, len(metered))
    assert ports_shown(page, tmp_path) == metered
    expect(page.get_by_role("status").get_by_text(LIVE)).to_be_visible()
    # Who was signed in still is.
    expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)
