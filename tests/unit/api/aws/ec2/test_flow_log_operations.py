"""Aim: the flow log operations answer with AWS's members, present and absent as at AWS, one page of
thousands at once. Method: handlers called with Calls, surroundings that the test owns."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from vpcflow.api.aws.ec2.flow_logs import operations
from vpcflow.api.aws.operation import Call, Operation, RawRequest
from vpcflow.base.clock import ManualClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller, root_caller
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS, DestinationType, FlowLog
from vpcflow.control.flow_logs.service import FlowLogService
from vpcflow.control.flow_logs.surroundings import Surroundings
from vpcflow.control.state import Database, Place, State
from vpcflow.control.tags import TAG_SETS, TagSet
from vpcflow.record.flow_log_selection import TrafficType
from vpcflow.record.log_format import default_format

ACCOUNT = "123456789012"
PLACE = Place(ACCOUNT, "us-east-1")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow-logs"
GROUP_ARN = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group"
S3 = {
    "ResourceType": "VPC",
    "ResourceIds": ["vpc-1"],
    "TrafficType": "ALL",
    "LogDestinationType": "s3",
    "LogDestination": "arn:aws:s3:::bucket/subfolder/",
}
GROUP = {
    "ResourceType": "Subnet",
    "ResourceIds": ["subnet-1"],
    "TrafficType": "REJECT",
    "LogGroupName": "group",
    "DeliverLogsPermissionArn": ROLE,
}
TAGGED = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "foo", "Value": "bar"}]}]


class Endpoint:
    """The operations, asked by a caller who may do everything but what a test forbids."""

    def __init__(self, folder: Path) -> None:
        self.state = State(Database.in_folder(folder))
        self.clock = ManualClock(1_580_816_773.831)
        self.forbidden: set[str] = set()
        self.asked: list[tuple[str, tuple[str, ...], Mapping[str, Any] | None]] = []
        service = FlowLogService(
            self.state,
            self.clock,
            Surroundings(
                lambda _place, _type, one: not one.endswith("-none"),
                lambda _place, role, _group, _id: None if role == ROLE else "no such role",
                lambda _place, bucket, _prefix, _hive, _may: (
                    None
                    if bucket == "bucket"
                    else ("400", f"LogDestination: {bucket} does not exist")
                ),
                lambda *_: None,
            ),
        )
        self.operations: dict[str, Operation] = {one.name: one for one in operations(service)}

    def authorize(
        self,
        _caller: Caller,
        action: str,
        resources: Sequence[str],
        context: Mapping[str, Any] | None = None,
    ) -> None:
        self.asked.append((action, tuple(resources), context))
        if action in self.forbidden:
            raise ServiceError(
                "UnauthorizedOperation",
                "You are not authorized to perform this operation.",
                status=403,
            )

    def ask(self, operation: str, parameters: Mapping[str, Any] | None = None) -> Any:
        return self.operations[operation].handle(
            Call(
                "ec2",
                operation,
                parameters or {},
                root_caller(ACCOUNT),
                "us-east-1",
                "request",
                self.clock.now_s(),
                RawRequest("POST", "/", "", (), b""),
                self.authorize,
            )
        )

    def create(self, base: Mapping[str, Any], **changes: Any) -> list[str]:
        self.clock.advance(1)
        return list(self.ask("CreateFlowLogs", {**base, **changes})["FlowLogIds"])

    def found(self, **parameters: Any) -> list[str]:
        answer = self.ask("DescribeFlowLogs", parameters)
        return [one["FlowLogId"] for one in answer["FlowLogs"]]


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    return Endpoint(tmp_path)


def test_create_answers_all_members(endpoint: Endpoint) -> None:
    answer = endpoint.ask("CreateFlowLogs", {**S3, "ResourceIds": ["vpc-1", "vpc-none"]})
    assert set(answer) == {"ClientToken", "FlowLogIds", "Unsuccessful"}
    assert len(answer["ClientToken"]) == 44
    (flow_log_id,) = answer["FlowLogIds"]
    assert len(flow_log_id) == len("fl-") + 17
    assert answer["Unsuccessful"] == [
        {
            "ResourceId": "vpc-none",
            "Error": {
                "Code": "InvalidVpcID.NotFound",
                "Message": "The vpc ID 'vpc-none' does not exist",
            },
        }
    ]
    whole = endpoint.ask("CreateFlowLogs", {**S3, "ResourceIds": ["vpc-2"]})
    assert whole["Unsuccessful"] == []


def test_a_missing_bucket_as_recorded(endpoint: Endpoint) -> None:
    answer = endpoint.ask("CreateFlowLogs", {**S3, "LogDestination": "arn:aws:s3:::nowhere"})
    assert answer["FlowLogIds"] == []
    assert answer["Unsuccessful"] == [
        {
            "ResourceId": "vpc-1",
            "Error": {"Code": "400", "Message": "LogDestination: nowhere does not exist"},
        }
    ]


def test_describe_of_a_bucket_as_recorded(endpoint: Endpoint) -> None:
    (flow_log_id,) = endpoint.create(S3)
    (item,) = endpoint.ask("DescribeFlowLogs", {"FlowLogIds": [flow_log_id]})["FlowLogs"]
    assert item.pop("CreationTime").isoformat() == "2020-02-04T11:46:14.831000+00:00"
    assert item == {
        "DeliverLogsStatus": "SUCCESS",
        "DestinationOptions": {
            "FileFormat": "plain-text",
            "HiveCompatiblePartitions": False,
            "PerHourPartition": False,
        },
        "FlowLogId": flow_log_id,
        "FlowLogStatus": "ACTIVE",
        "LogDestination": "arn:aws:s3:::bucket/subfolder/",
        "LogDestinationType": "s3",
        "LogFormat": str(default_format()),
        "MaxAggregationInterval": 600,
        "ResourceId": "vpc-1",
        "Tags": [],
        "TrafficType": "ALL",
    }


def test_describe_of_a_log_group_says_the_arn_only_where_it_was_given(endpoint: Endpoint) -> None:
    endpoint.create(GROUP)
    endpoint.create(GROUP, ResourceIds=["subnet-2"], LogGroupName=None, LogDestination=GROUP_ARN)
    by_name, by_arn = endpoint.ask("DescribeFlowLogs")["FlowLogs"]
    assert by_name["LogGroupName"] == by_arn["LogGroupName"] == "group"
    assert "LogDestination" not in by_name
    assert by_arn["LogDestination"] == GROUP_ARN
    assert by_name["DeliverLogsPermissionArn"] == ROLE
    assert by_name["LogDestinationType"] == "cloud-watch-logs"
    assert "DestinationOptions" not in by_name
    assert "DeliverLogsErrorMessage" not in by_name


def test_a_role_that_cannot_deliver_shows_in_the_status(endpoint: Endpoint) -> None:
    endpoint.create(GROUP, DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/none")
    (item,) = endpoint.ask("DescribeFlowLogs")["FlowLogs"]
    assert (item["DeliverLogsStatus"], item["DeliverLogsErrorMessage"]) == (
        "FAILED",
        "Access error",
    )


def test_options_and_tag_fields_come_back(endpoint: Endpoint) -> None:
    endpoint.create(
        S3,
        LogFormat="${version} ${interface-tag}",
        TagFieldSpecifications=[{"ResourceType": "network-interface", "TagKeys": ["team"]}],
        DestinationOptions={"FileFormat": "parquet", "PerHourPartition": True},
        MaxAggregationInterval=60,
        TagSpecifications=TAGGED,
    )
    (item,) = endpoint.ask("DescribeFlowLogs")["FlowLogs"]
    assert item["TagFieldSpecifications"] == [
        {"ResourceType": "network-interface", "TagKeys": ["team"]}
    ]
    assert item["DestinationOptions"] == {
        "FileFormat": "parquet",
        "HiveCompatiblePartitions": False,
        "PerHourPartition": True,
    }
    assert item["MaxAggregationInterval"] == 60
    assert item["Tags"] == [{"Key": "foo", "Value": "bar"}]


def test_filters(endpoint: Endpoint) -> None:
    (one,) = endpoint.create(S3, TagSpecifications=TAGGED)
    (two,) = endpoint.create(GROUP)
    (three,) = endpoint.create(
        GROUP, TrafficType="Accept", DeliverLogsPermissionArn=ROLE.replace("flow", "no")
    )

    def by(**filters: Sequence[str]) -> list[str]:
        given = [
            {"Name": name.replace("__", ":").replace("_", "-"), "Values": list(values)}
            for name, values in filters.items()
        ]
        return endpoint.found(Filter=given)

    assert by(deliver_log_status=["FAILED"]) == [three]
    assert by(deliver_log_status=["FAILED", "SUCCESS"]) == [one, two, three]
    assert by(log_destination_type=["s3"]) == [one]
    assert by(flow_log_id=[one, three]) == [one, three]
    assert by(log_group_name=["group"]) == [two, three]
    assert by(log_group_name=["gr*"], traffic_type=["REJECT"]) == [two]
    assert by(resource_id=["vpc-1"]) == [one]
    assert by(traffic_type=["Accept"]) == [three]
    assert by(tag_key=["foo"]) == by(tag__foo=["bar"]) == [one]
    assert by(tag_key=["none"]) == by(tag__foo=["Bar"]) == []
    with pytest.raises(ServiceError) as caught:
        by(no_such=["x"])
    assert (caught.value.code, caught.value.message) == (
        "InvalidParameterValue",
        "The filter 'no-such' is invalid",
    )


def test_ids_that_do_not_exist_are_left_out(endpoint: Endpoint) -> None:
    (one,) = endpoint.create(S3)
    assert endpoint.found(FlowLogIds=["fl-00000000000000000"]) == []
    assert endpoint.found(FlowLogIds=["fl-00000000000000000", one]) == [one]


def test_pages(endpoint: Endpoint) -> None:
    made = [endpoint.create(S3, ResourceIds=[f"vpc-{number}"])[0] for number in range(12)]
    got: list[str] = []
    parameters: dict[str, Any] = {"MaxResults": 5}
    sizes = []
    while True:
        answer = endpoint.ask("DescribeFlowLogs", parameters)
        sizes.append(len(answer["FlowLogs"]))
        got += [one["FlowLogId"] for one in answer["FlowLogs"]]
        if "NextToken" not in answer:
            break
        parameters = {"MaxResults": 5, "NextToken": answer["NextToken"]}
    assert got == made
    assert sizes == [5, 5, 2]
    assert endpoint.found(MaxResults=5000) == made


def test_pages_that_cannot_be(endpoint: Endpoint) -> None:
    for parameters, code in (
        ({"MaxResults": 4}, "InvalidParameterValue"),
        ({"MaxResults": 5, "FlowLogIds": ["fl-1"]}, "InvalidParameterCombination"),
        ({"NextToken": "nonsense"}, "InvalidParameterValue"),
        ({"FlowLogIds": ["fl-1"] * 1001}, "InvalidParameterValue"),
    ):
        with pytest.raises(ServiceError) as caught:
            endpoint.ask("DescribeFlowLogs", parameters)
        assert caught.value.code == code


def test_delete_answers_an_empty_list(endpoint: Endpoint) -> None:
    made = endpoint.create(S3, ResourceIds=["vpc-1", "vpc-2"])
    assert endpoint.ask("DeleteFlowLogs", {"FlowLogIds": made[:1]}) == {"Unsuccessful": []}
    assert endpoint.found() == made[1:]
    with pytest.raises(ServiceError) as caught:
        endpoint.ask("DeleteFlowLogs", {"FlowLogIds": [f"fl-{n}" for n in range(1001)]})
    assert caught.value.code == "InvalidParameterValue"
    with pytest.raises(ServiceError) as caught:
        endpoint.ask("DeleteFlowLogs", {"FlowLogIds": ["fl-1a2b3c4d"]})
    assert (caught.value.code, caught.value.message) == (
        "InvalidFlowLogId.NotFound",
        "These flow log ids in the input list are not found: [TotalCount: 1] fl-1a2b3c4d",
    )


def test_what_the_caller_needs_beside_the_operation(endpoint: Endpoint) -> None:
    endpoint.create(GROUP)
    endpoint.create(S3, TagSpecifications=TAGGED)
    passed, delivered, tagged = endpoint.asked
    assert passed == (
        "iam:PassRole",
        (ROLE,),
        {
            "iam:PassedToService": "vpc-flow-logs.amazonaws.com",
            "iam:AssociatedResourceArn": [f"arn:aws:ec2:us-east-1:{ACCOUNT}:subnet/subnet-1"],
        },
    )
    assert delivered[:2] == ("logs:CreateLogDelivery", ("*",))
    assert tagged[0] == "ec2:CreateTags"


@pytest.mark.parametrize(
    ("base", "action"), [(GROUP, "iam:PassRole"), (S3, "logs:CreateLogDelivery")]
)
def test_who_may_not_is_told_before_anything_changes(
    endpoint: Endpoint, base: dict[str, Any], action: str
) -> None:
    endpoint.forbidden.add(action)
    for dry_run in (False, True):
        with pytest.raises(ServiceError) as caught:
            endpoint.create(base, DryRun=dry_run)
        assert (caught.value.code, caught.value.status) == ("UnauthorizedOperation", 403)
    assert not endpoint.found()


def test_a_dry_run_changes_nothing(endpoint: Endpoint) -> None:
    with pytest.raises(ServiceError) as caught:
        endpoint.create(S3, DryRun=True)
    assert (caught.value.code, caught.value.status, caught.value.message) == (
        "DryRunOperation",
        412,
        "Request would have succeeded, but DryRun flag is set.",
    )
    assert not endpoint.found()


def test_templates_are_refused_clearly(endpoint: Endpoint) -> None:
    with pytest.raises(ServiceError) as caught:
        endpoint.ask("GetFlowLogsIntegrationTemplate", {"FlowLogId": "fl-1"})
    assert caught.value.code == "UnsupportedOperation"


def test_a_page_of_ten_thousand_is_there_at_once(endpoint: Endpoint) -> None:
    with endpoint.state.change() as change:
        for number in range(10_000):
            flow_log = FlowLog(
                f"fl-{number:017x}",
                f"vpc-{number}",
                TrafficType.ALL,
                DestinationType.S3,
                str(default_format()),
                1_580_816_773_831,
                "token",
                log_destination="arn:aws:s3:::bucket",
            )
            change.put(FLOW_LOGS, PLACE, flow_log.flow_log_id, flow_log)
            tags = TagSet("vpc-flow-log", {"number": str(number)})
            change.put(TAG_SETS, PLACE, flow_log.flow_log_id, tags)
    answer = endpoint.ask("DescribeFlowLogs")
    taken_s = []
    for _ in range(5):
        begun_s = time.perf_counter()
        endpoint.ask("DescribeFlowLogs", {"NextToken": answer["NextToken"]})
        taken_s.append(time.perf_counter() - begun_s)
    assert len(answer["FlowLogs"]) == 1000
    # Measured under a millisecond; the bound leaves room for a busy machine.
    assert min(taken_s) < 0.005


def test_the_end_of_a_delivery_is_a_permission_of_its_own(endpoint: Endpoint) -> None:
    (to_group,) = endpoint.create(GROUP)
    (to_bucket,) = endpoint.create(S3)
    endpoint.forbidden.add("logs:DeleteLogDelivery")
    endpoint.ask("DeleteFlowLogs", {"FlowLogIds": [to_group]})
    with pytest.raises(ServiceError) as caught:
        endpoint.ask("DeleteFlowLogs", {"FlowLogIds": [to_bucket]})
    assert caught.value.code == "UnauthorizedOperation"
    assert endpoint.found() == [to_bucket]
