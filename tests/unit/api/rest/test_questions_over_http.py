"""Questions and SQL over real HTTP: the envelope as JSON and Arrow, ETags, bounds, faults."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rest_harness import (
    END_S,
    RECORDS,
    START_S,
    RestServer,
    Root,
    add_records,
    make_table,
    rest_services,
    serving,
)

from vpcflow.api.rest.answers import ARROW_TYPE
from vpcflow.api.rest.settings import RestSettings
from vpcflow.app.settings import Settings
from vpcflow.control.caller import root_caller
from vpcflow.query.questions import QUESTION_SUMMARIES

_SPAN: dict[str, Any] = {"start": START_S, "end": END_S}


def test_every_question_is_listed_with_its_parameters(rest_server: RestServer) -> None:
    listed = rest_server.get("/questions").json["questions"]
    assert [one["name"] for one in listed] == list(QUESTION_SUMMARIES)
    talkers = next(one for one in listed if one["name"] == "talkers")
    assert talkers["summary"] == QUESTION_SUMMARIES["talkers"]
    assert talkers["parameters"]["properties"]["limit"]["default"] == 10


@pytest.mark.parametrize(
    "name", ["overview", "talkers", "pairs", "ports", "rejects", "series", "flows", "interfaces"]
)
def test_an_answer_says_what_its_columns_are(rest_server: RestServer, name: str) -> None:
    reply = rest_server.get(f"/questions/{name}", **_SPAN)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    answer = reply.json
    assert [one["name"] for one in answer["columns"]] == list(answer["data"])
    assert {len(values) for values in answer["data"].values()} == {answer["rows"]}
    assert answer["time"]["start_s"] == START_S
    assert answer["time"]["end_s"] == END_S
    assert answer["snapshot"]
    assert answer["scan"]["rows"] > 0
    assert all(one["label"] for one in answer["columns"])


def test_parameters_range_and_filter_choose(rest_server: RestServer) -> None:
    condition = "action = REJECT and protocol = tcp"
    answer = rest_server.get(
        "/questions/series", **_SPAN, filter=condition, interval="6h", split="action"
    ).json
    assert answer["time"]["interval_s"] == 21_600
    assert answer["data"]["time"] == list(range(START_S, END_S, 21_600))
    assert set(answer["data"]["action"]) == {"REJECT"}
    sql = "SELECT count(*) AS n FROM flow_records WHERE $time AND $filters"
    counted = rest_server.post("/sql", {"text": sql, **_SPAN, "filter": condition}).json
    assert counted["data"]["n"] == [sum(answer["data"]["records"])]


def test_arrow_holds_the_same_columns_and_the_envelope(rest_server: RestServer) -> None:
    told = rest_server.get("/questions/flows", limit=5_000, **_SPAN).json
    reply = rest_server.get("/questions/flows", {"Accept": ARROW_TYPE}, limit=5_000, **_SPAN)
    assert reply.headers["content-type"] == ARROW_TYPE
    table = pa.ipc.open_stream(reply.body).read_all()
    assert table.to_pydict() == told["data"]
    assert pa.types.is_dictionary(table.schema.field("srcaddr").type)
    envelope = json.loads(table.schema.metadata[b"vpcflow"])
    data = told.pop("data")
    assert {**envelope, "elapsed_s": 0} == {**told, "elapsed_s": 0}
    assert len(data["start"]) == 5_000


def test_an_answer_that_the_browser_has_is_not_made_again(rest_server: RestServer) -> None:
    first = rest_server.get("/questions/talkers", limit=3, **_SPAN)
    tag = first.headers["etag"]
    before = replace(rest_server.services.pool.counts)
    again = rest_server.get(
        "/questions/talkers", {"If-None-Match": f'"x", {tag}'}, limit=3, **_SPAN
    )
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert rest_server.services.pool.counts == before
    assert first.headers["cache-control"] == "private, no-cache"
    assert "Cookie" in first.headers["vary"]
    for other in (
        rest_server.get("/questions/talkers", {"If-None-Match": tag}, limit=4, **_SPAN),
        rest_server.get(
            "/questions/talkers", {"If-None-Match": tag, "Accept": ARROW_TYPE}, limit=3, **_SPAN
        ),
    ):
        assert other.status == 200
        assert other.headers["etag"] != tag


def test_a_changed_table_changes_the_tag(tmp_path: Path) -> None:
    settings = make_table(tmp_path, 2_000)
    with rest_services(settings) as services, serving(services) as server:
        first = server.get("/questions/figures")
        add_records(settings, tmp_path / "more", 2_000, seed=2)
        second = server.get("/questions/figures", {"If-None-Match": first.headers["etag"]})
    assert second.status == 200
    assert first.json["data"]["records"] == [2_000]
    assert second.json["data"]["records"] == [4_000]
    assert first.json["snapshot"] != second.json["snapshot"]


def test_large_texts_are_compressed_where_the_client_takes_it(rest_server: RestServer) -> None:
    plain = rest_server.get("/questions/flows", limit=50, **_SPAN)
    zipped = rest_server.get("/questions/flows", {"Accept-Encoding": "br, gzip"}, limit=50, **_SPAN)
    deflated = rest_server.get(
        "/questions/flows", {"Accept-Encoding": "gzip;q=0, deflate"}, limit=50, **_SPAN
    )
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert len(zipped.body) < len(plain.body) / 2
    assert json.loads(gzip.decompress(zipped.body))["data"] == plain.json["data"]
    assert json.loads(zlib.decompress(deflated.body))["data"] == plain.json["data"]


def test_rows_beyond_the_bound_are_cut_and_said_so(rest_table: Settings) -> None:
    bounds = RestSettings(json_rows_max=10, arrow_rows_max=20)
    with rest_services(rest_table, rest=bounds) as services, serving(services) as server:
        told = server.get("/questions/flows", limit=15).json
        arrow = server.get("/questions/flows", {"Accept": ARROW_TYPE}, limit=50)
        table = pa.ipc.open_stream(arrow.body).read_all()
        fits = server.get("/questions/flows", limit=10).json
    assert (told["rows"], told["truncated"]) == (10, True)
    assert table.num_rows == 20
    assert json.loads(table.schema.metadata[b"vpcflow"])["truncated"] is True
    assert (fits["rows"], fits["truncated"]) == (10, False)


@pytest.mark.parametrize(
    ("sql", "at"),
    [
        ("SELECT nope FROM flow_records", "nope"),
        ("SELECT srcaddr FROM flow_records WHERE $time AND\n nope = 1", "nope"),
        ("SELECT srcaddr FROM flow_records WHERE $filters AND $time AND nope = 1", "nope"),
        ("SELECT '$time', srcaddr FROM flow_records WHERE nope = 1 AND $time", "nope"),
        ("SELECT srcaddr FROM flow_records WHERE srcaddr = '10.0.0.300' AND $time", "'10.0.0.300'"),
    ],
)
def test_a_fault_of_sql_is_where_it_was_written(rest_server: RestServer, sql: str, at: str) -> None:
    reply = rest_server.post("/sql", {"text": sql, **_SPAN, "filter": "action = REJECT"})
    assert reply.status == 400
    assert reply.error["code"] == "FilterError"
    assert reply.error["position"] == sql.index(at)


def test_a_fault_of_the_filter_says_that_it_is_in_the_filter(rest_server: RestServer) -> None:
    for reply in (
        rest_server.get("/questions/talkers", filter="action = REJECT and dsport = 1"),
        rest_server.post("/sql", {"text": "SELECT 1", "filter": "action = REJECT and dsport = 1"}),
        rest_server.post("/filter", {"text": "action = REJECT and dsport = 1"}),
    ):
        assert reply.status == 400
        assert reply.error["position"] == 20
        assert reply.error["where"] == "filter, character 21"
        assert "dstport" in reply.error["hint"]


def test_without_their_words_range_and_filter_hold_everywhere(rest_server: RestServer) -> None:
    def count(text: str, **more: Any) -> int:
        return int(rest_server.post("/sql", {"text": text, **more}).json["data"]["n"][0])

    plain = "SELECT count(*) AS n FROM flow_records"
    hour = {"start": START_S, "end": START_S + 3_600}
    assert count(plain) == RECORDS
    assert 0 < count(plain, **hour) < RECORDS / 10
    assert count(f"{plain} WHERE $time", **hour) == count(plain, **hour)
    assert count(f"{plain} WHERE $TIME OR TRUE", **hour) == RECORDS
    rejected = count(plain, filter="action = REJECT")
    assert 0 < rejected < RECORDS
    assert count(f"{plain} WHERE $filters", filter="action = REJECT") == rejected
    assert count(f"{plain} WHERE $time AND $filters") == RECORDS


def test_sql_gives_plain_columns_with_names_of_their_own(rest_server: RestServer) -> None:
    text = (
        "SELECT count(*), count(*), to_time(min(start)) AS first, NULL AS nothing, 0.5 AS half, "
        "[1, 2] AS list, min(srcaddr) AS low, sum(bytes) AS bytes, 'x' AS word FROM flow_records"
    )
    answer = rest_server.post("/sql", {"text": text}).json
    data, kinds = answer["data"], {one["name"]: one["kind"] for one in answer["columns"]}
    names = list(data)
    assert len(set(names)) == 9
    assert data[names[0]] == data[names[1]] == [RECORDS]
    assert START_S <= data["first"][0] < END_S
    assert (kinds["first"], kinds["half"], kinds["low"], kinds["bytes"]) == (
        "time",
        "count",
        "address",
        "bytes",
    )
    assert (data["nothing"], data["half"], data["list"], data["word"]) == (
        [None],
        [0.5],
        [[1, 2]],
        ["x"],
    )


def test_only_principals_of_the_host_may_ask(rest_table: Settings) -> None:
    root = Root()
    with rest_services(rest_table, signed_in=root) as services, serving(services) as server:
        first = server.get("/questions/talkers")
        tag = {"If-None-Match": first.headers["etag"]}
        root.who = root_caller("210987654321")
        stranger = server.get("/questions/talkers", tag)
        root.who = None
        nobody = [
            server.get(path, tag)
            for path in ("/questions", "/questions/talkers", "/fields", "/values?field=action")
        ]
        nobody += [server.post("/sql", {"text": "SELECT 1"}), server.post("/filter", {"text": ""})]
        nobody += [server.get("/export?question=talkers"), server.post("/export", {"text": "x"})]
    assert (stranger.status, stranger.error["code"]) == (403, "AccessDenied")
    assert {reply.status for reply in nobody} == {401}
