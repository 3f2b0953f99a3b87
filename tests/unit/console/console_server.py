"""A console that listens, with the real control plane behind it, and a client that hides nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from vpcflow.app.control_service import ControlService
from vpcflow.app.settings import Settings

ACCOUNT_ID = "123456789012"


@dataclass
class Answer:
    """What came back, whole."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ConsoleServer:
    """``vpcflow run --no-capture`` without the process around it."""

    def __init__(self, data: Path, **console: Any) -> None:
        settings = Settings(
            data=data,
            api={"port": 0},
            console={"port": 0, **console},
            inventory={"account_id": ACCOUNT_ID, "own_namespace": False},
        )
        self.control = ControlService(settings)
        assert self.control.console is not None
        self.console = self.control.console
        parts = urlsplit(self.console.url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.host, self.port = parts.hostname, parts.port
        self.origin = f"http://{parts.netloc}"

    def __enter__(self) -> Self:
        self.control.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.control.stop()

    @property
    def key(self) -> dict[str, str]:
        """The root's key as one signs in with it."""
        key = self.control.root_key
        return {
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
        }

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        """One request on a connection of its own; ``body`` is sent as JSON unless it is bytes."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection = HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in sent, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            got = connection.getresponse()
            names = {name.lower(): value for name, value in got.getheaders()}
            return Answer(got.status, names, got.read())
        finally:
            connection.close()

    def sign_in(self, key: Mapping[str, str] | None = None) -> SignedInBrowser:
        """A browser that has signed in, with the root's key unless another one is given."""
        answer = self.ask("/api/v1/session", "POST", body=dict(key or self.key))
        assert answer.status == 200, answer.body
        cookie = answer.headers["set-cookie"].partition(";")[0]
        return SignedInBrowser(self, cookie, answer.json["csrf"])


@dataclass
class SignedInBrowser:
    """A session's cookie and its second token."""

    server: ConsoleServer
    cookie: str
    csrf: str

    def session(self, server: ConsoleServer | None = None) -> Any:
        """What /session says of it."""
        asked = (server or self.server).ask("/api/v1/session", headers={"Cookie": self.cookie})
        assert asked.status == 200
        return asked.json

    @property
    def headers(self) -> dict[str, str]:
        """What a page of ours sends with a request that changes something."""
        return {
            "Cookie": self.cookie,
            "X-Vpcflow-Csrf": self.csrf,
            "Origin": self.server.origin,
            "Sec-Fetch-Site": "same-origin",
        }
