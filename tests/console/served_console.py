"""The real server with its console as a process, and an API client that signs in as a browser does."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aws_endpoint import ACCESS_KEY_ID, PROCESS_SECONDS_MAX, SECRET_ACCESS_KEY, AwsServer

ROOT_KEY = (ACCESS_KEY_ID, SECRET_ACCESS_KEY)
#: Sessions of one server are made once for each key: signing in is slow, and bounded, on purpose.
Key = tuple[str, str]
_PROGRAM = str(Path(sys.executable).with_name("vpcflow"))


def vpcflow(data: Path, *arguments: str) -> str:
    """Run a command of ours to its end; its output."""
    done = subprocess.run(
        [_PROGRAM, "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=PROCESS_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


class ConsoleServer(AwsServer):
    """``vpcflow run`` with a console, both on ports of their own."""

    def __init__(
        self,
        data: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        waits_for: str = "AWS endpoint ",
        ports: tuple[int, int] = (0, 0),
    ) -> None:
        self._options, self._environment, self._waits_for = options, environment, waits_for
        # Said twice, --port takes the last one.
        on_ports = ("--port", str(ports[0]), "--console-port", str(ports[1]))
        super().__init__(data, *on_ports, *options, environment=environment, waits_for=waits_for)
        said = [line.split()[1] for line in self.lines if line.startswith("  console ")]
        assert said, "".join(self.lines)
        #: The link that `run` prints: it signs in once.
        self.link = said[0]
        parts = urlsplit(self.link)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self._sessions: dict[Key, dict[str, Any]] = {}

    def again(self) -> ConsoleServer:
        """The same on the same ports and folder, after it has ended."""
        ports = (urlsplit(self.url).port or 0, urlsplit(self.origin).port or 0)
        return ConsoleServer(
            self.data,
            *self._options,
            environment=self._environment,
            waits_for=self._waits_for,
            ports=ports,
        )

    def cookie(self, key: Key = ROOT_KEY) -> dict[str, Any]:
        """A session's cookie as Playwright takes it."""
        return {
            "name": "vpcflow_session",
            "value": self._session(key)["cookie"],
            "url": self.origin,
        }

    def api(self, method: str, path: str, body: Any = None, *, key: Key = ROOT_KEY) -> Any:
        """Ask the API as a page of ours does; JSON. Errors: AssertionError with what it said."""
        session = self._session(key)
        headers = {
            "Cookie": f"vpcflow_session={session['cookie']}",
            "X-Vpcflow-Csrf": session["csrf"],
        }
        return json.loads(self._ask(method, path, body, headers)[0] or b"null")

    def _session(self, key: Key) -> dict[str, Any]:
        if key not in self._sessions:
            keys = {"access_key_id": key[0], "secret_access_key": key[1]}
            body, headers = self._ask("POST", "/session", keys, {})
            cookie = headers["Set-Cookie"].partition(";")[0].partition("=")[2]
            self._sessions[key] = {"cookie": cookie, "csrf": json.loads(body)["csrf"]}
        return self._sessions[key]

    def _ask(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> tuple[bytes, Mapping[str, str]]:
        request = urllib.request.Request(
            f"{self.origin}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Origin": self.origin, **headers},
        )
        try:
            with urllib.request.urlopen(request, timeout=PROCESS_SECONDS_MAX) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read()!r}") from error


def made_user(server: ConsoleServer, name: str, *actions: str) -> Key:
    """A user who may do these actions and nothing else, and the key."""
    iam = server.client("iam")
    iam.create_user(UserName=name)
    if actions:
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
