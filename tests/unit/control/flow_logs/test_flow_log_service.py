"""Aim: flow logs come and go as a whole, and everybody else sees which records are theirs. Method:
a real State in a folder, surroundings that the test owns, two threads where order matters."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flow_log_world import ACCOUNT, GROUP, PLACE, S3, World
from sqlalchemy import text

from vpcflow.base.errors import ServiceError
from vpcflow.control.flow_logs.flow_log import FLOW_LOGS, DeliveryStatus
from vpcflow.control.flow_logs.request_token import ANSWERED, TOKEN_AGE_S
from vpcflow.control.flow_logs.service import DRAIN_S, FLOW_LOGS_PER_RESOURCE_MAX
from vpcflow.control.state import Database, Place, State
from vpcflow.control.tags import TAG_SETS
from vpcflow.record.flow_log_selection import ScopeColumn, TrafficType


@pytest.fixture(params=["sqlite", "postgres"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_url")
        database = Database(url)
        with database.writing() as connection:
            for table in ("resources", "generations"):
                connection.execute(text(f"DELETE FROM {table}"))
        database.close()
    made = World(url)
    yield made
    made.state.database.close()


def ids(world: World) -> list[str]:
    return [flow_log.flow_log_id for flow_log in world.service.describe(PLACE).flow_logs]


def test_one_flow_log_for_each_resource_in_order(world: World) -> None:
    created = world.create(S3, ResourceIds=["vpc-2", "vpc-1"])
    assert ids(world) == list(created.flow_log_ids)
    found = [world.state.get(FLOW_LOGS, PLACE, one) for one in created.flow_log_ids]
    assert [one.resource_id for one in found if one] == ["vpc-2", "vpc-1"]
    assert not created.unsuccessful
    assert len(created.client_token) == 44


def test_a_missing_resource_costs_the_others_nothing(world: World) -> None:
    created = world.create(S3, ResourceIds=["vpc-1", "vpc-9"])
    assert len(created.flow_log_ids) == 1
    (failure,) = created.unsuccessful
    assert (failure.resource_id, failure.code) == ("vpc-9", "InvalidVpcID.NotFound")
    assert failure.message == "The vpc ID 'vpc-9' does not exist"


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "code"),
    [
        ("VPC", "vpc-9", "InvalidVpcID.NotFound"),
        ("Subnet", "subnet-9", "InvalidSubnetID.NotFound"),
        ("NetworkInterface", "eni-9", "InvalidNetworkInterfaceID.NotFound"),
    ],
)
def test_nothing_but_missing_resources_is_an_error(
    world: World, resource_type: str, resource_id: str, code: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        world.create(S3, ResourceType=resource_type, ResourceIds=[resource_id])
    assert caught.value.code == code
    assert not ids(world)


def test_a_bucket_that_cannot_be_had_is_told_for_each_resource(world: World) -> None:
    world.denied.add("other")
    both = ["vpc-1", "vpc-2"]
    created = world.create(S3, LogDestination="arn:aws:s3:::nowhere", ResourceIds=both)
    assert not created.flow_log_ids
    assert [(one.code, one.message) for one in created.unsuccessful] == [
        ("400", "LogDestination: nowhere does not exist")
    ] * 2
    (failure,) = world.create(S3, LogDestination="arn:aws:s3:::other/folder").unsuccessful
    assert failure.message == (
        "Access Denied for LogDestination: other. Please check LogDestination permission."
    )
    stream = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/none"
    (failure,) = world.create(
        S3, LogDestinationType="kinesis-data-firehose", LogDestination=stream
    ).unsuccessful
    assert failure.message == "LogDestination: none does not exist"


def test_a_bucket_is_asked_last(world: World) -> None:
    """Asking may already change the bucket's policy."""
    with pytest.raises(ServiceError):
        world.create(S3, ResourceIds=["vpc-9"])
    assert not world.asked
    options = {"HiveCompatiblePartitions": True}
    world.create(S3, LogDestination="arn:aws:s3:::bucket/a/b/", DestinationOptions=options)
    assert world.asked == [("bucket", "a/b", True)]
    with pytest.raises(ServiceError):
        world.create(S3, LogDestination="arn:aws:s3:::bucket/a/b/", DestinationOptions=options)
    assert len(world.asked) == 1


def test_the_same_flow_log_twice_is_refused(world: World) -> None:
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:group"
    for base, again in (
        (S3, {"LogDestination": "arn:aws:s3:::bucket/"}),
        (GROUP, {"LogGroupName": None, "LogDestination": arn}),
    ):
        world.create(base)
        with pytest.raises(ServiceError) as caught:
            world.create(base, **again)
        assert caught.value.code == "FlowLogAlreadyExists"
        assert caught.value.message == (
            "Error. There is an existing Flow Log with the same configuration and log destination."
        )


def test_what_makes_a_flow_log_another_one(world: World) -> None:
    world.create(S3)
    world.create(S3, TrafficType="REJECT")
    world.create(S3, LogDestination="arn:aws:s3:::bucket/folder")
    world.create(S3, LogFormat="${version} ${srcaddr}")
    world.create(S3, MaxAggregationInterval=60)
    world.create(S3, DestinationOptions={"FileFormat": "parquet"})
    world.create(GROUP)
    assert len(ids(world)) == 7


def test_a_resource_has_so_many_flow_logs_and_no_more(world: World) -> None:
    for number in range(FLOW_LOGS_PER_RESOURCE_MAX):
        world.create(GROUP, LogGroupName=f"group-{number}")
    with pytest.raises(ServiceError) as caught:
        world.create(GROUP)
    assert caught.value.code == "FlowLogsLimitExceeded"
    world.create(GROUP, ResourceIds=["vpc-2"])


def test_the_same_token_gets_the_same_answer(world: World) -> None:
    first = world.create(S3, ClientToken="t", ResourceIds=["vpc-1", "vpc-9"])
    world.buckets.clear()
    assert world.create(S3, ClientToken="t", ResourceIds=["vpc-1", "vpc-9"]) == first
    assert first.client_token == "t"
    with pytest.raises(ServiceError) as caught:
        world.create(S3, ClientToken="t")
    assert caught.value.code == "IdempotentParameterMismatch"
    assert len(ids(world)) == 1


def test_a_token_that_made_nothing_may_be_tried_again(world: World) -> None:
    world.buckets.clear()
    assert not world.create(S3, ClientToken="t").flow_log_ids
    world.buckets.add("bucket")
    assert world.create(S3, ClientToken="t").flow_log_ids


def test_tokens_are_forgotten_after_a_day(world: World) -> None:
    world.create(S3, ClientToken="t")
    world.clock.advance(TOKEN_AGE_S + 1)
    world.create(S3, ClientToken="u", ResourceIds=["vpc-2"])
    assert set(world.state.all(ANSWERED, PLACE)) == {"u"}


def test_two_threads_with_one_token_make_one_flow_log(world: World) -> None:
    together = Barrier(2)

    def create() -> tuple[str, ...]:
        together.wait(10)
        return world.create(S3, ClientToken="t").flow_log_ids

    with ThreadPoolExecutor(2) as pool:
        answers = [task.result() for task in [pool.submit(create), pool.submit(create)]]
    assert answers[0] == answers[1]
    assert ids(world) == list(answers[0])


def test_delete_takes_all_or_nothing(world: World) -> None:
    tags = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "a", "Value": "b"}]}]
    kept = world.only(S3, TagSpecifications=tags)
    with pytest.raises(ServiceError) as caught:
        world.service.delete(PLACE, ["fl-1a2b3c4d", kept, "fl-2b3c4d5e"])
    assert caught.value.code == "InvalidFlowLogId.NotFound"
    assert caught.value.message == (
        "These flow log ids in the input list are not found: [TotalCount: 2] fl-1a2b3c4d "
        "fl-2b3c4d5e"
    )
    assert ids(world) == [kept]
    world.service.delete(PLACE, [kept])
    assert not ids(world)
    assert not world.state.all(TAG_SETS, PLACE)


def test_plans_are_all_that_exist_everywhere(world: World) -> None:
    first = world.only(S3, TrafficType="REJECT")
    (plan,) = world.service.plans()
    flow_log, place, selection = plan
    assert (flow_log.flow_log_id, place) == (first, PLACE)
    assert selection.scope is ScopeColumn.VPC
    assert selection.resource_id == "vpc-1"
    assert selection.traffic_type is TrafficType.REJECT
    assert (selection.from_s, selection.until_s) == (1_700_000_000, None)
    assert world.service.plans() is world.service.plans()
    world.create(S3, ResourceType="NetworkInterface", ResourceIds=["eni-1"])
    scopes = {plan[2].scope for plan in world.service.plans()}
    assert scopes == {ScopeColumn.VPC, ScopeColumn.INTERFACE}
    world.service.delete(PLACE, [first])
    ends = {plan[0].flow_log_id: plan[2].until_s for plan in world.service.plans()}
    assert ends[first] == 1_700_000_000, "what was recorded before the deletion still comes"
    world.clock.advance(2 * DRAIN_S)
    assert first not in {plan[0].flow_log_id for plan in world.service.plans()}


def test_another_process_is_followed(world: World) -> None:
    assert not world.service.plans()
    beside = World(world.url)
    made = beside.only(GROUP)
    beside.state.database.close()
    assert [plan[0].flow_log_id for plan in world.service.plans()] == [made]
    assert ids(world) == [made]
    assert len(world.service.log_group_sources(PLACE, "group")) == 1


def test_a_log_group_has_the_records_of_flow_logs_that_were_deleted(world: World) -> None:
    first = world.only(GROUP)
    world.clock.advance(100)
    world.service.delete(PLACE, [first])
    second = world.only(GROUP, ResourceType="Subnet", ResourceIds=["subnet-1"])
    world.create(GROUP, LogGroupName="another")
    found = {one.flow_log_id: one.selection for one in sources(world)}
    assert set(found) == {first, second}
    assert found[first].until_s == 1_700_000_100
    assert found[second].until_s is None
    assert not world.service.log_group_sources(Place(ACCOUNT, "eu-west-1"), "group")


def sources(world: World) -> tuple:
    return world.service.log_group_sources(PLACE, "group")


def test_a_flow_log_without_a_moment_leaves_nothing_behind(world: World) -> None:
    world.service.delete(PLACE, [world.only(GROUP)])
    assert not sources(world)


def test_a_deleted_log_group_begins_anew(world: World) -> None:
    gone = world.only(GROUP)
    stays = world.only(GROUP, TrafficType="REJECT")
    world.clock.advance(100)
    world.service.delete(PLACE, [gone])
    with world.state.change() as change:
        world.service.forget_past(change, PLACE, "group")
    (source,) = sources(world)
    assert source.flow_log_id == stays
    assert source.selection.from_s == 1_700_000_100


def test_a_weak_role_fails_until_it_is_mended(world: World) -> None:
    world.roles.clear()
    made = world.only(GROUP)
    flow_log = world.state.get(FLOW_LOGS, PLACE, made)
    assert flow_log is not None
    assert flow_log.status is DeliveryStatus.FAILED
    assert flow_log.error_message == "Access error"
    assert world.service.check_delivery(flow_log, PLACE) == "Access error"
    assert not sources(world)
    world.roles.add(GROUP["DeliverLogsPermissionArn"])
    assert world.service.check_delivery(flow_log, PLACE) is None
    world.service.set_status(PLACE, made, DeliveryStatus.SUCCESS)
    assert len(sources(world)) == 1
    mended = world.state.get(FLOW_LOGS, PLACE, made)
    assert mended is not None
    assert mended.error_message is None


def test_what_a_deleted_flow_log_gets_at_last_is_readable(world: World) -> None:
    world.roles.add(GROUP["DeliverLogsPermissionArn"])
    made = world.only(GROUP)
    world.service.set_status(PLACE, made, DeliveryStatus.FAILED, "Unknown error", 1_700_000_050)
    world.clock.advance(100)
    world.service.delete(PLACE, [made])
    ends = [source.selection.until_s for source in sources(world)]
    assert ends == [1_700_000_050]
    world.service.set_status(PLACE, made, DeliveryStatus.SUCCESS)
    assert [source.selection.until_s for source in sources(world)] == [1_700_000_100]
    world.service.set_status(PLACE, made, DeliveryStatus.FAILED, "Access error", 1_700_000_060)
    assert [source.selection.until_s for source in sources(world)] == [1_700_000_100]


def test_a_status_that_stays_writes_nothing(world: World) -> None:
    made = world.only(S3)
    mark = world.state.mark(FLOW_LOGS)
    world.service.set_status(PLACE, made, DeliveryStatus.SUCCESS)
    world.service.set_status(PLACE, "fl-gone", DeliveryStatus.FAILED, "Unknown error")
    assert world.state.mark(FLOW_LOGS) == mark
    world.service.set_status(PLACE, made, DeliveryStatus.FAILED, "Rate limited", 1_700_000_050)
    assert world.state.mark(FLOW_LOGS) != mark


def test_flow_logs_outlive_the_process(world: World) -> None:
    made = world.only(S3, DestinationOptions={"FileFormat": "parquet"})
    before = world.state.get(FLOW_LOGS, PLACE, made)
    again = State(Database(world.url))
    assert again.get(FLOW_LOGS, PLACE, made) == before
    again.database.close()
