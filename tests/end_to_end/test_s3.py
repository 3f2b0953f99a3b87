"""Aim: a bucket becomes a table. Method: the real command against an S3 server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from vpcflow_command import Vpcflow

from vpcflow.lab.sample.settings import SampleSettings
from vpcflow.lab.sample.write import write_sample

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, tmp_path: Path) -> Iterator[tuple[str, str, int]]:
    """A bucket with one day of a sample and one object of the next; its records."""
    report = write_sample(tmp_path / "logs", SampleSettings(records=3_000, days=2))
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    name = f"b-{abs(hash(str(tmp_path))):x}"
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for path in sorted((tmp_path / "logs").rglob("*.log.gz")):
        key = f"net/{path.relative_to(tmp_path / 'logs')}"
        client.put_object(Bucket=name, Key=key, Body=path.read_bytes())
    yield endpoint, name, report.records
    client.close()


def test_bucket_to_table_once(vpcflow: Vpcflow, bucket: tuple[str, str, int]) -> None:
    endpoint, name, records = bucket
    vpcflow.environment = KEYS
    command = ("ingest", f"s3://{name}/net/", "--endpoint-url", endpoint)
    assert vpcflow.json(*command)["records"] == records
    assert vpcflow.json(*command)["records"] == 0
    [row] = vpcflow.rows("query", "SELECT count(*) AS n, any_value(source) AS s FROM flow_records")
    assert row == {"n": records, "s": "s3"}
    [row] = vpcflow.rows("query", "SELECT DISTINCT region, flow_log_id FROM flow_records")
    assert row == {"region": "eu-west-1", "flow_log_id": "fl-5a3b1e00000000000"}


def test_only_the_days_asked_for(vpcflow: Vpcflow, bucket: tuple[str, str, int]) -> None:
    endpoint, name, records = bucket
    vpcflow.environment = KEYS
    report = vpcflow.json(
        *("ingest", f"s3://{name}/net/", "--endpoint-url", endpoint),
        *("--since", "2026-06-02", "--until", "2026-06-03"),
    )
    assert 0 < report["records"] < records


def test_what_is_wrong_with_s3_is_said(vpcflow: Vpcflow, endpoint: str) -> None:
    vpcflow.environment = KEYS
    done = vpcflow.run("ingest", "s3://no-such-bucket-here/", "--endpoint-url", endpoint)
    assert done.returncode == 5
    assert "no-such-bucket-here" in done.stderr
    assert "Traceback" not in done.stderr
    vpcflow.environment = KEYS | {"AWS_MAX_ATTEMPTS": "1"}
    done = vpcflow.run("ingest", "s3://some-bucket/", "--endpoint-url", "http://127.0.0.1:9")
    assert done.returncode == 5
    assert "127.0.0.1:9" in done.stderr
