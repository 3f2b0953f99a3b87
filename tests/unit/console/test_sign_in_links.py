"""Aim: a link signs in once, for an hour, and nobody but who sits at this host.

Method: links of a real server, opened as browsers, prefetchers and proxies do.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from console_server import ConsoleServer

from vpcflow.base.clock import ManualClock
from vpcflow.console.sign_in_links import LASTS_S, LINKS_MAX, PATH, SignInLinks, is_loopback


def _path(server: ConsoleServer) -> str:
    link = server.control.console_link()
    assert link.startswith(f"{server.origin}{PATH}")
    return link.removeprefix(server.origin)


def test_a_link_signs_in_once(console: ConsoleServer) -> None:
    path = _path(console)
    navigation = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
    answer = console.ask(path, headers=navigation)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"].partition(";")[0]
    told = console.ask("/api/v1/session", headers={"Cookie": cookie}).json
    assert told["name"] == "root"
    again = console.ask(path, headers=navigation)
    assert again.status == 410
    assert b"vpcflow console" in again.body
    assert "set-cookie" not in again.headers


@pytest.mark.parametrize(
    ("headers", "method"),
    [
        ({"Sec-Fetch-Mode": "no-cors"}, "GET"),
        ({"Sec-Fetch-Mode": "cors"}, "GET"),
        ({"Sec-Purpose": "prefetch", "Sec-Fetch-Mode": "navigate"}, "GET"),
        ({"X-Forwarded-For": "192.0.2.1"}, "GET"),
        ({"Forwarded": "for=192.0.2.1"}, "GET"),
        ({"Via": "1.1 proxy"}, "GET"),
        ({}, "HEAD"),
        ({}, "POST"),
        ({"Host": "evil.example"}, "GET"),
    ],
)
def test_what_is_no_person_at_this_host_does_not_use_it_up(
    console: ConsoleServer, headers: dict[str, str], method: str
) -> None:
    path = _path(console)
    refused = console.ask(path, method, headers)
    assert refused.status in (403, 405, 409, 421)
    assert "set-cookie" not in refused.headers
    assert console.ask(path).status == 303


def test_links_are_for_an_hour_and_bounded() -> None:
    clock = ManualClock()
    links = SignInLinks(clock)
    early, late = links.make(), links.make()
    clock.advance(LASTS_S - 1)
    assert links.take(early.removeprefix(PATH))
    clock.advance(1)
    assert not links.take(late.removeprefix(PATH))
    made = [links.make() for _ in range(LINKS_MAX + 1)]
    assert not links.take(made[0].removeprefix(PATH))
    assert links.take(made[1].removeprefix(PATH))


def test_beyond_loopback_there_are_no_links(tmp_path: Path) -> None:
    with ConsoleServer(tmp_path, host="0.0.0.0") as server:
        assert server.control.console_link() == f"{server.origin}/"
        assert server.ask("/sign-in/x").status == 404


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        *((one, True) for one in ("127.0.0.1", "::1", "localhost", "127.9.9.9")),
        *((one, False) for one in ("0.0.0.0", "::", "192.0.2.1", "flows.example", "")),
    ],
)
def test_what_is_loopback(address: str, is_one: bool) -> None:
    assert is_loopback(address) is is_one
