"""The pool that runs the console's questions, under real requests: turns, sharing, bounds, going away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pyarrow as pa
import pytest
from rest_harness import RestServer, rest_services, serving, until

from vpcflow.api.rest.answer_cache import ENTRY_BYTES, AnswerCache
from vpcflow.api.rest.query_pool import QueryPool
from vpcflow.api.rest.settings import RestSettings
from vpcflow.app.settings import Settings
from vpcflow.base.errors import ServiceError, StoppedError
from vpcflow.query.answer import Answer
from vpcflow.query.stop_token import StopToken

#: 8 * 10^12 pairs: it takes hours.
_HEAVY = (
    "SELECT sum(a.bytes * b.packets + c.packets) AS n "
    "FROM flow_records a, flow_records b, flow_records c"
)


@contextmanager
def _server(table: Settings, **bounds: object) -> Iterator[RestServer]:
    rest = RestSettings(**{"query_workers": 1, **bounds})  # type: ignore[arg-type]
    with rest_services(table, rest=rest) as services, serving(services) as server:
        yield server


@contextmanager
def _busy(pool: QueryPool) -> Iterator[None]:
    """One worker has something else to do while this is open."""
    go_on, begun = threading.Event(), threading.Event()

    def run(_: StopToken) -> Answer:
        begun.set()
        go_on.wait(30)
        return Answer(pa.table({"x": [1]}), ())

    ticket = pool.enter(b"busy", run)
    assert begun.wait(10)
    try:
        yield
    finally:
        go_on.set()
        ticket.answer.result(10)
        ticket.leave()


def _send_heavy(server: RestServer, text: str = _HEAVY) -> socket.socket:
    body = b'{"text": "' + text.encode() + b'"}'
    connection = socket.create_connection(server.address)
    head = f"POST /sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection


def test_a_question_whose_client_has_gone_is_interrupted(rest_table: Settings) -> None:
    with _server(rest_table) as server:
        pool = server.services.pool
        connection = _send_heavy(server)
        until(lambda: pool.counts.started == 1)
        begun_s = time.monotonic()
        connection.close()
        until(lambda: pool.unfinished == 0, within_s=2.0)
        assert time.monotonic() - begun_s < 2.0
        assert (pool.counts.interrupted, pool.counts.finished) == (1, 1)
        assert server.get("/questions/talkers").status == 200


def test_a_question_that_others_wait_for_goes_on(rest_table: Settings) -> None:
    with _server(rest_table) as server:
        pool = server.services.pool
        first = _send_heavy(server)
        until(lambda: pool.counts.started == 1)
        second = _send_heavy(server)
        until(lambda: pool.counts.shared == 1)
        first.close()
        with pytest.raises(AssertionError, match="did not come about"):
            until(lambda: pool.unfinished == 0, within_s=0.5)
        second.close()
        until(lambda: pool.unfinished == 0, within_s=2.0)
        assert (pool.counts.started, pool.counts.interrupted) == (1, 1)


def test_a_question_that_waits_is_taken_back_when_its_client_goes(rest_table: Settings) -> None:
    with _server(rest_table) as server:
        pool = server.services.pool
        with _busy(pool):
            connection = _send_heavy(server)
            until(lambda: pool.unfinished == 2)
            connection.close()
            until(lambda: pool.counts.interrupted == 1)
        until(lambda: pool.unfinished == 0)
        assert pool.counts.started == 1


def test_the_same_question_runs_once(rest_table: Settings) -> None:
    with _server(rest_table) as server, ThreadPoolExecutor(6) as clients:
        pool = server.services.pool
        with _busy(pool):
            asked = [clients.submit(server.get, "/questions/pairs", limit=3) for _ in range(5)]
            asked.append(clients.submit(server.get, "/questions/pairs?limit=03&start="))
            asked.pop().result(10)
            until(lambda: pool.counts.shared == 4)
        replies = [one.result(30) for one in asked]
        assert {reply.status for reply in replies} == {200}
        assert len({reply.body for reply in replies}) == 1
        assert pool.counts.started == 2
        server.get("/questions/pairs", {"Accept-Encoding": "gzip"}, limit="3")
        assert (pool.counts.started, pool.counts.cached) == (2, 1)


def test_more_than_may_wait_are_refused(rest_table: Settings) -> None:
    with _server(rest_table, waiting_max=1) as server, ThreadPoolExecutor(1) as clients:
        pool = server.services.pool
        with _busy(pool):
            waits = clients.submit(server.get, "/questions/pairs")
            until(lambda: pool.unfinished == 2)
            refused = server.get("/questions/ports")
            assert (refused.status, refused.error["code"]) == (429, "TooManyQuestions")
            assert int(refused.headers["retry-after"]) >= 1
        assert waits.result(30).status == 200
        assert server.get("/questions/ports").status == 200


def test_a_question_that_takes_too_long_is_stopped(rest_table: Settings) -> None:
    with _server(rest_table, time_s_max=0.3) as server:
        begun_s = time.monotonic()
        reply = server.post("/sql", {"text": _HEAVY})
        assert time.monotonic() - begun_s < 5
        assert (reply.status, reply.error["code"]) == (413, "LimitError")
        assert "0.3 s" in reply.error["message"]


def test_a_question_that_takes_too_much_memory_is_stopped(rest_table: Settings) -> None:
    with _server(rest_table, memory_bytes_max=64 * 2**20) as server:
        text = "SELECT list(a.srcaddr || b.dstaddr) AS x FROM flow_records a, flow_records b"
        reply = server.post("/sql", {"text": text})
        assert (reply.status, reply.error["code"]) == (413, "LimitError")
        assert server.get("/questions/talkers").status == 200


def test_large_answers_that_nobody_reads_do_not_fill_the_memory(rest_table: Settings) -> None:
    path = "/questions/flows?limit=20000&fields=all"
    with _server(rest_table, bodies_bytes_max=2**20) as server:
        bodies = server.services.bodies
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            slow.connect(server.address)
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            until(lambda: bodies.held_bytes > 2**20)
            refused = [server.get(path), server.get(path.replace("/flows?", "/flows?order=bytes&"))]
            refused.append(server.get(f"/export?question=flows&{path.partition('?')[2]}"))
            assert {reply.status for reply in refused} == {429}
            assert {reply.error["code"] for reply in refused} == {"TooManyAnswers"}
            assert server.get("/questions/flows?limit=100").status == 200
        until(lambda: bodies.held_bytes == 0)
        assert server.get(path).status == 200
        assert server.get(f"/export?question=flows&{path.partition('?')[2]}").status == 200
        until(lambda: bodies.held_bytes == 0)


def test_what_fails_fails_for_all_and_is_not_kept(rest_table: Settings) -> None:
    with _server(rest_table) as server:
        pool = server.services.pool
        text = "SELECT CAST(interface_id AS INTEGER) AS x FROM flow_records"
        assert [server.post("/sql", {"text": text}).status for _ in range(2)] == [400, 400]
        assert (pool.counts.started, pool.counts.cached, len(pool.cache)) == (2, 0, 0)


def test_sql_of_the_moment_is_not_the_same_question_later(rest_table: Settings) -> None:
    with _server(rest_table) as server:
        tags = set()
        for _ in range(2):
            reply = server.post("/sql", {"text": "SELECT now_s() AS n"})
            tags.add((reply.headers["etag"], reply.json["data"]["n"][0]))
            until(lambda seen=reply.json["data"]["n"][0]: time.time() >= seen + 1)  # type: ignore[misc]
        assert len({tag for tag, _ in tags}) == len({moment for _, moment in tags}) == 2


def test_closing_ends_what_runs(rest_table: Settings) -> None:
    with rest_services(rest_table) as services:
        ticket = services.pool.enter(b"heavy", lambda stop: services.queries.sql(_HEAVY, stop=stop))
        until(lambda: services.pool.counts.started == 1)
        services.close()
        assert isinstance(ticket.answer.exception(5), StoppedError)
        with pytest.raises(ServiceError, match="ending"):
            services.pool.enter(b"later", lambda stop: services.queries.sql("SELECT 1", stop=stop))


def _answer_of(size: int) -> Answer:
    return Answer(pa.table({"x": pa.array(range(size // 8), pa.int64())}), ())


def test_the_cache_keeps_to_its_bound_and_forgets_what_was_not_asked_for() -> None:
    cache = AnswerCache(3 * (8_000 + ENTRY_BYTES))
    for key in (b"a", b"b", b"c"):
        cache.put(key, _answer_of(8_000))
    assert cache.get(b"a") is not None
    cache.put(b"d", _answer_of(8_000))
    assert [key for key in (b"a", b"b", b"c", b"d") if cache.get(key) is None] == [b"b"]
    cache.put(b"large", _answer_of(1_000_000))
    assert cache.get(b"large") is None
    assert len(cache) == 3
    assert cache.kept_bytes <= 3 * (8_000 + ENTRY_BYTES)


def test_a_cache_of_nothing_keeps_nothing(rest_table: Settings) -> None:
    with _server(rest_table, cache_bytes_max=0) as server:
        for _ in range(2):
            assert server.get("/questions/ports").status == 200
        counts = server.services.pool.counts
        assert (counts.started, counts.cached) == (2, 0)
