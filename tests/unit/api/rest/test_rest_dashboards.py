"""Aim: dashboards are kept, shared and never overwritten by accident; every panel of the ready ones
answers. Method: the API over real HTTP on a table of generated records."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_harness import ACCOUNT, END_S, START_S, RestServer, Root, rest_services, serving

from vpcflow.api.rest.dashboards import READY, ready_dashboards
from vpcflow.app.settings import Settings
from vpcflow.control.caller import root_caller
from vpcflow.control.dashboards import DASHBOARDS_MAX, DOCUMENT_BYTES_MAX, Dashboards

PANEL: dict[str, Any] = {
    "id": "p1",
    "kind": "area",
    "title": "Bytes",
    "query": {"question": "series", "parameters": {"split": "action"}, "filter": "dstport = 443"},
    "options": {"measure": "bytes"},
    "grid": {"x": 0, "y": 0, "w": 8, "h": 9},
}
BOARD: dict[str, Any] = {
    "version": 1,
    "title": "Mine",
    "time": {"last_s": 3600},
    "panels": [PANEL],
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RestServer]:
    with rest_services(Settings(data=tmp_path)) as services, serving(services) as made:
        yield made


def put(server: RestServer, board_id: str, body: Any, revision: str | None) -> Any:
    headers = {"Content-Type": "application/json"}
    if revision is not None:
        headers["If-Match"] = revision
    return server.send("PUT", f"/dashboards/{board_id}", headers, json.dumps(body).encode())


def test_kept_changed_and_deleted(server: RestServer) -> None:
    made = server.post("/dashboards", BOARD)
    assert made.status == 201
    board_id = made.json["head"]["id"]
    assert made.headers["etag"] == '"1"'
    found = server.get(f"/dashboards/{board_id}")
    assert found.json["dashboard"]["panels"][0]["query"] == PANEL["query"]
    changed = {**found.json["dashboard"], "title": "Ours"}
    saved = put(server, board_id, changed, found.headers["etag"])
    assert (saved.status, saved.headers["etag"]) == (200, '"2"')
    titles = [one["title"] for one in server.get("/dashboards").json["dashboards"]]
    assert titles[-1] == "Ours"
    assert server.send("DELETE", f"/dashboards/{board_id}").status == 204
    assert server.get(f"/dashboards/{board_id}").status == 404


def test_what_is_exported_can_be_imported(server: RestServer) -> None:
    for name in READY:
        exported = server.get(f"/dashboards/{name}").json["dashboard"]
        imported = server.post("/dashboards", exported)
        assert imported.status == 201, imported.body
        again = server.get(f"/dashboards/{imported.json['head']['id']}").json["dashboard"]
        assert {**again, "id": name} == exported


def test_two_people_do_not_overwrite_one_another(server: RestServer) -> None:
    made = server.post("/dashboards", BOARD)
    board_id, revision = made.json["head"]["id"], made.headers["etag"]
    assert put(server, board_id, BOARD, None).status == 428
    assert put(server, board_id, {**BOARD, "title": "first"}, revision).status == 200
    late = put(server, board_id, {**BOARD, "title": "second"}, revision)
    assert late.status == 412
    assert f"arn:aws:iam::{ACCOUNT}:root" in late.error["message"]
    assert late.error["hint"]
    assert server.get(f"/dashboards/{board_id}").json["dashboard"]["title"] == "first"
    headers = {"If-Match": revision}
    assert server.send("DELETE", f"/dashboards/{board_id}", headers).status == 412


def with_panel(**changes: Any) -> dict[str, Any]:
    return {**BOARD, "panels": [{**PANEL, **changes}]}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({**BOARD, "version": 2}, "version"),
        ({**BOARD, "colour": 1}, "colour"),
        ({**BOARD, "title": ""}, "title"),
        ({**BOARD, "panels": [PANEL, PANEL]}, ""),
        ({**BOARD, "panels": [{**PANEL, "id": f"p{n}"} for n in range(61)]}, "panels"),
        ({**BOARD, "time": {"start_s": 5}}, "time"),
        ({**BOARD, "time": {"start_s": 5, "end_s": 4}}, "time"),
        (with_panel(kind="cube"), "panels.0.kind"),
        (with_panel(query=None), "panels.0"),
        (with_panel(query={"question": "series", "sql": "SELECT 1"}), "panels.0.query"),
        (with_panel(query={"question": "series", "extra": 1}), "panels.0.query.extra"),
        (with_panel(grid={"x": 6, "y": 0, "w": 7, "h": 1}), "panels.0.grid"),
        (with_panel(grid={"x": -1, "y": 0, "w": 1, "h": 1}), "panels.0.grid.x"),
    ],
)
def test_what_is_no_dashboard_is_refused_with_its_place(
    server: RestServer, body: dict[str, Any], where: str
) -> None:
    reply = server.post("/dashboards", body)
    assert reply.status == 400
    assert reply.error["where"] == where


def test_a_document_has_a_size(server: RestServer) -> None:
    wide = copy.deepcopy(BOARD)
    wide["panels"] = [
        {**PANEL, "id": f"p{n}", "query": {"sql": "-" * 49_000}}
        for n in range(DOCUMENT_BYTES_MAX // 49_000 + 1)
    ]
    reply = server.post("/dashboards", wide)
    assert (reply.status, reply.error["code"]) == (413, "DocumentTooLarge")


def test_an_account_has_so_many_and_sees_no_others(server: RestServer) -> None:
    kept = Dashboards(server.services.state, server.services.clock)
    document = json.dumps(BOARD)
    for _ in range(DASHBOARDS_MAX):
        kept.create(ACCOUNT, document, "me")
    full = server.post("/dashboards", BOARD)
    assert (full.status, full.error["code"]) == (413, "LimitExceeded")
    signed_in = server.services.signed_in
    assert isinstance(signed_in, Root)
    mine = kept.list(ACCOUNT)[0].dashboard_id
    signed_in.who = root_caller("210987654321")
    assert len(server.get("/dashboards").json["dashboards"]) == len(READY)
    assert server.get(f"/dashboards/{mine}").status == 404


def test_ready_ones_stay_as_they_are(server: RestServer) -> None:
    heads = server.get("/dashboards").json["dashboards"]
    assert [head["id"] for head in heads] == list(READY)
    assert all(head["read_only"] for head in heads)
    for reply in (
        put(server, "overview", BOARD, '"0"'),
        server.send("DELETE", "/dashboards/overview"),
    ):
        assert (reply.status, reply.error["code"]) == (403, "DashboardReadOnly")


def test_panels_of_ready_dashboards_do_not_overlap() -> None:
    for board in ready_dashboards().values():
        taken: set[tuple[int, int]] = set()
        for panel in board.panels:
            grid = panel.grid
            cells = {
                (x, y)
                for x in range(grid.x, grid.x + grid.w)
                for y in range(grid.y, grid.y + grid.h)
            }
            assert not cells & taken, (board.id, panel.title)
            taken |= cells


#: Pages of their own that panels show, and the parameters of time that they take.
_ROUTES = {"graph": "/graph", "findings": "/findings", "rejected_ports": "/rejected-ports"}


@pytest.mark.parametrize("name", READY)
def test_every_panel_of_a_ready_dashboard_answers(rest_server: RestServer, name: str) -> None:
    board = ready_dashboards()[name]
    asked = 0
    for panel in board.panels:
        query = panel.query
        if query is None:
            continue
        chips = [f"({text})" for text in (board.filter, query.filter) if text]
        common = {"start": START_S, "end": END_S, "filter": " and ".join(chips)}
        if query.sql is not None:
            reply = rest_server.post("/sql", {"text": query.sql, **common})
        else:
            assert query.question is not None
            path = _ROUTES.get(query.question, f"/questions/{query.question}")
            reply = rest_server.get(path, **common, **query.parameters)
        assert reply.status == 200, (panel.title, reply.body)
        asked += 1
        measure = panel.options.get("measure")
        if measure and query.question not in _ROUTES:
            names = [column["name"] for column in reply.json["columns"]]
            assert measure in names, (panel.title, names)
    assert asked >= 5
