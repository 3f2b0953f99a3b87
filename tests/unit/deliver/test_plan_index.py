"""Aim: many flow logs at once get what each alone would. Method: compare with its selection."""

from __future__ import annotations

import pyarrow as pa
import pytest
from delivery_desk import LOG_GROUP, T0, lines_for, plan_of, records_of
from hypothesis import given, settings
from hypothesis import strategies as st

from vpcflow.deliver.lane import by_plan
from vpcflow.deliver.plan import DeliveryPlan
from vpcflow.deliver.plan_index import Apart, PlanIndex
from vpcflow.record.flow_log_selection import ScopeColumn, TrafficType, lines_of
from vpcflow.record.log_format import LogFormat

SHORT = LogFormat(("version", "interface-id", "bytes", "action"))
RESOURCES = [
    *((ScopeColumn.VPC, name) for name in ("vpc-a", "vpc-b", "vpc-none")),
    *((ScopeColumn.SUBNET, f"subnet-{number:017x}") for number in range(3)),
    *((ScopeColumn.INTERFACE, f"eni-{number:017x}") for number in range(5)),
]


def found(plans: list[DeliveryPlan], records: pa.RecordBatch, apart: Apart) -> dict[str, list[str]]:
    """The sorted lines of each flow log."""
    made: dict[str, list[str]] = {}
    for cut in PlanIndex(plans).cut(records, apart, 300):
        for plan, first, end in by_plan(cut):
            begin, stop = int(cut.begins[first]), int(cut.begins[end])
            rows = cut.records.slice(begin, stop - begin)
            assert plan.flow_log_id not in made
            made[plan.flow_log_id] = sorted(lines_of(rows, cut.log_format).decode().splitlines())
            for piece in range(first, end):
                part = cut.records.slice(
                    int(cut.begins[piece]), int(cut.begins[piece + 1] - cut.begins[piece])
                )
                if apart is Apart.SLOT:
                    told = {end_s // 300 for end_s in part.column("end").to_pylist()}
                    assert told == {int(cut.parts[piece])}
                else:
                    names = set(part.column("interface_id").to_pylist())
                    assert names == {cut.names[int(cut.parts[piece])]}
    return made


@settings(max_examples=60, deadline=None)
@given(
    plans=st.lists(
        st.builds(
            lambda resource, traffic, from_s, length, log_format: (
                resource,
                traffic,
                T0 + from_s,
                None if length is None else T0 + from_s + length,
                log_format,
            ),
            st.sampled_from(RESOURCES),
            st.sampled_from(TrafficType),
            st.integers(-10, 70),
            st.none() | st.integers(0, 60),
            st.sampled_from([None, SHORT]),
        ),
        max_size=12,
    ),
    count=st.integers(0, 80),
    apart=st.sampled_from(Apart),
    seed=st.integers(0, 99),
)
def test_as_each_flow_log_alone(
    plans: list[tuple[tuple[ScopeColumn, str], TrafficType, int, int | None, LogFormat | None]],
    count: int,
    apart: Apart,
    seed: int,
) -> None:
    records = records_of(count, seed=seed, span_s=900)
    made = [
        plan_of(
            number,
            LOG_GROUP,
            scope=resource[0],
            resource_id=resource[1],
            traffic=traffic,
            from_s=from_s,
            until_s=until_s,
            log_format=log_format,
        )
        for number, (resource, traffic, from_s, until_s, log_format) in enumerate(plans)
    ]
    wanted = {plan.flow_log_id: lines_for(plan, records) for plan in made}
    assert found(made, records, apart) == {one: lines for one, lines in wanted.items() if lines}


@pytest.mark.parametrize("missing", ["interface_id", "vpc_id", "start", "end", "action"])
def test_a_column_that_is_missing(missing: str) -> None:
    records = records_of(20)
    names = [name for name in records.schema.names if name != missing]
    records = records.select(names)
    plans = [
        plan_of(1, LOG_GROUP, traffic=TrafficType.REJECT),
        plan_of(2, LOG_GROUP, scope=ScopeColumn.SUBNET, resource_id=f"subnet-{0:017x}"),
    ]
    got = {
        plan.flow_log_id
        for cut in PlanIndex(plans).cut(records, Apart.INTERFACE)
        for plan, _, _ in by_plan(cut)
    }
    assert got == {plan.flow_log_id for plan in plans if lines_for(plan, records)}


def test_two_codes_of_one_name_are_one_interface() -> None:
    records = records_of(4, interfaces=2)
    doubled = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0], pa.int32()), ["e", "f", "e"])
    at = records.schema.get_field_index("interface_id")
    records = records.set_column(at, "interface_id", doubled)
    plan = plan_of(1, LOG_GROUP, scope=ScopeColumn.INTERFACE, resource_id="e")
    (cut,) = PlanIndex([plan]).cut(records, Apart.INTERFACE)
    assert len(cut.parts) == 1 and cut.begins.tolist() == [0, 3]
