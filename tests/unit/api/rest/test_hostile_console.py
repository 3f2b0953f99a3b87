"""Aim: whatever is sent to the API, it answers, and never that something went wrong here.

Method: hostile values in every parameter and body of the description, drawn from a fixed seed.
"""

from __future__ import annotations

import random
from typing import Any
from urllib.parse import quote, urlencode

from rest_harness import RestServer

from vpcflow.api.rest.app import openapi_of_routes

REQUESTS = 400
_VALUES = (
    "", " ", "0", "-1", "1", "9" * 23, "1e400", "nan", "null", "\x00", "\u202e", "../../etc/passwd",
    "' or 1=1--", "$time", "{}", "a" * 300, "*", "10.0.0.1", "::1", "fe80::1%eth0", "tcp", "256",
    "talkers", "4102444800", "9007199254740993", "=cmd|x", "srcaddr", "not", "((", "1_000", "\u0663",
)  # fmt: skip
_BODIES = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"[" * 50_000,
    b"\xff\xfe",
    b'{"text": null}',
    b'{"text": "("}',
)
#: A stream without an end, and sessions, which this server has none of.
_NOT_HERE = ("/live", "/session")


def test_hostile_values_are_refused_in_words(rest_server: RestServer) -> None:
    chance = random.Random(20261127)
    paths = openapi_of_routes()["paths"]
    routes = [
        (path, method, told)
        for path, methods in sorted(paths.items())
        if path not in _NOT_HERE
        for method, told in sorted(methods.items())
    ]
    for at in range(REQUESTS):
        path, method, told = routes[at % len(routes)]
        asked, body = _asked(chance, path, told)
        reply = rest_server.send(method.upper(), asked, {"Content-Type": "application/json"}, body)
        assert reply.status < 500 or reply.status == 503, (method, asked, body, reply.body)


def _asked(chance: random.Random, path: str, told: Any) -> tuple[str, bytes | None]:
    query = []
    for one in told.get("parameters", ()):
        value = chance.choice(_VALUES)
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", quote(value, safe="") or "x")
        elif one["in"] == "query" and (one.get("required") or chance.random() < 0.4):
            query.append((one["name"], value))
    body = chance.choice(_BODIES) if "requestBody" in told else None
    return f"{path}?{urlencode(query)}" if query else path, body
