"""Aim: a delivery stream writes to a bucket only as its role and the bucket's owner allow.

Method: roles, buckets and policies in a real state, judged as records would go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vpcflow.control.buckets import BUCKETS, Bucket
from vpcflow.control.delivery_streams import EXTENDED_S3, DeliveryStream, DeliveryStreams
from vpcflow.control.identity import ROLES, Role, iam_place
from vpcflow.control.state import GLOBAL, Database, State

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/hose"
STREAM = DeliveryStream("flows", ACCOUNT, "us-east-1", 0.0, EXTENDED_S3, {})


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = _policy(Principal={"Service": "firehose.amazonaws.com"}, Action="sts:AssumeRole")
PUT = _policy(Action="s3:PutObject", Resource="arn:aws:s3:::*/p/*")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    database = Database.in_folder(tmp_path)
    made = State(database)
    with made.change() as change:
        for name, account in (("mine", ACCOUNT), ("theirs", "999999999999")):
            change.put(BUCKETS, GLOBAL, name, Bucket(name, account, "us-east-1", 0.0))
        role = Role("hose", "AROA", 0.0, TRUST, inline={"put": PUT})
        change.put(ROLES, iam_place(ACCOUNT), "hose", role)
    yield made
    database.close()


def _problem(state: State, bucket: str, prefix: str = "p/!{timestamp:yyyy}/") -> str | None:
    return DeliveryStreams(state).bucket_problem(STREAM, ROLE, bucket, prefix)


def _change_role(state: State, **changed: Any) -> None:
    with state.change() as change:
        role = change.get(ROLES, iam_place(ACCOUNT), "hose")
        assert role is not None
        change.put(ROLES, iam_place(ACCOUNT), "hose", replace(role, **changed))


def test_an_own_bucket_needs_a_role_that_may_put(state: State) -> None:
    assert _problem(state, "mine") is None
    assert "not allowed s3:PutObject" in (_problem(state, "mine", "elsewhere/") or "")
    _change_role(state, inline={})
    assert "not allowed s3:PutObject" in (_problem(state, "mine") or "")
    _change_role(state, inline={"put": PUT})
    assert _problem(state, "mine") is None


def test_the_role_must_trust_firehose(state: State) -> None:
    _change_role(state, trust=TRUST.replace("firehose", "ec2"))
    assert "trust policy" in (_problem(state, "mine") or "")


def test_a_bucket_that_is_not_there(state: State) -> None:
    assert _problem(state, "none") == "The specified bucket does not exist"


def test_a_bucket_of_another_account_must_allow_the_role(state: State) -> None:
    assert "does not allow" in (_problem(state, "theirs") or "")
    policy = _policy(
        Principal={"AWS": ROLE}, Action="s3:PutObject", Resource="arn:aws:s3:::theirs/*"
    )
    with state.change() as change:
        bucket = Bucket("theirs", "999999999999", "us-east-1", 0.0, {"policy": policy})
        change.put(BUCKETS, GLOBAL, "theirs", bucket)
    assert _problem(state, "theirs") is None
