"""Aim: a bucket is listed by few requests, read once, and refusals say whose move it is.

Method: boto3 against a real HTTP server on loopback that speaks S3.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from ingest_run import Killed, Run, Table
from moto.server import ThreadedMotoServer
from test_read_object import HEADER, lines

from vpcflow.base.errors import CollectError
from vpcflow.collect.s3_listing import TimeSpan
from vpcflow.collect.s3_objects import S3Source, split_uri
from vpcflow.collect.settings import CollectSettings
from vpcflow.collect.source_object import ObjectError, ProblemCode

DAY_S = 86_400
FIRST_DAY_S = 1_717_200_000  # 2024-06-01
QUICK = CollectSettings(
    s3_connect_timeout_s=1,
    s3_read_timeout_s=5,
    s3_attempts_max=2,
    chunk_bytes=4096,
    read_bytes=4096,
)
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def bucket(endpoint: str, request: pytest.FixtureRequest) -> Any:
    resource = boto3.resource("s3", endpoint_url=endpoint)
    name = "logs-" + str(abs(hash(request.node.name)))[:12]
    return resource.create_bucket(Bucket=name)


def fill(bucket: Any, names: list[str]) -> None:
    """Put small objects straight into the server's store, which runs in this process."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    for name in names:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket.name, name, b"x")


def make(
    bucket: Any,
    endpoint: str,
    tmp_path: Path,
    prefix: str = "",
    span: TimeSpan | None = None,
    settings: CollectSettings = QUICK,
) -> S3Source:
    tmp = tmp_path / "tmp"
    tmp.mkdir(exist_ok=True)
    uri = f"s3://{bucket.name}/{prefix}"
    return S3Source(uri, tmp, settings, span=span, endpoint_url=endpoint)


def keys(source: S3Source) -> list[str]:
    return [obj.uri.split("/", 3)[3] for obj in source.objects()]


def aws_key(day: int, form: str, slot: str = "1200", region: str = "us-east-1") -> str:
    account = "123456789012"
    name = f"{account}_vpcflowlogs_{region}_fl-1234abcd_202406{day:02d}T{slot}Z_fe123456.log.gz"
    folder = {
        "plain": f"AWSLogs/{account}/vpcflowlogs/{region}/2024/06/{day:02d}/",
        "hourly": f"AWSLogs/{account}/vpcflowlogs/{region}/2024/06/{day:02d}/{slot[:2]}/",
        "hive": f"AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/"
        f"year=2024/month=06/day={day:02d}/",
        "hive-hourly": f"AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/"
        f"aws-region={region}/year=2024/month=06/day={day:02d}/hour={slot[:2]}/",
    }[form]
    return folder + name


def test_lists_more_than_a_page(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    fill(bucket, [f"p/{number:05d}.log" for number in range(1005)])
    bucket.put_object(Key="other", Body=b"x")
    bucket.put_object(Key="p/folder/", Body=b"")
    source = make(bucket, endpoint, tmp_path, "p/")
    assert keys(source) == [f"p/{number:05d}.log" for number in range(1005)]
    assert source.counts.requests == 2


@pytest.mark.parametrize("form", ["plain", "hourly", "hive", "hive-hourly"])
def test_lists_only_the_days_that_are_asked_for(
    bucket: Any, endpoint: str, tmp_path: Path, form: str
) -> None:
    fill(bucket, ["pre/" + aws_key(day, form) for day in range(1, 31)])
    fill(bucket, ["pre/AWSLogs/123456789012/CloudTrail/us-east-1/2024/06/02/x.gz"])
    wanted = TimeSpan(FIRST_DAY_S + DAY_S + 3600, FIRST_DAY_S + 3 * DAY_S)
    expected = ["pre/" + aws_key(day, form) for day in (2, 3)]
    # The days 2 and 3, and 4 because of its first minutes; above them one request a level, and
    # one for the account that only CloudTrail wrote to.
    region = aws_key(1, form).partition("us-east-1/")[0] + "us-east-1/"
    for prefix, above in (("pre/" + region, 0), ("pre/AWSLogs/", 4), ("pre/", 5), ("", 6)):
        source = make(bucket, endpoint, tmp_path, prefix, wanted)
        assert keys(source) == expected
        assert source.counts.requests <= above + 3
    open_end = make(bucket, endpoint, tmp_path, "pre/", TimeSpan(since_s=FIRST_DAY_S + 28 * DAY_S))
    assert keys(open_end) == ["pre/" + aws_key(day, form) for day in (29, 30)]
    assert open_end.counts.requests < 12
    month = make(bucket, endpoint, tmp_path, "pre/" + region.rstrip("/"), wanted)
    assert keys(month) == expected
    everything = make(bucket, endpoint, tmp_path)
    assert len(keys(everything)) == 30
    assert everything.counts.keys_other_service == 1


def test_slots_at_the_edges_of_a_span(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    for slot in ("0000", "1150", "1155", "1200", "1300", "2355"):
        bucket.put_object(Key=aws_key(2, "plain", slot), Body=b"x")
    noon = FIRST_DAY_S + DAY_S + 12 * 3600
    source = make(bucket, endpoint, tmp_path, "", TimeSpan(noon, noon + 300))
    assert [key.split("T")[-1][:4] for key in keys(source)] == ["1150", "1155", "1200"]
    assert source.counts.keys_out_of_range == 3


def test_a_span_over_a_bucket_of_other_names(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    names = ["a/b/c/d/e/f.log", "a/x.log", "top.log"]
    for name in names:
        bucket.put_object(Key=name, Body=b"x")
    source = make(bucket, endpoint, tmp_path, "", TimeSpan(FIRST_DAY_S, FIRST_DAY_S + DAY_S))
    assert sorted(keys(source)) == sorted(names)


def test_takes_resumes_and_counts_once(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    content = HEADER + b"".join(lines(200))
    bucket.put_object(Key="a.log", Body=content)
    bucket.put_object(Key="b/copy.log", Body=content)
    bucket.put_object(Key="c.gz", Body=gzip.compress(b"".join(lines(50, seed=2)) + b"bad\n"))
    bucket.put_object(Key="empty", Body=b"")
    table = Table()

    def run(kill_at: int | None = None) -> Run:
        source = make(bucket, endpoint, tmp_path)
        return Run(tmp_path / "data", table, QUICK, kill_at=kill_at).ingest(source)

    with pytest.raises(Killed):
        run(kill_at=9)
    assert 0 < len(table.rows) < 200
    done = run()
    assert len(table.rows) == 250
    assert [skip.same_as for skip in done.skips] == [f"s3://{bucket.name}/a.log"]
    assert len(run().skips) == 4
    bucket.put_object(Key="a.log", Body=content + lines(1, seed=3)[0])
    run()
    assert len(table.rows) == 251
    assert Run(tmp_path / "data", table).intake.quarantine.counts().lines == 1
    assert list((tmp_path / "tmp").iterdir()) == []


def test_keys_of_any_characters(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    names = ["a b+c%20d&e=f.log", "ünï/☃.log", "q?x#y.log", "a//b.log", "quote'\".log"]
    for name in names:
        bucket.put_object(Key=name, Body=name.encode())
    source = make(bucket, endpoint, tmp_path)
    found = {obj.uri.split("/", 3)[3]: obj for obj in source.objects()}
    assert sorted(found) == sorted(names)
    for name, obj in found.items():
        with source.fetch(obj) as fetched:
            assert fetched.path.read_bytes() == name.encode()
        assert not fetched.path.exists()


def test_an_object_that_changed_is_fetched_as_it_is_now(
    bucket: Any, endpoint: str, tmp_path: Path
) -> None:
    bucket.put_object(Key="a", Body=b"first")
    source = make(bucket, endpoint, tmp_path)
    (obj,) = source.objects()
    bucket.put_object(Key="a", Body=b"second version")
    with source.fetch(obj) as fetched:
        assert fetched.path.read_bytes() == b"second version"
        assert fetched.object.size == 14
        assert fetched.object.version != obj.version


def test_a_broken_download_is_read_on(
    bucket: Any, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import IncompleteReadError
    from botocore.response import StreamingBody

    content = bytes(range(256)) * 100
    bucket.put_object(Key="a", Body=content)
    source = make(bucket, endpoint, tmp_path)
    (obj,) = source.objects()
    whole = StreamingBody.iter_chunks
    starts = []

    def breaking(self: Any, chunk_size: int) -> Iterator[bytes]:
        starts.append(self._content_length)
        for number, chunk in enumerate(whole(self, chunk_size)):
            if len(starts) == 1 and number == 3:
                raise IncompleteReadError(actual_bytes=1, expected_bytes=2)
            yield chunk

    monkeypatch.setattr(StreamingBody, "iter_chunks", breaking)
    with source.fetch(obj) as fetched:
        assert fetched.path.read_bytes() == content
    assert [int(start) for start in starts] == [25600, 25600 - 3 * 4096]


def test_what_one_object_refuses_is_its_own(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    bucket.put_object(Key="a", Body=b"12345")
    source = make(bucket, endpoint, tmp_path)
    (obj,) = source.objects()
    small = make(
        bucket, endpoint, tmp_path, settings=QUICK.model_copy(update={"object_bytes_max": 4})
    )
    with pytest.raises(ObjectError) as caught, small.fetch(obj):
        pass
    assert caught.value.problem.code is ProblemCode.TOO_LARGE
    bucket.Object("a").delete()
    with pytest.raises(ObjectError) as caught, source.fetch(obj):
        pass
    assert caught.value.problem.code is ProblemCode.VANISHED


def test_refusals_of_all_say_what_to_do(
    bucket: Any, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusal(uri: str, url: str = endpoint) -> CollectError:
        with pytest.raises(CollectError) as caught:
            list(S3Source(uri, tmp_path, QUICK, endpoint_url=url).objects())
        assert caught.value.where == uri
        return caught.value

    assert "no such bucket" in refusal("s3://not-there-at-all").what
    assert "cannot be reached" in refusal(f"s3://{bucket.name}", "http://127.0.0.1:9").what
    assert "not a bucket name" in refusal("s3://a bucket").what
    assert "invalid endpoint" in refusal("s3://bucket", "nonsense").what
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "profile" in refusal(f"s3://{bucket.name}").what
    monkeypatch.delenv("AWS_PROFILE")
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    missing = refusal(f"s3://{bucket.name}")
    assert "no AWS credentials" in missing.what
    assert "AWS_PROFILE" in missing.hint


def test_access_denied(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    def refuse(*_: object, **__: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListObjectsV2")

    source = S3Source("s3://b/p", tmp_path, QUICK, endpoint_url=endpoint)
    monkeypatch.setattr(source._client(), "list_objects_v2", refuse)
    with pytest.raises(CollectError, match="access denied") as caught:
        list(source.objects())
    assert "s3:ListBucket" in caught.value.hint


def test_an_empty_prefix_is_told(bucket: Any, endpoint: str, tmp_path: Path) -> None:
    source = make(bucket, endpoint, tmp_path, "nothing/here/")
    assert keys(source) == []
    assert [problem.code for problem in source.problems] == [ProblemCode.MISSING]


def test_uris() -> None:
    assert split_uri("s3://b") == ("b", "")
    assert split_uri("s3://b/p/q") == ("b", "p/q")
    for wrong in ("s3://", "s3:///p", "/b/p", "https://b"):
        with pytest.raises(CollectError):
            split_uri(wrong)


def test_boto3_is_only_imported_when_it_is_used(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from vpcflow.collect.s3_objects import S3Source;"
        "S3Source('s3://b/p', __import__('pathlib').Path('.'));"
        "assert not {'boto3', 'botocore', 'numba', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
