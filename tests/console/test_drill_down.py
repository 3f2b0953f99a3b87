"""Aim: from "something is red" to the record and the rule behind it in three clicks.

Method: a lab whose attacker scans; the rule that the page names is the one that the API knows.
"""

from __future__ import annotations

import re

from lab_scene import ATTACKER, SHUT_PORT, WEB, LabScene
from playwright.sync_api import Page, expect
from watched_pages import Visits, settled


def opened_record(page: Page) -> None:
    """Click 3 of both ways: a refused record, whose detail says what refused it."""
    page.get_by_role("button", name="Rejected: open the record").first.click()
    record = page.get_by_role("dialog", name="Flow record")
    decided = record.get_by_role("region", name="What rejected it")
    expect(decided).to_be_visible()
    expect(decided.get_by_role("list", name="Stations on the way")).to_contain_text("refused")
    expect(decided).to_contain_text(re.compile("security group|network ACL"))
    expect(record).to_contain_text("Rejected")


def test_from_a_rejected_port_to_the_rule(visits: Visits, lab_scene: LabScene) -> None:
    page = settled(visits.open(lab_scene.server, "/dashboards/overview"))
    panel = page.get_by_role("region", name="Rejected ports", exact=True)
    panel.get_by_role("button", name=re.compile(rf"^{SHUT_PORT}\b")).first.click()
    expect(page).to_have_url(re.compile(f"filter=.*{SHUT_PORT}"))
    page.get_by_role("banner").get_by_role("button", name="Records").click()
    opened_record(page)
    expect(page.get_by_role("dialog", name="Flow record")).to_contain_text(f"port {SHUT_PORT}")
    expect(page.get_by_role("dialog", name="Flow record")).to_contain_text(ATTACKER)
    expect(page.get_by_role("dialog", name="Flow record")).to_contain_text(WEB)


def test_from_the_record_to_its_group(visits: Visits, lab_scene: LabScene) -> None:
    path = f"/explore?last=1h&filter=action%20%3D%20REJECT%20and%20dstport%20%3D%20{SHUT_PORT}"
    page = settled(visits.open(lab_scene.server, path))
    opened_record(page)
    record = page.get_by_role("dialog", name="Flow record")
    record.get_by_role("link", name=re.compile("^sg-")).first.click()
    expect(page).to_have_url(re.compile("/security-groups/sg-"))
    settled(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("table").first).to_be_visible()


def test_from_the_record_to_why(visits: Visits, lab_scene: LabScene) -> None:
    path = f"/explore?last=1h&filter=action%20%3D%20REJECT%20and%20dstport%20%3D%20{SHUT_PORT}"
    page = settled(visits.open(lab_scene.server, path))
    opened_record(page)
    page.get_by_role("link", name="Why was this rejected?").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why was this rejected?")
    settled(page)
    expect(page.locator("#main, main").first).to_contain_text(ATTACKER)
    expect(page.locator("#main, main").first).to_contain_text(re.compile("refused|rejected", re.I))


def test_from_a_finding_to_its_records(page: Page) -> None:
    page.goto("/dashboards/overview?last=3d")
    settled(page)
    findings = page.get_by_role("list", name="Findings", exact=True)
    findings.get_by_role("button").filter(has_text="from 10.").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Explore")
    page.get_by_role("button", name="Rejected: open the record").first.click()
    record = page.get_by_role("dialog", name="Flow record")
    expect(record.get_by_role("heading", name="What rejected it")).to_be_visible()
