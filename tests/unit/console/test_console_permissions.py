"""Aim: nobody gets from the API what is another's: not without a session, a token, or a permission.

Method: every route of the description, asked by everyone over real HTTP.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from console_server import ACCOUNT_ID, ConsoleServer, SignedInBrowser

from vpcflow.api.rest.app import openapi_of_routes
from vpcflow.control.identity import ACCESS_KEYS, USERS, AccessKey, User, iam_place
from vpcflow.control.state import GLOBAL

OTHER = "999988887777"
#: What has no owner: who is signed in, signing in, and the description itself.
OPEN = frozenset({("get", "/session"), ("post", "/session"), ("delete", "/session")})
#: What every account has for itself.
OF_EVERY_ACCOUNT = ("/dashboards", "/flow-log", "/destinations", "/network", "/session")
#: What is needed so that a request gets as far as the permission.
BODIES: dict[str, Any] = {
    "/dashboards": {"version": 1, "title": "Mine", "panels": []},
    "/dashboards/{dashboard_id}": {"version": 1, "title": "Mine", "panels": []},
    "/export": {"text": "SELECT 1", "format": "csv"},
    "/filter": {"text": "bytes > 1"},
    "/flow-logs": {"resource_ids": ["vpc-0"]},
    "/flow-logs/check": {"resource_ids": ["vpc-0"]},
    "/flow-logs/plan": {"resource_ids": ["vpc-0"]},
    "/flow-logs/preview": {"log_format": "${version}"},
    "/sql": {"text": "SELECT 1"},
}
QUERIES = {
    "/explain": "source=10.0.0.1&destination=10.0.0.2&dport=1",
    "/export": "question=talkers",
    "/record-rule": "interface_id=eni-1&srcaddr=10.0.0.1&dstaddr=10.0.0.2&protocol=6&action=REJECT",
    "/values": "field=action",
}


def _routes() -> list[tuple[str, str]]:
    paths = openapi_of_routes()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods]


ROUTES = [route for route in _routes() if route not in OPEN]


def _asked(
    server: ConsoleServer, method: str, path: str, headers: dict[str, str]
) -> tuple[int, Any]:
    url = "/api/v1" + path.replace("{entry_id}", "1").replace("{", "").replace("}", "")
    query = QUERIES.get(path, "")
    body = BODIES[path] if method in ("post", "put") else None
    answer = server.ask(f"{url}?{query}" if query else url, method.upper(), headers, body)
    return answer.status, answer.json if answer.body else None


def _user(server: ConsoleServer, name: str, account_id: str, policy: str) -> SignedInBrowser:
    key_id = f"AKIA{name.upper():A<16}"
    with server.control.plane.state.change() as change:
        user = User(name, f"AIDA{name.upper()}", 1.0, inline={"may": policy} if policy else {})
        change.put(USERS, iam_place(account_id), name, user)
        change.put(
            ACCESS_KEYS, GLOBAL, key_id, AccessKey(key_id, "a secret", account_id, 1.0, name)
        )
    return server.sign_in({"access_key_id": key_id, "secret_access_key": "a secret"})


@pytest.fixture(scope="module")
def narrow(console: ConsoleServer) -> SignedInBrowser:
    """Somebody of the host's account without any permission."""
    return _user(console, "narrow", ACCOUNT_ID, "")


@pytest.fixture(scope="module")
def tenant(console: ConsoleServer) -> SignedInBrowser:
    """Somebody of another account, who was allowed everything there."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return _user(console, "tenant", OTHER, policy)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_gets_nothing(console: ConsoleServer, method: str, path: str) -> None:
    status, said = _asked(console, method, path, {"Origin": console.origin})
    assert (status, said["error"]["code"]) == (401, "NotSignedIn")


@pytest.mark.parametrize(("method", "path"), [one for one in ROUTES if one[0] != "get"])
def test_what_changes_something_needs_the_second_token(
    console: ConsoleServer, tenant: SignedInBrowser, method: str, path: str
) -> None:
    headers = {**tenant.headers, "X-Vpcflow-Csrf": "0" * 64}
    status, said = _asked(console, method, path, headers)
    assert (status, said["error"]["code"]) == (403, "WrongCsrfToken")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_permission_everything_is_forbidden(
    console: ConsoleServer, narrow: SignedInBrowser, method: str, path: str
) -> None:
    status, said = _asked(console, method, path, narrow.headers)
    assert status == 403, said
    assert said["error"]["code"] in (
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
    )


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_account_sees_nothing_of_the_hosts(
    console: ConsoleServer, tenant: SignedInBrowser, method: str, path: str
) -> None:
    status, said = _asked(console, method, path, tenant.headers)
    if path.startswith(OF_EVERY_ACCOUNT) and path != "/flow-logs/plan":
        assert status in (200, 201, 400, 404, 428), said
    else:
        assert (status, said["error"]["code"]) == (403, "AccessDenied"), said


def test_another_accounts_dashboard_is_not_there(
    console: ConsoleServer, tenant: SignedInBrowser
) -> None:
    root = console.sign_in()
    body = BODIES["/dashboards"]
    made = console.ask("/api/v1/dashboards", "POST", root.headers, body).json["head"]["id"]
    path = f"/api/v1/dashboards/{made}"
    revision = {"If-Match": '"1"'}
    for method, sent in (("GET", None), ("PUT", body), ("DELETE", None)):
        answer = console.ask(path, method, {**tenant.headers, **revision}, sent)
        assert answer.status == 404, answer.body
    heads = console.ask("/api/v1/dashboards", headers=tenant.headers).json["dashboards"]
    assert made not in {head["id"] for head in heads}
    assert console.ask(path, headers=root.headers).status == 200
