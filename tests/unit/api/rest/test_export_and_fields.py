"""Files of answers, the fields and values for completion, filters taken apart, and hostile requests."""

from __future__ import annotations

import csv
import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rest_harness import END_S, RECORDS, START_S, RestServer

from vpcflow.api.rest.export import csv_pieces
from vpcflow.record.fields import FIELDS

_SPAN: dict[str, Any] = {"start": START_S, "end": END_S}


def test_csv_is_as_the_rfc_says(rest_server: RestServer) -> None:
    told = rest_server.get("/questions/flows", limit=RECORDS, order="oldest", **_SPAN).json
    reply = rest_server.get("/export", question="flows", limit=RECORDS, order="oldest", **_SPAN)
    assert reply.headers["content-type"].startswith("text/csv")
    assert reply.headers["content-disposition"] == (
        'attachment; filename="vpcflow-flows-20260601T0000Z-20260603T0000Z.csv"'
    )
    assert (reply.headers["x-vpcflow-rows"], reply.headers["x-vpcflow-truncated"]) == (
        str(RECORDS),
        "false",
    )
    text = reply.body.decode()
    assert text.count("\r\n") == RECORDS + 1
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert header == list(told["data"])
    columns = [["" if v is None else str(v) for v in values] for values in told["data"].values()]
    assert rows == [list(row) for row in zip(*columns, strict=True)]


def test_texts_with_commas_quotes_and_lines_survive_csv(rest_server: RestServer) -> None:
    text = "SELECT 'a,b' AS x, 'say \"no\"' AS y, 'two' || chr(10) || 'lines' AS z, NULL AS n"
    reply = rest_server.post("/export", {"text": text, "format": "csv"})
    assert reply.body == b'x,y,z,n\r\n"a,b","say ""no""","two\nlines",\r\n'
    assert reply.headers["content-disposition"] == 'attachment; filename="vpcflow-sql.csv"'


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_files_for_programs(rest_server: RestServer, form: str) -> None:
    told = rest_server.get("/questions/talkers", limit=500, filter="action = REJECT").json
    asked: dict[str, Any] = {
        "question": "talkers",
        "limit": 500,
        "filter": "action = REJECT",
        "format": form,
    }
    reply = rest_server.get("/export", **asked)
    data = pa.BufferReader(reply.body)
    table = pq.read_table(data) if form == "parquet" else pa.ipc.open_stream(data).read_all()
    assert table.to_pydict() == told["data"]
    assert reply.headers["content-disposition"].endswith(f'talkers.{form}"')
    assert int(reply.headers["content-length"]) == len(reply.body)


def test_an_export_that_cannot_be_is_refused(rest_server: RestServer) -> None:
    assert rest_server.get("/export", question="nope").status == 404
    assert rest_server.get("/export", question="talkers", format="xlsx").status == 400
    assert rest_server.get("/export", question="talkers", limit="many").status == 400
    wrong = rest_server.post("/export", {"text": "SELECT nope FROM flow_records"})
    assert (wrong.status, wrong.error["position"]) == (400, 7)


def test_fields_are_the_registry_and_either_end(rest_server: RestServer) -> None:
    fields = rest_server.get("/fields").json["fields"]
    assert [one["name"] for one in fields] == ["addr", "port", *(spec.name for spec in FIELDS)]
    by_name = {one["name"]: one for one in fields}
    assert by_name["tcp-flags"]["column"] == "tcp_flags"
    assert by_name["action"]["values"] == ["ACCEPT", "REJECT"]
    assert (by_name["action"]["splittable"], by_name["srcaddr"]["splittable"]) == (True, False)
    assert (by_name["vpc-id"]["present"], by_name["ecs-task-id"]["present"]) == (True, False)
    assert (by_name["reject-rule"]["kind"], by_name["rtt-us"]["kind"]) == ("rule", "microseconds")


def test_values_are_those_that_most_records_have(rest_server: RestServer) -> None:
    def values(**query: Any) -> Any:
        return rest_server.get("/values", **query).json

    sql = "SELECT dstport AS v, count(*) AS n FROM flow_records WHERE v IS NOT NULL AND starts_with(v::VARCHAR, '80') GROUP BY v ORDER BY n DESC, v LIMIT 3"
    counted = rest_server.post("/sql", {"text": sql}).json["data"]
    found = values(field="dstport", prefix="80", limit=3)
    assert [(one["value"], one["records"]) for one in found["values"]] == [
        (str(value), count) for value, count in zip(counted["v"], counted["n"], strict=True)
    ]
    actions = values(field="action", filter="action = REJECT")
    assert [one["value"] for one in actions["values"]] == ["REJECT"]
    assert actions["complete"] is True
    ends = values(field="addr", prefix="10.0.", limit=5, **_SPAN)
    assert all(one["value"].startswith("10.0.") for one in ends["values"])
    assert ends["complete"] is False
    assert values(field="vpc_id")["field"] == "vpc-id"
    assert values(field="action", start=1, end=2)["values"] == []
    assert rest_server.get("/values", field="nope").status == 404


def test_a_value_is_written_as_a_filter_reads_it(rest_server: RestServer) -> None:
    for field in ("addr", "srcaddr", "protocol", "interface-id", "log-status"):
        first = rest_server.get("/values", field=field).json["values"][0]
        asked = {"text": "SELECT count(*) AS n FROM flow_records"}
        asked["filter"] = f"{field} = {first['text']}"
        found = rest_server.post("/sql", asked).json["data"]["n"][0]
        # A record with an address at both ends counts for each of them in the list.
        assert found == first["records"] or (field == "addr" and found <= first["records"])


def test_a_filter_comes_apart_into_chips(rest_server: RestServer) -> None:
    text = "action==REJECT && (dstport=22 or dstport=23) and not addr in 10.0.0.0/8"
    parts = rest_server.post("/filter", {"text": text}).json
    assert [(one["field"], one["op"], one["value"], one["negated"]) for one in parts["chips"]] == [
        ("action", "=", "REJECT", False),
        ("", "", "", False),
        ("addr", "not in", "10.0.0.0/8", True),
    ]
    assert parts["normal"] == " and ".join(one["text"] for one in parts["chips"])
    assert rest_server.post("/filter", {"text": parts["normal"]}).json == parts
    assert rest_server.post("/filter", {"text": " "}).json == {"chips": [], "normal": ""}


_QUERIES = [
    {"start": "99999999999999999999999"},
    {"start": "-1"},
    {"start": "null"},
    {"start": "1e9"},
    {"start": "5", "end": "5"},
    {"end": "253402300800"},
    {"limit": "99999999999999999999999"},
    {"limit": "null"},
    {"limit": "0"},
    {"limit": "\0"},
    {"limit": ["1", "2"]},
    {"sort": "'; DROP TABLE flow_records; --"},
    {"nonsense": "1"},
    {"__proto__": "1"},
    {"filter": "("},
    {"filter": "(" * 200},
    {"filter": "not " * 5_000 + "action = REJECT"},
    {"filter": "srcaddr = \0"},
    {"filter": "bytes = 99999999999999999999"},
    {"filter": "\ud800".encode("utf-8", "surrogatepass")},
]


@pytest.mark.parametrize("query", _QUERIES)
def test_hostile_parameters_are_refused_by_name(
    rest_server: RestServer, query: dict[str, Any]
) -> None:
    for path in ("/questions/talkers", "/export?question=talkers"):
        reply = rest_server.get(path, **query) if "?" not in path else None
        if reply is None:
            reply = rest_server.get("/export", question="talkers", **query)
        assert reply.status == 400, reply.body
        assert reply.error["message"]
        assert reply.error["where"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"text": null}',
        b'{"text": 5}',
        b'{"text": "SELECT 1", "more": 1}',
        b'{"text": "SELECT 1", "start": 1e300}',
        b'{"text": "SELECT 1", "start": 5, "end": 1}',
        b'{"text": "SELECT 1", "start": -5}',
        b'{"text": "\\u0000"}',
        b'{"text": "SELECT \\ud800"}',
        b'{"text": "SELECT 1; SELECT 2"}',
        b'{"text": "COPY flow_records TO \'x\'"}',
        b'{"text": "SELECT * FROM read_csv(\'/etc/passwd\')"}',
        b'{"text": ""}',
        b"[" * 100_000,
    ],
)
def test_hostile_bodies_are_refused(rest_server: RestServer, body: bytes) -> None:
    for path in ("/sql", "/export"):
        reply = rest_server.post(path, body)
        assert reply.status == 400, reply.body
        assert reply.error["message"]


def test_a_filter_of_a_megabyte_is_refused_where_it_is_too_long(rest_server: RestServer) -> None:
    long = "action = REJECT and " * 52_000
    reply = rest_server.post("/filter", {"text": long})
    assert (reply.status, reply.error["position"]) == (400, 65_536)
    assert rest_server.get("/questions/talkers", filter=long[:70_000]).status == 400


def test_unknown_questions_and_paths(rest_server: RestServer) -> None:
    for name in ("nope", "..%2F..%2Fetc", "__init__", "question", "%00"):
        assert rest_server.get(f"/questions/{name}").status == 404
    assert rest_server.send("DELETE", "/questions/talkers").status == 405


def test_texts_of_a_csv_are_no_formulas() -> None:
    texts = ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "\r=1", "-", "a=b", "", None]
    table = pa.table({"=name": pa.array(texts).dictionary_encode(), "n": [-1] * len(texts)})
    rows = list(csv.reader(io.StringIO(b"".join(csv_pieces(table)).decode(), newline="")))
    assert rows[0] == ["'=name", "n"]
    quoted = [f"'{text}" for text in texts[:6] if text]
    assert [row[0] for row in rows[1:]] == [*quoted, "-", "a=b", "", ""]
    assert {row[1] for row in rows[1:]} == {"-1"}
