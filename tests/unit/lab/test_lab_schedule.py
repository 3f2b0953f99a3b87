"""Aim: the lab's traffic is the same for the same seed, complete, and at the stated pace."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import SettingsError
from vpcflow.lab.testbed.scenarios import COUNT_MAX, PORT_LAST, SCENARIOS, ports_of
from vpcflow.lab.testbed.schedule import STEADY_JITTER, planned_runs
from vpcflow.lab.testbed.topology import NAMESPACES


def test_same_seed_same_runs_in_order_of_time() -> None:
    runs = list(islice(planned_runs(7), 2000))
    assert runs == list(islice(planned_runs(7), 2000))
    assert runs != list(islice(planned_runs(8), 2000))
    assert all(one.at_s <= two.at_s for one, two in pairwise(runs))


def test_every_scheduled_scenario_comes_and_steady_ones_keep_their_interval() -> None:
    times: dict[str, list[float]] = {}
    for run in islice(planned_runs(1), 20_000):
        times.setdefault(run.scenario, []).append(run.at_s)
    scheduled = {name: one for name, one in SCENARIOS.items() if one.every_s}
    assert set(times) == set(scheduled)
    for name, scenario in scheduled.items():
        assert times[name][0] <= scenario.every_s
        gaps = [two - one for one, two in pairwise(times[name])]
        mean = sum(gaps) / len(gaps)
        assert mean == pytest.approx(scenario.every_s, rel=0.25), name
        if scenario.steady:
            assert max(gaps) <= scenario.every_s * (1 + STEADY_JITTER), name
            assert min(gaps) >= scenario.every_s * (1 - STEADY_JITTER) * (1 - 1e-9), name


def test_scenarios_act_on_hosts_that_exist() -> None:
    for scenario in SCENARIOS.values():
        assert scenario.host in NAMESPACES
        assert scenario.settled({}) == dict(scenario.options)


@given(st.lists(st.tuples(st.integers(1, PORT_LAST), st.integers(0, 50)), min_size=1, max_size=5))
def test_port_lists_are_read_as_written(parts: list[tuple[int, int]]) -> None:
    ranges = [(first, min(first + more, PORT_LAST)) for first, more in parts]
    text = ",".join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)
    assert ports_of(text) == [port for a, b in ranges for port in range(a, b + 1)]


@pytest.mark.parametrize("text", ["", "0", "65536", "9-3", "a", "1,,2", "-5", "1-2-3"])
def test_what_is_no_port_list_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        ports_of(text)


def test_options_that_a_scenario_has_not_and_values_out_of_range_are_refused() -> None:
    with pytest.raises(SettingsError, match="no option --count"):
        SCENARIOS["scan"].settled({"count": 3})
    with pytest.raises(SettingsError, match="out of range"):
        SCENARIOS["ping"].settled({"count": COUNT_MAX + 1})
    with pytest.raises(SettingsError, match="no port"):
        SCENARIOS["scan"].settled({"ports": "ssh"})
