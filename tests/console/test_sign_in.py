"""Aim: who signs in sees what he may and nobody else sees anything. Method: a browser that signs in."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from aws_endpoint import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from playwright.sync_api import Page, expect
from served_console import ConsoleServer, made_user, vpcflow
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


def test_a_session_survives_the_death_of_the_server(visits: Visits, tmp_path: Path) -> None:
    visits.expect_wrong("failed request")
    with ConsoleServer(tmp_path / "data", "--no-capture") as first:
        page = settled(visits.open(first, "/health"))
        first.kill()
        page.keyboard.press("r")
        expect(page.get_by_text("The server does not answer").first).to_be_visible()
        with first.again():
            # The page goes on by itself, without signing in.
            expect(page.get_by_text("The server does not answer")).to_have_count(0)
            settled(page)
            expect(page.get_by_role("heading", level=1)).to_have_text("Health")


def test_a_user_sees_what_the_policy_allows_and_why_not_more(
    visits: Visits, sample: ConsoleServer
) -> None:
    visits.expect_wrong("answer 403: GET")
    key = made_user(sample, f"narrow-{os.getpid()}", "vpcflow:GetStatus")
    page = settled(visits.open(sample, "/dashboards/overview", key=key))
    expect(page.get_by_text(re.compile("vpcflow:QueryFlowRecords")).first).to_be_visible()
    page.goto("/flow-logs/new")
    expect(page.get_by_text("You may not create flow logs")).to_be_visible()
    page.goto("/health")
    settled(page)
    expect(page.locator(".state.error")).to_have_count(0)


def test_a_script_in_the_page_does_not_run(visits: Visits, sample: ConsoleServer) -> None:
    visits.expect_wrong("Content Security Policy")
    page = settled(visits.open(sample, "/health"))
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.injected = true";
            document.body.append(script);
            const image = document.createElement("div");
            image.innerHTML = "<img src='data:,' onerror='window.injected = true'>";
            document.body.append(image);
        }"""
    )
    expect(page.locator("body > div > img")).to_have_count(1)
    assert page.evaluate("window.injected") is None


def make_interface(ec2: Any) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    made = ec2.create_network_interface(SubnetId=subnet)
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


HOSTILE = "<img src=x onerror=alert(1)>"


def test_words_that_look_like_html_are_words(visits: Visits, tmp_path: Path) -> None:
    data, lines = tmp_path / "data", tmp_path / "lines"
    lines.mkdir()
    (lines / "bad.log").write_text(f"2 1 {HOSTILE} not a record\n{HOSTILE}\n")
    vpcflow(data, "ingest", "--log-format", "${version} ${account-id} ${bytes}", str(lines))
    with ConsoleServer(data, "--no-capture") as server:
        ec2 = server.client("ec2")
        ec2.create_tags(Resources=[make_interface(ec2)], Tags=[{"Key": "Name", "Value": HOSTILE}])
        page = settled(visits.open(server, "/quarantine"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Quarantine")
        assert page.locator("main img, #main img").count() == 0
        page.goto("/interfaces")
        settled(page)
        expect(page.get_by_text(HOSTILE).first).to_be_visible()
        assert page.evaluate("document.querySelectorAll('img[src=x]').length") == 0
