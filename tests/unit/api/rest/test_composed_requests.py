"""Aim: requests of several questions starve nobody, end with their client, and leak to nobody.

Method: a console over real HTTP whose only worker is busy, hundreds of open connections.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rest_harness import ACCOUNT, RestServer, Root, rest_services, serving, until

from vpcflow.api.rest.app import rest_app
from vpcflow.api.rest.query_pool import QueryPool
from vpcflow.api.rest.services import COMPOSERS_MAX, RestServices
from vpcflow.api.rest.settings import RestSettings
from vpcflow.api.rest.sign_in import SignIn
from vpcflow.app.settings import Settings
from vpcflow.base.clock import SystemClock
from vpcflow.console.app import ConsoleApp
from vpcflow.console.settings import ConsoleSettings
from vpcflow.control.caller import root_caller
from vpcflow.query.answer import Answer
from vpcflow.query.stop_token import StopToken

_MANY = 200
_ADDRESSES = "srcaddr=10.0.0.1&dstaddr=10.0.0.2&srcport=1&dstport=2"
#: One of every route that waits for a question, and what it is sent.
_WAITING = [
    ("GET", "/graph", b""),
    ("GET", "/interfaces", b""),
    ("GET", "/findings", b""),
    ("GET", "/rejected-ports", b""),
    (
        "GET",
        f"/record-rule?interface_id=eni-1&{_ADDRESSES}&protocol=6&action=REJECT&start=1780272000",
        b"",
    ),
    ("POST", "/flow-logs/preview", b'{"log_format": ""}'),
    (
        "POST",
        "/flow-logs/plan",
        b'{"resource_ids": ["vpc-0a1b2c3d4e5f60718"], "traffic_type": "ALL", "hours": 1}',
    ),
]


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A front end of one page."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "index.html").write_text("<!doctype html><p>here</p>", encoding="utf-8")
    return tmp_path / "static"


@contextmanager
def _console(table: Settings, static: Path, **bounds: Any) -> Iterator[RestServer]:
    """The whole console, as its port serves it."""

    def load(services: RestServices) -> Any:
        app = rest_app(services)
        return ConsoleApp(ConsoleSettings(), app, None, static=static, is_known=lambda _: True)

    rest = RestSettings(query_workers=1, **bounds)
    with rest_services(table, rest=rest) as made:
        sign_in = SignIn(made.state, SystemClock(), session_s=3_600)
        services = replace(made, sign_in=sign_in)
        try:
            with serving(services, load) as server:
                yield server
        finally:
            services.close()


@contextmanager
def _busy(pool: QueryPool) -> Iterator[None]:
    """The only worker has something else to do while this is open."""
    go_on, begun = threading.Event(), threading.Event()

    def run(_: StopToken) -> Answer:
        begun.set()
        go_on.wait(60)
        return Answer(pa.table({"x": [1]}), ())

    ticket = pool.enter(b"busy", run)
    assert begun.wait(10)
    try:
        yield
    finally:
        go_on.set()
        ticket.answer.result(10)
        ticket.leave()


def _open(server: RestServer, method: str, path: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(server.address)
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(head.encode() + b"\r\n" + body)
    return connection


def test_hundreds_who_wait_keep_nobody_from_sessions_health_and_pages(
    rest_table: Settings, static: Path
) -> None:
    with _console(rest_table, static) as server, ExitStack() as stack:
        pool = server.services.pool
        with _busy(pool):
            for _ in range(_MANY):
                stack.enter_context(_open(server, "GET", "/api/v1/graph"))
            until(lambda: pool.counts.shared == _MANY - 1, within_s=60)
            begun_s = time.monotonic()
            for path in ("/api/v1/session", "/api/v1/health", "/api/v1/network", "/"):
                assert server.get(path).status == 200, path
            # They waited for the questions that wait if they came to an end before those.
            assert pool.unfinished == 2
            assert time.monotonic() - begun_s < 10
        until(lambda: pool.unfinished == 0, within_s=30)


@pytest.mark.parametrize(("method", "path", "body"), _WAITING)
def test_a_client_that_leaves_ends_its_questions(
    rest_table: Settings, static: Path, method: str, path: str, body: bytes
) -> None:
    with _console(rest_table, static) as server:
        pool = server.services.pool
        with _busy(pool):
            connection = _open(server, method, f"/api/v1{path}", body)
            until(lambda: pool.unfinished == 2)
            connection.close()
            until(lambda: pool.counts.interrupted == 1)
        until(lambda: pool.unfinished == 0)
        # What was taken back never ran.
        assert pool.counts.started == 1


def test_a_full_queue_is_told(rest_table: Settings, static: Path) -> None:
    with _console(rest_table, static, waiting_max=0) as server, _busy(server.services.pool):
        for path in ("/graph", "/interfaces", "/rejected-ports"):
            reply = server.get(f"/api/v1{path}")
            assert (reply.status, reply.error["code"]) == (429, "TooManyQuestions")


def test_few_threads_compute(rest_table: Settings, static: Path) -> None:
    with _console(rest_table, static) as server:
        assert server.get("/api/v1/graph").status == 200
        limiter = server.services.composing
        assert (limiter.total_tokens, limiter.borrowed_tokens) == (COMPOSERS_MAX, 0)


def test_answers_are_shared_only_with_those_who_may_have_them(rest_table: Settings) -> None:
    root, denied = Root(), replace(root_caller(ACCOUNT), account_id="999999999999")
    with rest_services(rest_table, signed_in=root) as services, serving(services) as server:
        pool = services.pool
        paths = ("/questions/talkers?limit=3", "/graph", "/interfaces", "/rejected-ports")
        tags = {path: server.get(path).headers.get("etag") for path in paths}
        kept = len(pool.cache)
        assert kept >= len(paths)
        before = pool.counts.cached, pool.counts.shared
        root.who = denied
        for path in paths:
            tag = tags[path] or "*"
            assert server.get(path).status == 403
            assert server.get(path, {"If-None-Match": tag}).status == 403
        root.who = None
        for path in paths:
            assert server.get(path, {"If-None-Match": tags[path] or "*"}).status == 401
        # Neither the pool nor its cache was asked.
        assert (pool.counts.cached, pool.counts.shared) == before


def test_a_run_that_others_wait_for_is_not_joined_without_permission(
    rest_table: Settings,
) -> None:
    root = Root()
    rest = RestSettings(query_workers=1)
    with (
        rest_services(rest_table, signed_in=root, rest=rest) as services,
        serving(services) as server,
        _busy(services.pool),
        _open(server, "GET", "/questions/pairs"),
    ):
        until(lambda: services.pool.unfinished == 2)
        root.who = replace(root_caller(ACCOUNT), account_id="999999999999")
        assert server.get("/questions/pairs").status == 403
        assert services.pool.counts.shared == 0


def test_the_tag_of_one_users_answer_is_of_no_use_to_another(rest_table: Settings) -> None:
    root = Root()
    with rest_services(rest_table, signed_in=root) as services, serving(services) as server:
        tag = server.get("/questions/talkers").headers["etag"]
        assert server.get("/questions/talkers", {"If-None-Match": tag}).status == 304
        assert root.who is not None
        root.who = replace(root.who, arn=f"arn:aws:iam::{ACCOUNT}:user/eve")
        reply = server.get("/questions/talkers", {"If-None-Match": tag})
        assert (reply.status, reply.headers["etag"] != tag) == (200, True)


@pytest.mark.parametrize("body", [b"{", b"{}", b"\xff", b'{"text": 3}'])
def test_nobody_learns_nothing_of_what_a_body_should_be(rest_table: Settings, body: bytes) -> None:
    root = Root(None)
    with rest_services(rest_table, signed_in=root) as services, serving(services) as server:
        for path in ("/sql", "/filter", "/flow-logs", "/flow-logs/plan", "/dashboards"):
            reply = server.post(path, body)
            assert (reply.status, reply.error["code"]) == (401, "NotSignedIn"), path
        assert server.get("/graph?limit=nothing").status == 401
        root.who = root_caller(ACCOUNT)
        assert server.post("/sql", body).status == 400
        assert server.get("/graph?limit=nothing").status == 400


def test_a_filter_has_a_bounded_number_of_conditions(rest_server: RestServer) -> None:
    def filter_of(count: int) -> str:
        return " and ".join(f"not (dstport = {port} and bytes = 7)" for port in range(count // 2))

    begun_s = time.monotonic()
    reply = rest_server.get("/questions/figures", filter=filter_of(2_000))
    assert (reply.status, reply.error["code"], reply.error["where"]) == (
        413,
        "LimitError",
        "filter",
    )
    assert "list" in reply.error["hint"]
    assert time.monotonic() - begun_s < 5
    assert rest_server.post("/filter", {"text": filter_of(500)}).status == 200
    assert rest_server.post("/filter", {"text": filter_of(502)}).status == 413
    values = ", ".join(map(str, range(5_000)))
    assert rest_server.post("/filter", {"text": f"dstport in ({values})"}).status == 200
