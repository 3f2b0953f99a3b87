"""Aim: a fault of ours is a 5xx in the caller's protocol that tells no path and no secret; a question
that is too large says why. Method: operations that raise, asked without a signature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vpcflow.api.aws.dispatch import Dispatcher
from vpcflow.api.aws.operation import Call, Operation, RawRequest, Service
from vpcflow.api.aws.protocol.wire_answer import WireAnswer
from vpcflow.api.aws.signature import Verifier
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import LimitError, StoreError
from vpcflow.control.state import State
from vpcflow.control.state.database import Database

PATH = "/srv/secret/control.sqlite"
JSON = [
    ("x-amz-target", "Logs_20140328.DescribeLogGroups"),
    ("content-type", "application/x-amz-json-1.1"),
]
FORM = [("content-type", "application/x-www-form-urlencoded")]
REQUESTS = {
    "ServiceUnavailableException": RawRequest("POST", "/", "", JSON, b"{}"),
    "Unavailable": RawRequest("POST", "/", "", FORM, b"Action=DescribeVpcs&Version=2016-11-15"),
    "ServiceUnavailable": RawRequest("GET", "/", "", [("host", "h")], b""),
}


class _Faulty:
    """A dispatcher whose operations raise."""

    def __init__(self, state: State) -> None:
        self._state = state

    def answer(self, raw: RawRequest, fault: Exception) -> WireAnswer:
        def handle(_: Call) -> None:
            raise fault

        services = {
            name: Service.of(name, [Operation(operation, handle, authorizes_itself=True)])
            for name, operation in (
                ("logs", "DescribeLogGroups"),
                ("ec2", "DescribeVpcs"),
                ("s3", "ListBuckets"),
            )
        }
        clock = ManualClock()
        verifier = Verifier(
            self._state, clock, account_id="1" * 12, default_region="us-east-1", anonymous=True
        )
        answer = Dispatcher(services, verifier, lambda *_: None, clock).answer(raw)
        assert isinstance(answer, WireAnswer)
        return answer


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[_Faulty]:
    database = Database.in_folder(tmp_path)
    yield _Faulty(State(database))
    database.close()


@pytest.mark.parametrize("code", REQUESTS)
def test_a_full_disk_is_unavailable_and_names_no_path(faulty: _Faulty, code: str) -> None:
    answer = faulty.answer(REQUESTS[code], StoreError("no space left", where=PATH))
    assert answer.status == 503
    assert code.encode() in answer.body
    assert PATH.encode() not in answer.body


@pytest.mark.parametrize("code", REQUESTS)
def test_an_error_of_ours_tells_nothing(faulty: _Faulty, code: str) -> None:
    answer = faulty.answer(REQUESTS[code], RuntimeError(PATH))
    assert answer.status == 500
    assert b"InternalFailure" in answer.body
    assert PATH.encode() not in answer.body


def test_a_question_that_is_too_large_says_so(faulty: _Faulty) -> None:
    fault = LimitError("more than 5 records")
    answer = faulty.answer(REQUESTS["ServiceUnavailableException"], fault)
    assert b"more than 5 records" in answer.body
