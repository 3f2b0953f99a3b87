"""Aim: the page says of every parameter what becomes of it, and a name that AWS does not know is
found. Method: small services over the real models, and our own flow log operations."""

from __future__ import annotations

from typing import cast

from vpcflow.api.aws.coverage import Treatment, coverage_page, treatments, wrong_names
from vpcflow.api.aws.ec2.flow_logs import operations
from vpcflow.api.aws.operation import Call, Operation, Service
from vpcflow.api.aws.protocol.models import input_members
from vpcflow.control.flow_logs.service import FlowLogService


def _nothing(_: Call) -> None:
    return None


EC2 = Service.of(
    "ec2",
    [
        Operation(
            "DescribeFlowLogs",
            _nothing,
            takes="FlowLogIds Filter",
            ignores={"MaxResults": "there is only | one page."},
            note="A note.",
        )
    ],
)
LOGS = Service.of("logs", [Operation("CreateLogGroup", _nothing, takes="logGroupName tags")])


def test_every_parameter_has_one_treatment() -> None:
    found = treatments(EC2, EC2.operations["DescribeFlowLogs"])
    assert found == {
        "DryRun": Treatment.DONE,
        "Filter": Treatment.DONE,
        "FlowLogIds": Treatment.DONE,
        "MaxResults": Treatment.IGNORED,
        "NextToken": Treatment.REFUSED,
    }


def test_the_page_says_what_is_and_what_is_not() -> None:
    page = coverage_page([LOGS, EC2])
    row = next(line for line in page.splitlines() if line.startswith("| DescribeFlowLogs"))
    assert row == (
        "| DescribeFlowLogs | `NextToken` | `MaxResults`: there is only \\| one page | A note. |"
    )
    assert page.index("## ec2") < page.index("## logs")
    assert "`InvalidAction`" in page
    assert "`UnknownOperationException`" in page


def test_operations_with_every_parameter_are_named_in_a_line() -> None:
    whole = Service.of("sts", [Operation("GetCallerIdentity", _nothing)])
    assert "With every parameter: GetCallerIdentity.\n" in coverage_page([whole])


def test_parameters_ignored_for_one_reason_stand_together() -> None:
    ignored = dict.fromkeys(("sequenceToken", "entity"), "Nobody asks.")
    logs = Service.of(
        "logs",
        [
            Operation(
                "PutLogEvents",
                _nothing,
                takes="logGroupName logStreamName logEvents",
                ignores=ignored,
            )
        ],
    )
    assert "|  | `sequenceToken`, `entity`: nobody asks |  |" in coverage_page([logs])


def test_names_that_the_model_does_not_have_are_found() -> None:
    wrong = Service.of(
        "ec2",
        [
            Operation("DescribeFlowLog", _nothing),
            Operation(
                "DeleteFlowLogs",
                _nothing,
                takes="FlowLogId FlowLogIds",
                ignores={"FlowLogIds": "x"},
                raw_members=frozenset({"Body"}),
            ),
        ],
    )
    assert wrong_names([EC2, LOGS]) == []
    assert wrong_names([wrong]) == [
        "ec2 DescribeFlowLog: no such operation",
        "ec2 DeleteFlowLogs: no parameter FlowLogId",
        "ec2 DeleteFlowLogs: no parameter Body",
        "ec2 DeleteFlowLogs: FlowLogIds is both taken and ignored",
    ]


def test_the_flow_log_operations_take_every_parameter_there_is() -> None:
    service = Service.of("ec2", operations(cast("FlowLogService", None)))
    assert wrong_names([service]) == []
    for operation in service.operations.values():
        assert set(treatments(service, operation)) == set(input_members("ec2", operation.name))
        assert set(treatments(service, operation).values()) == {Treatment.DONE}
