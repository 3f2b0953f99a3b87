"""The console's API as it runs, over real HTTP: a table of generated records, a root who is signed in."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import uvicorn
from starlette.requests import Request

from vpcflow.api.rest.app import rest_app
from vpcflow.api.rest.services import RestServices
from vpcflow.api.rest.settings import RestSettings
from vpcflow.app.control_plane import control_plane
from vpcflow.app.ingest import Ingest
from vpcflow.app.settings import Settings
from vpcflow.base.clock import SystemClock
from vpcflow.collect.files import FileSource
from vpcflow.control.caller import Caller, root_caller
from vpcflow.control.logs.service import LogGroupService
from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.write import write_sample
from vpcflow.query.service import FlowQueries
from vpcflow.query.settings import QuerySettings
from vpcflow.store.event_store import EventStore
from vpcflow.store.event_store_settings import EventStoreSettings

ACCOUNT = "123456789012"
REGION = "eu-west-1"
#: The first second of the sample; it lasts two days.
START_S = 1_780_272_000
END_S = START_S + 2 * 86_400
RECORDS = 20_000


def make_table(folder: Path, records: int = RECORDS) -> Settings:
    """A data folder with a table of generated records of version 5, two days from START_S."""
    settings = Settings(data=folder / "data")
    add_records(settings, folder / "sample", records)
    return settings


def add_records(settings: Settings, folder: Path, records: int, seed: int = 1) -> None:
    """Take generated records into a table, by way of files in a new folder."""
    sample = SampleSettings(
        records=records, days=2, start_date=date(2026, 6, 1), version=5, hosts=40, seed=seed
    )
    assert sample.start_s == START_S
    write_sample(folder, sample)
    with (
        settings.folder.writer_lock(wait_s=0),
        Ingest(settings) as run,
    ):
        report = run.run([FileSource([str(folder / "AWSLogs")], settings.collect)])
        run.maintain()
    assert report.records == records


def until(holds: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait for what another thread does."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s, "it did not come about"
        threading.Event().wait(0.005)


@dataclass
class Root:
    """Says that everybody is signed in as ``who``; None is nobody."""

    who: Caller | None = field(default_factory=lambda: root_caller(ACCOUNT))

    def caller(self, request: Request) -> Caller:
        from vpcflow.base.errors import ServiceError

        if self.who is None:
            raise ServiceError("NotSignedIn", "Sign in first.", status=401)
        return self.who


@contextmanager
def rest_services(settings: Settings, /, **changes: Any) -> Iterator[RestServices]:
    """Everything that routes ask, over a data folder; ``changes`` take the place of fields."""
    clock = SystemClock()
    plane = control_plane(settings, clock)
    events = EventStore(settings.folder.root, EventStoreSettings())
    rest = changes.get("rest", RestSettings())
    services = RestServices(
        account_id=ACCOUNT,
        region=REGION,
        folder=settings.folder,
        clock=clock,
        state=plane.state,
        permissions=plane.permissions,
        signed_in=Root(),
        queries=FlowQueries(settings.folder, rest.bounded(QuerySettings(threads=1)), clock=clock),
        network=plane.network,
        flow_logs=plane.flow_logs,
        log_groups=LogGroupService(plane.state, events),
        buckets=plane.buckets,
        recent=None,
        status=dict,
        settings=dict,
    )
    services = replace(services, **changes)
    try:
        yield services
    finally:
        services.close()
        events.close()
        plane.close()


@dataclass(frozen=True)
class Reply:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """What a refusal says."""
        return self.json["error"]


@dataclass(frozen=True)
class RestServer:
    """An API that answers on loopback."""

    url: str
    services: RestServices

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname and parts.port
        return parts.hostname, parts.port

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Reply:
        """GET; values of None are left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.send(
            "GET", f"{path}?{urlencode(given, doseq=True)}" if given else path, headers
        )

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        """POST of a JSON body; bytes are sent as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(
            "POST", path, {"Content-Type": "application/json", **(headers or {})}, data
        )

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, named, response.read())
        finally:
            connection.close()


@contextmanager
def serving(
    services: RestServices, load: Callable[[RestServices], Any] = rest_app
) -> Iterator[RestServer]:
    """Serve an API on a free port of loopback, in a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        load(services),
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield RestServer(f"http://127.0.0.1:{listening.getsockname()[1]}", services)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
