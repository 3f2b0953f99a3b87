"""Aim: no page of another site, name or port gets anything out of the console or into it.

Method: requests as browsers send them for such pages, to a real server.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from console_server import ConsoleServer

from vpcflow.console.guard import (
    SECURITY_HEADERS,
    STRANGERS_BODY_BYTES_MAX,
    UPLOADS_BYTES_MAX,
    Uploads,
    name_of,
)
from vpcflow.console.settings import ConsoleSettings

SESSION = "/api/v1/session"
HTML = {"Accept": "text/html"}


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/", "GET", HTML, None),
        ("/theme.js", "GET", {}, None),
        ("/nothing", "GET", {}, 404),
        ("/", "POST", {}, 405),
        ("/", "GET", {"Host": "evil.example"}, 421),
        ("/manual/", "GET", {}, 200),
        ("/manual/nothing", "GET", {}, 404),
        ("/manual", "GET", {}, 303),
        ("/sign-in/nothing", "GET", {}, 410),
        (SESSION, "GET", {}, 200),
        ("/api/v1/nothing", "GET", {}, 404),
        (SESSION, "PUT", {}, 405),
        (SESSION, "POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/api/v1/questions/talkers", "GET", {}, 401),
    ],
)
def test_every_answer_has_the_security_headers(
    console: ConsoleServer, path: str, method: str, headers: dict[str, str], status: int | None
) -> None:
    answer = console.ask(path, method, headers)
    if status is not None:
        assert answer.status == status
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.decode()] == value.decode()
    assert "server" not in answer.headers
    if path.startswith("/api/"):
        assert answer.headers["cache-control"] in ("no-store", "private, no-cache")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1"),
        *("127.0.0.1:99999999", "localhost:x", "a@localhost", "localhost/", "127.1", "10.0.0.9"),
    ],
)
def test_names_that_are_not_ours_are_refused(console: ConsoleServer, host: str) -> None:
    for path in ("/", SESSION, "/manual/"):
        assert console.ask(path, headers={"Host": host}).status == 421


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:4680", "127.0.0.1:1", "[::1]:4680", "localhost."]
)
def test_names_of_this_host_are_ours(console: ConsoleServer, host: str) -> None:
    assert console.ask(SESSION, headers={"Host": host}).status == 200


def test_a_name_from_the_settings_is_ours(tmp_path: Path) -> None:
    with ConsoleServer(tmp_path, hosts=("flows.example",)) as server:
        assert server.ask(SESSION, headers={"Host": "Flows.example:443"}).status == 200
        assert server.ask(SESSION, headers={"Host": "x.flows.example"}).status == 421


def test_two_hosts_or_none_are_refused(console: ConsoleServer) -> None:
    for lines in (b"Host: localhost\r\nHost: evil.example\r\n", b""):
        with socket.create_connection((console.host, console.port), timeout=30) as client:
            client.sendall(b"GET / HTTP/1.1\r\n" + lines + b"Connection: close\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65_536), b""))
        assert answer.split()[1] in (b"421", b"400")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_origins_cannot_ask_the_api(console: ConsoleServer, site: str) -> None:
    # What buckets of the AWS endpoint hold is same-site: cookies go with it.
    browser = console.sign_in()
    headers = {"Cookie": browser.cookie, "Sec-Fetch-Site": site}
    assert console.ask(SESSION, headers=headers).status == 403
    assert console.ask(SESSION, "POST", headers, console.key).status == 403
    assert console.ask("/", headers={**headers, **HTML}).status != 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://{host}", "http://127.0.0.1:1", "{host}"]
)
def test_another_origin_cannot_sign_in_or_out(console: ConsoleServer, origin: str) -> None:
    origin = origin.replace("{host}", f"{console.host}:{console.port}")
    answer = console.ask(SESSION, "POST", {"Origin": origin}, console.key)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    browser = console.sign_in()
    assert console.ask(SESSION, "DELETE", {**browser.headers, "Origin": origin}).status == 403
    assert browser.session()["signed_in"]


@pytest.mark.parametrize("token", ["", "x", "\xff", "a" * 64])
def test_what_changes_something_needs_the_sessions_own_token(
    console: ConsoleServer, token: str
) -> None:
    browser, other = console.sign_in(), console.sign_in()
    for wrong in (token, other.csrf):
        headers = {**browser.headers, "X-Vpcflow-Csrf": wrong}
        answer = console.ask("/api/v1/filter", "POST", headers, {"text": ""})
        assert answer.status == 403
        assert answer.json["error"]["code"] == "WrongCsrfToken"
    assert console.ask("/api/v1/filter", "POST", browser.headers, {"text": ""}).status == 200


def test_a_proxy_is_believed_only_where_it_is_trusted(tmp_path: Path) -> None:
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"}
    with ConsoleServer(tmp_path / "a") as server:
        assert "Secure" not in server.ask(SESSION, "POST", said, server.key).headers["set-cookie"]
    with ConsoleServer(tmp_path / "b", trust_proxy=True) as server:
        said |= {"Origin": f"https://{server.host}:{server.port}"}
        assert "Secure" in server.ask(SESSION, "POST", said, server.key).headers["set-cookie"]


def test_bodies_are_bounded(tmp_path: Path) -> None:
    with ConsoleServer(tmp_path, body_bytes_max=2_000, body_timeout_s=0.3) as server:
        assert server.ask(SESSION, "POST", body=b"x" * 2_001).status == 413
        chunked = {"Transfer-Encoding": "chunked"}
        assert server.ask(SESSION, "POST", chunked, None).status == 408
        with socket.create_connection((server.host, server.port), timeout=30) as client:
            client.sendall(b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\n")
            client.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + b"400\r\n" + b"x" * 1024)
            client.sendall(b"\r\n400\r\n" + b"x" * 1024 + b"\r\n")
            assert client.recv(4_096).split()[1] == b"413"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost:4680", "localhost"),
        ("[::1]:80", "::1"),
        ("[::1]", "::1"),
        ("[::1]x", ""),
        ("a:b", ""),
        ("a:1:2", ""),
        ("Example.COM.", "example.com"),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert name_of(host) == name


def test_who_has_not_signed_in_sends_little(console: ConsoleServer) -> None:
    large = b'{"text": "' + b"x" * STRANGERS_BODY_BYTES_MAX + b'"}'
    path, kind = "/api/v1/filter", {"Content-Type": "application/json"}
    stranger = console.ask(path, "POST", {**kind, "Cookie": "vpcflow_session=guessed"}, large)
    assert (stranger.status, stranger.json["error"]["code"]) == (401, "NotSignedIn")
    known = console.ask(path, "POST", {**kind, **console.sign_in().headers}, large)
    assert (known.status, known.json["error"]["code"]) == (400, "FilterError")


def test_large_bodies_have_room_together(tmp_path: Path) -> None:
    settings = ConsoleSettings()
    uploads = Uploads(settings, lambda _: True)
    scope = {"headers": []}
    begun = 0

    async def pieces(size: int, hold: asyncio.Event | None = None) -> Any:
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent, begun
            if sent and hold is not None:
                begun += 1
                await hold.wait()
            more = not sent
            sent = True
            body = b"x" * size if more else b""
            return {"type": "http.request", "body": body, "more_body": more}

        return await uploads.read(receive, scope)

    async def many() -> tuple[Any, Any, Any]:
        hold, size = asyncio.Event(), settings.body_bytes_max
        waiting = [
            asyncio.create_task(pieces(size, hold)) for _ in range(UPLOADS_BYTES_MAX // size)
        ]
        while begun < len(waiting):
            await asyncio.sleep(0)
        refused, small = await pieces(size), await pieces(1_000)
        hold.set()
        await asyncio.gather(*waiting)
        return refused, small, await pieces(size)

    refused, small, later = asyncio.run(many())
    assert refused.status == 429
    assert callable(small)
    assert callable(later)
