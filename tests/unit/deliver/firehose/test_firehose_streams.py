"""Aim: what a delivery stream took arrives, once or more, as receivers and buckets expect it.

Method: a real HTTP server on loopback with a clock that the test owns, a bucket in memory; a
process that is killed says what it was promised.
"""

from __future__ import annotations

import base64
import gzip
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vpcflow.base.clock import ManualClock
from vpcflow.deliver.firehose import (
    BucketTarget,
    FirehoseSettings,
    FirehoseStreams,
    HttpTarget,
    StreamPlan,
)
from vpcflow.deliver.firehose.http_endpoint import HttpAnswer, HttpRequest, Outcome, judge
from vpcflow.deliver.firehose.object_names import check_prefix, object_key
from vpcflow.deliver.status import DestinationError

ARN = "arn:aws:firehose:us-east-1:123456789012:deliverystream/flows"


class _Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.down = False

    def put(self, bucket: str, key: str, data: bytes, *_: Any) -> None:
        if self.down:
            raise OSError("no room")
        self.objects[f"{bucket}/{key}"] = data


class _Endpoint:
    """A receiver; ``answers`` are given in turn, then all is taken."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Callable[[str], tuple[int, dict[str, str], bytes]]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                endpoint.requests.append((headers, body))
                request_id = headers["x-amz-firehose-request-id"]
                answer = endpoint.answers.pop(0) if endpoint.answers else taken
                status, said, content = answer(request_id)
                self.send_response(status)
                for name, value in said.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def _json(status: int, document: Any) -> tuple[int, dict[str, str], bytes]:
    content = json.dumps(document).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    return status, head, content


def taken(request_id: str) -> tuple[int, dict[str, str], bytes]:
    return _json(200, {"requestId": request_id, "timestamp": 1})


@pytest.fixture
def endpoint() -> Iterator[_Endpoint]:
    made = _Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


class _Streams:
    def __init__(self, folder: Path, plan: StreamPlan, **settings: Any) -> None:
        self.clock = ManualClock()
        self.bucket = _Bucket()
        self.plan: StreamPlan | None = plan
        self.folder = folder
        self.settings = FirehoseSettings(retry_jitter=0, workers_max=0, **settings)
        self.restart()

    def restart(self) -> None:
        self.streams = FirehoseStreams(
            self.folder, lambda _: self.plan, self.bucket, self.settings, self.clock
        )

    def put(self, *records: bytes) -> None:
        self.streams.put(ARN, records)

    def after(self, seconds: float) -> float:
        self.clock.advance(seconds)
        return self.streams.step()


def _http(endpoint: _Endpoint, **more: Any) -> StreamPlan:
    backup = BucketTarget("backup", prefix="b/")
    return StreamPlan(ARN, "flows", "1", HttpTarget(endpoint.url, backup, **more), interval_s=60)


def test_a_request_is_as_receivers_expect_it(endpoint: _Endpoint, tmp_path: Path) -> None:
    plan = _http(endpoint, access_key="secret", common_attributes=(("env", "test"),))
    streams = _Streams(tmp_path, plan)
    streams.put(b"one", b"")
    streams.put(b"two")
    assert streams.after(59) == pytest.approx(1)
    assert not endpoint.requests
    streams.after(1)
    [(headers, body)] = endpoint.requests
    assert headers["content-type"] == "application/json"
    assert headers["x-amz-firehose-protocol-version"] == "1.0"
    assert headers["x-amz-firehose-source-arn"] == ARN
    assert headers["x-amz-firehose-access-key"] == "secret"
    assert json.loads(headers["x-amz-firehose-common-attributes"]) == {
        "commonAttributes": {"env": "test"}
    }
    document = json.loads(body)
    assert document["requestId"] == headers["x-amz-firehose-request-id"]
    assert document["timestamp"] == int(streams.clock.now_s() * 1000)
    assert [base64.b64decode(one["data"]) for one in document["records"]] == [b"one", b"", b"two"]
    assert streams.streams.held_bytes() == {ARN: 0}
    streams.after(600)
    assert len(endpoint.requests) == 1


def test_gzip_is_of_the_whole_body(endpoint: _Endpoint, tmp_path: Path) -> None:
    streams = _Streams(tmp_path, _http(endpoint, gzip=True))
    streams.put(b"one")
    streams.after(60)
    [(headers, body)] = endpoint.requests
    assert headers["content-encoding"] == "gzip"
    assert "x-amz-firehose-access-key" not in headers
    assert "x-amz-firehose-common-attributes" not in headers
    assert json.loads(gzip.decompress(body))["records"] == [{"data": "b25l"}]


def test_a_refused_request_comes_again_with_the_same_id_at_growing_waits(
    endpoint: _Endpoint, tmp_path: Path
) -> None:
    endpoint.answers = [lambda _: _json(500, {"errorMessage": "later"})] * 4
    streams = _Streams(tmp_path, _http(endpoint))
    streams.put(b"one")
    waits = [streams.after(60)]
    while waits[-1] < 59:
        waits.append(streams.after(waits[-1]))
    assert waits[:4] == pytest.approx([1, 2, 4, 8])
    assert len(endpoint.requests) == 5
    assert len({headers["x-amz-firehose-request-id"] for headers, _ in endpoint.requests}) == 1
    assert streams.bucket.objects == {}


def test_a_restart_keeps_records_and_the_request_id(endpoint: _Endpoint, tmp_path: Path) -> None:
    endpoint.answers = [lambda _: _json(503, {})]
    streams = _Streams(tmp_path, _http(endpoint))
    streams.put(b"one")
    streams.after(60)
    streams.restart()
    streams.after(0)
    first, second = (json.loads(body) for _, body in endpoint.requests)
    assert (first["requestId"], first["records"]) == (second["requestId"], second["records"])


def test_when_the_retries_are_over_records_go_to_the_backup_bucket(
    endpoint: _Endpoint, tmp_path: Path
) -> None:
    endpoint.answers = [lambda _: _json(500, {"errorMessage": "never"})] * 50
    streams = _Streams(tmp_path, _http(endpoint, retry_duration_s=10))
    streams.put(b"one", b"two")
    wait = streams.after(60)
    while streams.streams.held_bytes()[ARN]:
        wait = streams.after(wait)
    [(key, data)] = streams.bucket.objects.items()
    assert key.startswith(
        "backup/b/http-endpoint-failed/2023/11/14/22/flows-1-2023-11-14-22-13-20-"
    )
    lines = [json.loads(line) for line in data.splitlines()]
    assert [base64.b64decode(line["rawData"]) for line in lines] == [b"one", b"two"]
    assert lines[0]["attemptsMade"] == len(endpoint.requests) == 4
    assert lines[0]["errorMessage"] == "never"
    assert lines[0]["arrivalTimestamp"] == 1_700_000_000_000


def test_without_retries_the_backup_comes_at_once(endpoint: _Endpoint, tmp_path: Path) -> None:
    endpoint.answers = [lambda _: _json(500, {})]
    streams = _Streams(tmp_path, _http(endpoint, retry_duration_s=0))
    streams.put(b"one")
    streams.after(60)
    assert len(streams.bucket.objects) == 1
    assert streams.streams.held_bytes()[ARN] == 0


def test_a_backup_bucket_that_is_down_loses_nothing(endpoint: _Endpoint, tmp_path: Path) -> None:
    endpoint.answers = [lambda _: _json(500, {})]
    streams = _Streams(tmp_path, _http(endpoint, retry_duration_s=0))
    streams.bucket.down = True
    streams.put(b"one")
    wait = streams.after(60)
    assert streams.streams.held_bytes()[ARN] > 0
    streams.bucket.down = False
    streams.after(wait)
    assert len(streams.bucket.objects) == 1
    assert len(endpoint.requests) == 1


def test_413_drops_the_batch(endpoint: _Endpoint, tmp_path: Path) -> None:
    endpoint.answers = [lambda _: _json(413, {"errorMessage": "too large"})]
    streams = _Streams(tmp_path, _http(endpoint))
    streams.put(b"one")
    streams.after(60)
    assert streams.streams.held_bytes()[ARN] == 0
    assert streams.bucket.objects == {}


def test_all_data_is_backed_up_once_where_that_is_asked_for(
    endpoint: _Endpoint, tmp_path: Path
) -> None:
    endpoint.answers = [lambda _: _json(500, {})]
    streams = _Streams(tmp_path, _http(endpoint, backup_all=True))
    streams.put(b"one")
    streams.after(streams.after(60))
    assert list(streams.bucket.objects.values()) == [b"one"]
    assert len(endpoint.requests) == 2


def test_an_endpoint_that_is_not_there_is_tried_again(endpoint: _Endpoint, tmp_path: Path) -> None:
    target = HttpTarget("http://127.0.0.1:1/", BucketTarget("b"))
    streams = _Streams(tmp_path, StreamPlan(ARN, "flows", "1", target, interval_s=60))
    streams.put(b"one")
    wait = streams.after(60)
    assert wait == pytest.approx(1)
    streams.plan = _http(endpoint)
    streams.after(wait)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (
            200,
            {"content-type": "text/plain", "content-length": "1"},
            {"requestId": "r", "timestamp": 1},
        ),
        (200, {"content-type": "application/json"}, {"requestId": "r", "timestamp": 1}),
        (200, None, {"requestId": "other", "timestamp": 1}),
        (200, None, {"requestId": "r"}),
        (200, None, {"requestId": "r", "timestamp": "1"}),
        (200, None, ["r"]),
        (201, None, {"requestId": "r", "timestamp": 1}),
        (302, None, {"requestId": "r", "timestamp": 1}),
        (
            200,
            {
                "content-type": "application/json",
                "content-length": "1",
                "content-encoding": "gzip",
            },
            {"requestId": "r", "timestamp": 1},
        ),
    ],
)
def test_answers_that_are_not_as_specified_mean_try_again(
    status: int, headers: dict[str, str] | None, body: Any
) -> None:
    head = headers or {"content-type": "application/json", "content-length": "1"}
    answer = HttpAnswer(status, head, json.dumps(body).encode())
    assert judge(answer, "r").outcome is Outcome.RETRY


def test_a_right_answer_may_name_its_charset() -> None:
    head = {"content-type": "application/json; charset=utf-8", "content-length": "1"}
    body = b'{"requestId":"r","timestamp":1}'
    assert judge(HttpAnswer(200, head, body), "r").outcome is Outcome.TAKEN


def test_objects_are_named_by_hour_stream_and_batch(tmp_path: Path) -> None:
    plan = StreamPlan(
        ARN,
        "flows",
        "3",
        BucketTarget("logs", prefix="p/", gzip=True),
        interval_s=60,
        delimiter=b"\n",
    )
    streams = _Streams(tmp_path, plan)
    streams.put(b"one", b"two")
    streams.bucket.down = True
    wait = streams.after(60)
    streams.restart()
    streams.bucket.down = False
    streams.after(wait)
    [(key, data)] = streams.bucket.objects.items()
    assert key.startswith("logs/p/2023/11/14/22/flows-3-2023-11-14-22-13-20-")
    assert key.endswith(".gz")
    assert gzip.decompress(data) == b"one\ntwo\n"


def test_an_endpoint_that_hangs_holds_up_its_own_stream_alone(tmp_path: Path) -> None:
    let_go, arrived = threading.Event(), threading.Event()
    bucket = _Bucket()

    def hang(_: Any, timeout_s: float) -> HttpAnswer:
        assert let_go.wait(30)
        return HttpAnswer(503, {}, b"")

    def plan(arn: str) -> StreamPlan:
        http = HttpTarget("http://127.0.0.1:1/", BucketTarget("b"))
        target = http if arn.endswith("hung") else BucketTarget("logs")
        return StreamPlan(arn, arn.rpartition("/")[2], "1", target, interval_s=1)

    class _Seen:
        def put(self, *parts: Any) -> None:
            bucket.put(*parts)
            arrived.set()

    clock = ManualClock()
    settings = FirehoseSettings(workers_max=2)
    streams = FirehoseStreams(tmp_path, plan, _Seen(), settings, clock, sender=hang)
    streams.put(f"{ARN}-hung", [b"one"])
    streams.put(ARN, [b"two"])
    clock.advance(1)
    streams.step()
    assert arrived.wait(30)
    assert list(bucket.objects.values()) == [b"two"]
    assert streams.held_bytes()[f"{ARN}-hung"] > 0
    let_go.set()


def test_endpoints_that_fail_leave_a_worker_to_the_others(tmp_path: Path) -> None:
    let_go, arrived, hung = threading.Event(), threading.Event(), threading.Semaphore(0)
    refused: set[str] = set()

    def fail_then_hang(request: HttpRequest, _: float) -> HttpAnswer:
        if request.request_id not in refused:
            refused.add(request.request_id)
            return HttpAnswer(503, {}, b"")
        hung.release()
        assert let_go.wait(30)
        return HttpAnswer(503, {}, b"")

    class _Seen:
        def put(self, *_: Any) -> None:
            arrived.set()

    def plan(arn: str) -> StreamPlan:
        http = HttpTarget("http://127.0.0.1:1/", BucketTarget("b"))
        target = BucketTarget("logs") if arn == ARN else http
        return StreamPlan(arn, arn.rpartition("/")[2], "1", target, interval_s=1)

    clock = ManualClock()
    settings = FirehoseSettings(workers_max=2)
    streams = FirehoseStreams(tmp_path, plan, _Seen(), settings, clock, sender=fail_then_hang)
    for name in ("one", "two"):
        streams.put(f"{ARN}-{name}", [b"record"])
    deadline_s = time.monotonic() + 30
    # Both are refused once; then the first of them hangs in its second attempt.
    while not hung.acquire(timeout=0.01) and time.monotonic() < deadline_s:
        clock.advance(5)
        streams.step()
    streams.put(ARN, [b"record"])
    while not arrived.wait(0.01) and time.monotonic() < deadline_s:
        clock.advance(5)
        streams.step()
    assert arrived.is_set()
    let_go.set()


def test_records_wait_while_the_bucket_may_not_be_written(tmp_path: Path) -> None:
    refused = BucketTarget("logs", problem="The role is not allowed s3:PutObject")
    streams = _Streams(tmp_path, StreamPlan(ARN, "flows", "1", refused, interval_s=60))
    streams.put(b"one")
    wait = streams.after(60)
    assert streams.bucket.objects == {}
    streams.plan = StreamPlan(ARN, "flows", "1", BucketTarget("logs"), interval_s=60)
    streams.after(wait)
    assert list(streams.bucket.objects.values()) == [b"one"]


def test_a_full_buffer_goes_before_its_time(tmp_path: Path) -> None:
    plan = StreamPlan(ARN, "flows", "1", BucketTarget("logs"), buffer_bytes=1000, interval_s=900)
    streams = _Streams(tmp_path, plan)
    for _ in range(4):
        streams.put(b"x" * 400)
    streams.after(0)
    sizes = [len(data) for data in streams.bucket.objects.values()]
    assert sizes == [800]
    streams.after(900)
    assert sorted(len(data) for data in streams.bucket.objects.values()) == [800, 800]


def test_the_bound_refuses_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    plan = StreamPlan(ARN, "flows", "1", BucketTarget("logs"), interval_s=60)
    streams = _Streams(tmp_path, plan, buffer_bytes_max=1000)
    streams.bucket.down = True
    streams.put(b"x" * 900)
    with pytest.raises(DestinationError) as error:
        streams.put(b"x" * 200)
    assert error.value.message == "Rate limited"
    wait = streams.after(60)
    streams.bucket.down = False
    streams.after(wait)
    streams.put(b"x" * 200)


def test_a_stream_that_is_gone_takes_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    plan = StreamPlan(ARN, "flows", "1", BucketTarget("logs"), interval_s=60)
    streams = _Streams(tmp_path, plan)
    streams.put(b"one")
    streams.streams.forget(ARN)
    streams.after(60)
    assert streams.bucket.objects == {}
    assert list(tmp_path.iterdir()) == []
    streams.put(b"two")
    streams.plan = None
    streams.after(60)
    assert streams.bucket.objects == {}
    with pytest.raises(DestinationError):
        streams.put(b"three")


def test_many_records_are_several_requests_with_ids_of_their_own(
    endpoint: _Endpoint, tmp_path: Path
) -> None:
    streams = _Streams(tmp_path, _http(endpoint))
    streams.put(*[b"%d" % number for number in range(25_000)])
    streams.after(60)
    documents = [json.loads(body) for _, body in endpoint.requests]
    assert [len(document["records"]) for document in documents] == [10_000, 10_000, 5_000]
    assert len({document["requestId"] for document in documents}) == 3
    records = [one["data"] for document in documents for one in document["records"]]
    assert base64.b64decode(records[-1]) == b"24999"


@pytest.mark.parametrize(
    ("prefix", "folder"),
    [
        ("", "2023/11/14/22/"),
        ("p-", "p-2023/11/14/22/"),
        ("y=!{timestamp:yyyy}/m=!{timestamp:MM}/", "y=2023/m=11/"),
        ("!{timestamp:'at 'HH'h'}/", "at 22h/"),
        ("!{firehose:error-output-type}/", "failed/2023/11/14/22/"),
    ],
)
def test_prefixes_with_expressions(prefix: str, folder: str) -> None:
    key = object_key(prefix, "s", "1", 1_700_000_000_000, "id", error_type="failed")
    assert key == f"{folder}s-1-2023-11-14-22-13-20-id"
    assert check_prefix(prefix, of_errors=True) is None


def test_prefixes_that_cannot_be() -> None:
    for prefix in ("!{x:y}", "!{firehose:x}", "!{timestamp:yyyy", "!{timestamp:q}"):
        assert check_prefix(prefix, of_errors=True)
    assert check_prefix("!{firehose:error-output-type}/")


def test_threads_share_the_disk_and_lose_nothing(tmp_path: Path) -> None:
    plan = StreamPlan(ARN, "flows", "1", BucketTarget("logs"), buffer_bytes=2000, interval_s=60)
    streams = _Streams(tmp_path, plan)

    def put(writer: int) -> None:
        for number in range(40):
            streams.put(b"%d-%d;" % (writer, number))

    threads = [threading.Thread(target=put, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while streams.streams.held_bytes()[ARN]:
        streams.after(60)
    found = b"".join(streams.bucket.objects.values()).split(b";")[:-1]
    assert sorted(found) == sorted(b"%d-%d" % (w, n) for w in range(8) for n in range(40))


_WRITER = """
import sys
from pathlib import Path
from vpcflow.deliver.firehose import BucketTarget, FirehoseStreams, StreamPlan
arn = "arn:aws:firehose:us-east-1:123456789012:deliverystream/flows"
plan = StreamPlan(arn, "flows", "1", BucketTarget("b"), buffer_bytes=3000, interval_s=900)
streams = FirehoseStreams(Path(sys.argv[1]), lambda _: plan, None)
number = 0
while True:
    streams.put(arn, [b"%d;" % number])
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("promised", [1, 40, 300])
def test_a_killed_process_keeps_what_it_promised(tmp_path: Path, promised: int) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    last = [int(writer.stdout.readline()) for _ in range(promised)][-1]
    writer.send_signal(signal.SIGKILL)
    rest = [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    last = max([last, *rest])
    plan = StreamPlan(ARN, "flows", "1", BucketTarget("b"), interval_s=60)
    streams = _Streams(tmp_path, plan)
    while streams.streams.held_bytes()[ARN]:
        streams.after(60)
    data = b"".join(value for _, value in streams.bucket.objects.items())
    found = sorted(int(number) for number in data.split(b";")[:-1])
    assert found[: last + 1] == list(range(last + 1))
    assert len(found) <= last + 2
