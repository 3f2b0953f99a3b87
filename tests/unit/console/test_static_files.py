"""Aim: the front end is served fast, kept as long as it is good, and nothing beside it is served.

Method: a small built front end in a folder, served by the real application on a real socket.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from vpcflow.api.server import WebServer, bind
from vpcflow.console.app import ConsoleApp
from vpcflow.console.settings import ConsoleSettings
from vpcflow.console.static_files import StaticFiles

_SCRIPT = b"export const answer = 42;\n" * 40
_SECRET = b"not for anybody"


class _Client(HTTPConnection):
    """Sends any bytes as a path."""

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")


class _Served:
    def __init__(self, folder: Path) -> None:
        async def rest(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"].endswith("/fails"):
                raise RuntimeError("on purpose")
            await PlainTextResponse("the API")(scope, receive, send)

        app = ConsoleApp(ConsoleSettings(), rest, None, static=folder)
        listening = bind("127.0.0.1", 0, default=0, part="console")
        self.port = listening.getsockname()[1]
        self.server = WebServer(
            listening, lambda: app, name="test", head_timeout_s=20, connections_max=50
        )

    def ask(self, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
        connection = _Client("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Served]:
    root = tmp_path_factory.mktemp("web")
    (root / "secret.txt").write_bytes(_SECRET)
    folder = root / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<!doctype html><title>front end</title>")
    (folder / "assets" / "app-1a2b.js").write_bytes(_SCRIPT)
    (folder / "assets" / "app-1a2b.js.br").write_bytes(b"made by the build")
    (folder / "assets" / "font-3c4d.woff2").write_bytes(bytes(range(256)))
    (folder / "link.txt").symlink_to(root / "secret.txt")
    made = _Served(folder)
    made.server.start()
    yield made
    made.server.stop()


def test_assets_are_kept_for_good_and_compressed(served: _Served) -> None:
    path = "/assets/app-1a2b.js"
    plain, body = served.ask(path)
    assert body == _SCRIPT
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["vary"] == "accept-encoding"
    brotli, body = served.ask(path, Accept_Encoding="gzip, deflate, br")
    assert (brotli.headers["content-encoding"], body) == ("br", b"made by the build")
    zipped, body = served.ask(path, Accept_Encoding="br;q=0, gzip")
    assert zipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == _SCRIPT
    assert len({one.headers["etag"] for one in (plain, brotli, zipped)}) == 3
    none, body = served.ask(path, Accept_Encoding="gzip;q=0.0, identity")
    assert "content-encoding" not in none.headers
    font, _ = served.ask("/assets/font-3c4d.woff2", Accept_Encoding="gzip, br")
    assert "content-encoding" not in font.headers
    assert font.headers["content-type"] == "font/woff2"


def test_what_a_browser_has_is_not_sent_again(served: _Served) -> None:
    page, body = served.ask("/")
    assert page.headers["cache-control"] == "no-cache"
    etag = page.headers["etag"]
    for has in (etag, f'"x", W/{etag}', "*"):
        again, nothing = served.ask("/", If_None_Match=has)
        assert (again.status, nothing) == (304, b"")
        assert again.headers["etag"] == etag
    assert served.ask("/", If_None_Match='"x"')[1] == body


def test_head_is_get_without_the_body(served: _Served) -> None:
    for path in ("/", "/assets/app-1a2b.js"):
        get, _ = served.ask(path)
        head, body = served.ask(path, "HEAD")
        assert body == b""
        assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("path", ["/explore", "/flow-logs/fl-1", "/dashboards/a.b", "/index.html"])
def test_addresses_of_pages_give_the_front_end(served: _Served, path: str) -> None:
    answer, body = served.ask(path, Accept="text/html,*/*;q=0.8")
    assert answer.status == 200
    assert b"front end" in body


@pytest.mark.parametrize("path", ["/assets/app-0000.js", "/api/v2", "/api", "/assets/"])
def test_what_is_no_page_is_not_found(served: _Served, path: str) -> None:
    answer, body = served.ask(path, Accept="text/html")
    assert answer.status == 404
    assert b"front end" not in body
    assert served.ask("/explore", Accept="application/json")[0].status == 404


def test_the_api_is_below_its_path_alone(served: _Served) -> None:
    assert served.ask("/api/v1/anything")[1] == b"the API"
    assert served.ask("/api/v10", Accept="text/html")[0].status == 404
    failed, body = served.ask("/api/v1/fails")
    assert failed.status == 500
    assert failed.headers["x-frame-options"] == "DENY"
    assert b"on purpose" not in body


_TRAVERSALS = [
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/assets/..%5c..%5csecret.txt",
    "//secret.txt",
    "/static/../../secret.txt",
    "/./../secret.txt",
    "/link.txt",
    "/assets%00/../../secret.txt",
    "/manual/../../secret.txt",
    "/manual/images/../../../secret.txt",
    "/manual/%2e%2e/%2e%2e/pyproject.toml",
    "/\xff\xfe",
]


@pytest.mark.parametrize("path", _TRAVERSALS)
def test_no_path_leads_out(served: _Served, path: str) -> None:
    for accept in ("*/*", "text/html"):
        answer, body = served.ask(path, Accept=accept)
        assert _SECRET not in body
        assert answer.status in (200, 400, 404)
        assert answer.status != 200 or b"front end" in body


def test_any_bytes_as_a_path_are_answered(served: _Served) -> None:
    letters = [*"/.%\\:;?#&=+~", "..", "%2f", "%00", "%ff", "assets", "api", "manual", "é", "a"]
    source = random.Random(5)
    for _ in range(300):
        path = "/" + "".join(source.choices(letters, k=source.randint(1, 12)))
        answer, body = served.ask(path.encode().decode("latin-1"))
        assert answer.status < 500 or answer.status == 503
        assert _SECRET not in body


def test_a_new_build_is_served_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vpcflow.console.static_files.LOOK_EVERY_S", 0.0)
    files = StaticFiles(tmp_path)
    assert files.find("/index.html") is None
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(b"one")
    first = files.find("/index.html")
    assert first is not None
    (tmp_path / "assets" / "late.js").write_bytes(b"late")
    assert files.find("/assets/late.js") is not None
    (tmp_path / "index.html").unlink()
    assert files.find("/index.html") is None


def test_without_a_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    made = _Served(tmp_path / "nothing")
    made.server.start()
    try:
        answer, body = made.ask("/", Accept="text/html")
        assert answer.status == 503
        assert b"<pre>make</pre>" in body
        assert made.ask("/api/v1/x")[1] == b"the API"
    finally:
        made.server.stop()
