"""Aim: an unmodified client reads what IAM and STS answer, signed with keys of users and roles.
Method: boto3's requests go into the real dispatcher without a socket.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from vpcflow.api.aws import iam, sts
from vpcflow.api.aws.dispatch import Dispatcher, StreamAnswer
from vpcflow.api.aws.operation import RawRequest
from vpcflow.api.aws.signature import Verifier
from vpcflow.base.clock import SystemClock
from vpcflow.control.identity import seed_root_key
from vpcflow.control.permissions import Permissions
from vpcflow.control.state import Database, State

ACCOUNT = "123456789012"
STATEMENT = {"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}
READ = {"Version": "2012-10-17", "Statement": [STATEMENT]}


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Here:
    """An endpoint in this process."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.in_folder(folder)
        state, clock = State(self.database), SystemClock()
        root = seed_root_key(state, ACCOUNT)
        self.root = {
            "aws_access_key_id": root.access_key_id,
            "aws_secret_access_key": root.secret_access_key,
        }
        permissions = Permissions(state, clock)
        self._dispatcher = Dispatcher(
            {"iam": iam.service(state), "sts": sts.service(state, permissions)},
            Verifier(state, clock, account_id=ACCOUNT, default_region="us-east-1"),
            permissions,
            clock,
        )

    def client(self, service: str, **keys: Any) -> Any:
        made = boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url="http://endpoint.test:4566",
            config=Config(retries={"total_max_attempts": 1}),
            **(keys or self.root),
        )
        made.meta.events.register("before-send.*", self._answer)
        return made

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        parts = urlsplit(request.url)
        headers = [
            (name.lower(), value.decode() if isinstance(value, bytes) else str(value))
            for name, value in request.headers.items()
        ]
        headers.append(("host", parts.netloc))
        body = request.body or b""
        raw = RawRequest(
            request.method,
            parts.path,
            parts.query,
            headers,
            body.encode() if isinstance(body, str) else body,
            "127.0.0.1",
        )
        answer = self._dispatcher.answer(raw)
        assert not isinstance(answer, StreamAnswer)
        return AWSResponse(request.url, answer.status, dict(answer.headers), _Raw(answer.body))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    found = Here(tmp_path)
    yield found
    found.database.close()


def test_a_user_a_role_and_their_keys(here: Here) -> None:
    root = here.client("iam")
    user = root.create_user(UserName="u", Tags=[{"Key": "team", "Value": "net"}])["User"]
    assert user["CreateDate"].tzinfo is not None
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": user["Arn"]}, "Action": "sts:AssumeRole"}
        ],
    }
    root.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))
    assert root.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"] == trust
    root.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(READ))
    assert root.get_role_policy(RoleName="r", PolicyName="p")["PolicyDocument"] == READ
    key = root.create_access_key(UserName="u")["AccessKey"]
    keys = {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    assert here.client("sts", **keys).get_caller_identity()["Arn"] == user["Arn"]
    with pytest.raises(ClientError, match="no identity-based policy allows the iam:ListUsers"):
        here.client("iam", **keys).list_users()
    assumed = here.client("sts", **keys).assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="me"
    )
    session = assumed["Credentials"]
    keys = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    assert here.client("iam", **keys).list_users()["Users"][0]["UserName"] == "u"
    identity = here.client("sts", **keys).get_caller_identity()
    assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/me"


def test_every_list_is_read_by_its_paginator(here: Here) -> None:
    root = here.client("iam")
    for number in range(3):
        root.create_group(GroupName=f"g{number}")
    pages = list(root.get_paginator("list_groups").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Groups"]) for page in pages] == [2, 1]
    assert "Marker" not in pages[-1]
    names = [
        policy["PolicyName"]
        for page in root.get_paginator("list_policies").paginate(Scope="AWS")
        for policy in page["Policies"]
    ]
    assert "AdministratorAccess" in names


@pytest.mark.parametrize(
    ("keys", "code", "status"),
    [
        (("AKIAOTHER", "x"), "InvalidClientTokenId", 403),
        (None, "SignatureDoesNotMatch", 403),
    ],
)
def test_refusals_are_read_as_aws_gives_them(
    here: Here, keys: tuple[str, str] | None, code: str, status: int
) -> None:
    key_id, secret = keys or (here.root["aws_access_key_id"], "wrong")
    client = here.client("sts", aws_access_key_id=key_id, aws_secret_access_key=secret)
    with pytest.raises(ClientError) as refused:
        client.get_caller_identity()
    answer = refused.value.response
    assert answer["Error"]["Code"] == code
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


def test_what_is_missing_is_the_modelled_exception(here: Here) -> None:
    client = here.client("iam")
    with pytest.raises(client.exceptions.NoSuchEntityException) as refused:
        client.get_role(RoleName="x")
    assert refused.value.response["Error"]["Message"] == "The role with name x cannot be found."
    assert here.client("iam").get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
