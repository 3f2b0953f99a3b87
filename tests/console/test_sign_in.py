"""Aim: who signs in sees what he may and nobody else sees anything. Method: a browser that signs in."""

from __future__ import annotations

import re

from aws_endpoint import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from playwright.sync_api import Page, expect
from served_console import ConsoleServer
from watched_pages import Visits, settled


def fill_key(page: Page, key_id: str, secret: str) -> None:
    page.get_by_label("Access key id").fill(key_id)
    page.get_by_label("Secret access key").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def test_the_first_page_shows_and_asks_nobody_else(visits: Visits, sample: ConsoleServer) -> None:
    page = settled(visits.open(sample, "/"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    expect(page).to_have_url(re.compile(r"/dashboards/overview\?start=\d+&end=\d+"))
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_a_key_signs_in_and_sign_out_ends_it(visits: Visits, sample: ConsoleServer) -> None:
    page = visits.open(sample, "/health", key=None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    fill_key(page, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    # The address that was asked for is where one is then.
    expect(page.get_by_role("heading", level=1, name="Health")).to_be_visible()
    settled(page)
    page.get_by_role("button", name="Signed in as").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    settled(page)
    page.goto("/health")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_secret_is_refused_in_words(visits: Visits, sample: ConsoleServer) -> None:
    visits.expect_wrong(r"answer 40[13]: POST \S+/api/v1/session")
    page = visits.open(sample, "/", key=None)
    fill_key(page, ACCESS_KEY_ID, "wrong")
    expect(page.get_by_role("alert")).to_contain_text(re.compile("key|secret"))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_link_of_run_signs_in_once(visits: Visits, sample: ConsoleServer) -> None:
    first = visits.open(sample, sample.link, key=None)
    expect(first.get_by_role("navigation", name="Main")).to_be_visible()
    settled(first)
    visits.expect_wrong("answer 410: GET")
    second = visits.open(sample, sample.link, key=None)
    expect(second.get_by_text("This link was used already")).to_be_visible()
    second.goto("/")
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()
