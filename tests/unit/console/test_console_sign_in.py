"""Aim: only who knows a key gets in, and only as long as the key is good.

Method: real requests to a real server; keys of the real control state.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from console_server import ACCOUNT_ID, ConsoleServer

from vpcflow.api.rest.attempts import (
    BUCKETS_MAX,
    KEY_TRIES_MAX,
    KEY_TRY_S,
    TokenBuckets,
    network_of,
)
from vpcflow.base.clock import ManualClock
from vpcflow.control.identity import (
    ACCESS_KEYS,
    USERS,
    AccessKey,
    User,
    iam_place,
    issue_temporary_key,
)
from vpcflow.control.identity.sessions import (
    CONSOLE_SESSIONS,
    SESSIONS_PER_ACCOUNT_MAX,
    ConsoleSessions,
)
from vpcflow.control.state import GLOBAL, Database, State

SESSION = "/api/v1/session"


def _make_user(server: ConsoleServer, name: str, key_id: str, policy: str = "") -> dict[str, str]:
    inline = {"all": policy} if policy else {}
    with server.control.plane.state.change() as change:
        user = User(name, f"AIDA{name.upper()}", 1.0, inline=inline)
        change.put(USERS, iam_place(ACCOUNT_ID), name, user)
        change.put(
            ACCESS_KEYS, GLOBAL, key_id, AccessKey(key_id, "a secret", ACCOUNT_ID, 1.0, name)
        )
    return {"access_key_id": key_id, "secret_access_key": "a secret"}


def test_nobody_is_signed_in_without_a_cookie(console: ConsoleServer) -> None:
    answer = console.ask(SESSION)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert not answer.json["signed_in"]
    assert answer.json["csrf"] == ""
    assert answer.json["clock_s"] > 1.7e9


def test_a_key_opens_a_session_that_says_who_it_is(console: ConsoleServer) -> None:
    answer = console.ask(SESSION, "POST", body=console.key)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    told = answer.json
    assert told["signed_in"]
    assert (told["account_id"], told["name"]) == (ACCOUNT_ID, "root")
    assert {"query", "tail", "settings", "flow_logs_create"} <= set(told["may"])
    # The database holds nothing that signs in.
    token = cookie.partition("=")[2].partition(";")[0]
    assert token not in str(console.control.plane.state.all(CONSOLE_SESSIONS, GLOBAL))


def test_wrong_keys_are_refused_alike(console: ConsoleServer) -> None:
    wrong = [
        {**console.key, "secret_access_key": "x"},
        {"access_key_id": "AKIANOBODY", "secret_access_key": "x"},
        {**console.key, "session_token": "x"},
    ]
    answers = [console.ask(SESSION, "POST", body=body) for body in wrong]
    assert [answer.status for answer in answers] == [401] * 3
    assert len({answer.body for answer in answers}) == 1
    assert "set-cookie" not in answers[0].headers


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"access_key_id": 1}', b"\xff\xfe", b'{"access_key_id":"' * 9],
)
def test_bodies_that_are_no_sign_in_are_refused(console: ConsoleServer, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert console.ask(SESSION, "POST", headers, body).status == 400


def test_a_user_may_what_policies_say(console: ConsoleServer) -> None:
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*",'
        ' "Action": "vpcflow:QueryFlowRecords"}]}'
    )
    key = _make_user(console, "ann", "AKIAANN", policy)
    told = console.sign_in(key).session()
    assert told["may"] == ["query"]
    assert told["arn"].endswith(":user/ann")


def test_signing_out_ends_the_session_for_everybody_who_has_the_cookie(
    console: ConsoleServer,
) -> None:
    browser = console.sign_in()
    assert console.ask(SESSION, "DELETE", {"Cookie": browser.cookie}).status == 403
    assert browser.session()["signed_in"]
    done = console.ask(SESSION, "DELETE", browser.headers)
    assert done.status == 204
    assert "Max-Age=0" in done.headers["set-cookie"]
    assert not browser.session()["signed_in"]


@pytest.mark.parametrize("ending", ["deleted", "inactive", "user gone"])
def test_a_session_ends_with_its_key(console: ConsoleServer, ending: str) -> None:
    browser = console.sign_in(_make_user(console, "bob", "AKIABOB"))
    assert browser.session()["signed_in"]
    with console.control.plane.state.change() as change:
        key = change.get(ACCESS_KEYS, GLOBAL, "AKIABOB")
        assert key is not None
        if ending == "deleted":
            change.remove(ACCESS_KEYS, GLOBAL, "AKIABOB")
        elif ending == "inactive":
            change.put(ACCESS_KEYS, GLOBAL, "AKIABOB", replace(key, active=False))
        else:
            change.remove(USERS, iam_place(ACCOUNT_ID), "bob")
    assert not browser.session()["signed_in"]
    # With the key it cannot be opened anew either.
    body = {"access_key_id": "AKIABOB", "secret_access_key": "a secret"}
    assert console.ask(SESSION, "POST", body=body).status == 401


def test_a_session_survives_a_restart(tmp_path: Path) -> None:
    with ConsoleServer(tmp_path) as before:
        browser = before.sign_in()
    with ConsoleServer(tmp_path) as after:
        told = browser.session(after)
        assert told["signed_in"]
        assert told["csrf"] == browser.csrf


def test_a_session_is_over_in_time(tmp_path: Path) -> None:
    clock = ManualClock()
    state = State(Database.in_folder(tmp_path))
    key = AccessKey("AKIAROOT", "a secret", ACCOUNT_ID, 1.0)
    with state.change() as change:
        change.put(ACCESS_KEYS, GLOBAL, key.key_id, key)
        short = issue_temporary_key(change, ACCOUNT_ID, clock.now_s(), 900)
    sessions = ConsoleSessions(state, clock, lasts_s=3_600)
    token, short_token = sessions.begin(key), sessions.begin(short)
    clock.advance(899)
    assert sessions.find(token) is not None
    assert sessions.find(short_token) is not None
    clock.advance(2)
    assert sessions.find(short_token) is None
    clock.advance(3_600 - 902)
    found = sessions.find(token)
    assert found is not None
    assert found.caller.is_root
    clock.advance(1)
    assert sessions.find(token) is None
    state.database.close()


def test_the_session_used_longest_ago_makes_room(tmp_path: Path) -> None:
    clock = ManualClock()
    state = State(Database.in_folder(tmp_path))
    key = AccessKey("AKIAROOT", "a secret", ACCOUNT_ID, 1.0)
    sessions = ConsoleSessions(state, clock, lasts_s=1e6)
    with state.change() as change:
        change.put(ACCESS_KEYS, GLOBAL, key.key_id, key)
    first = sessions.begin(key)
    clock.advance(1)
    second = sessions.begin(key)
    made = state.all(CONSOLE_SESSIONS, GLOBAL)
    with state.change() as change:
        for number in range(SESSIONS_PER_ACCOUNT_MAX - 2):
            one = replace(next(iter(made.values())), used_s=clock.now_s() + 1 + number / 1e4)
            change.put(CONSOLE_SESSIONS, GLOBAL, f"{number:064}", one)
    clock.advance(1_000)
    assert sessions.find(first) is not None
    sessions.begin(key)
    assert len(state.all(CONSOLE_SESSIONS, GLOBAL)) == SESSIONS_PER_ACCOUNT_MAX
    assert sessions.find(first) is not None
    assert sessions.find(second) is None
    state.database.close()


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    with ConsoleServer(tmp_path) as server:
        wrong = {**server.key, "secret_access_key": "x"}
        for _ in range(KEY_TRIES_MAX):
            assert server.ask(SESSION, "POST", body=wrong).status == 401
        stopped = server.ask(SESSION, "POST", body=server.key)
        assert stopped.status == 429
        assert 1 <= int(stopped.headers["retry-after"]) <= KEY_TRY_S + 1
        assert stopped.json["error"]["code"] == "TooManyAttempts"
        # Another key is not locked out by that.
        other = _make_user(server, "eve", "AKIAEVE")
        assert server.ask(SESSION, "POST", body=other).status == 200


def test_buckets_fill_again_and_are_bounded() -> None:
    clock = ManualClock()
    buckets = TokenBuckets(clock, 2, 6.0)
    assert [buckets.take("a") for _ in range(3)] == [0.0, 0.0, 6.0]
    clock.advance(6.0)
    assert [buckets.take("a"), buckets.take("a")] == [0.0, 6.0]
    buckets.give_back("a")
    assert buckets.take("a") == 0.0
    for number in range(BUCKETS_MAX):
        buckets.take(str(number))
    assert len(buckets._buckets) == BUCKETS_MAX


def test_one_customer_of_ipv6_is_one_client() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2::9")
    assert network_of("2001:db8:1:3::") != network_of("2001:db8:1:2::9")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("no address") == "no address"


@pytest.mark.parametrize(
    "cookie",
    [
        "vpcflow_session=",
        "vpcflow_session",
        "vpcflow_session=\xff\xfe",
        "vpcflow_session=" + "a" * 10_000,
        "a=b; vpcflow_session=../../etc; vpcflow_session=x" + "; vpcflow_session=y" * 500,
        '"; ; ;=;vpcflow_session="=";\t',
    ],
)
def test_hostile_cookies_sign_nobody_in(console: ConsoleServer, cookie: str) -> None:
    answer = console.ask(SESSION, headers={"Cookie": cookie})
    assert answer.status == 200
    assert not answer.json["signed_in"]


def test_a_cookie_that_another_port_set_hides_no_session(console: ConsoleServer) -> None:
    browser = console.sign_in()
    both: dict[str, Any] = {"Cookie": f"vpcflow_session=x; {browser.cookie}"}
    assert console.ask(SESSION, headers=both).json["signed_in"]
