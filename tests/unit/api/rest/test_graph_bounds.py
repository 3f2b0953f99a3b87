"""Aim: at its bound a graph keeps refused links, and what stands for networks says a filter."""

from __future__ import annotations

from vpcflow.api.rest.graph import LINKS_MAX, REJECTED_LINKS_MAX, _shown
from vpcflow.api.rest.graph_ends import networks_filter
from vpcflow.api.rest.graph_links import Link


def _link(number: int, size: int, rejected: int = 0) -> Link:
    return Link("a", f"b{number:05}", size, 0, 1, 10, rejected)


def test_refused_links_stay_although_they_carry_few_bytes() -> None:
    large = [_link(number, 1_000_000 - number) for number in range(LINKS_MAX + 50)]
    refused = [_link(90_000 + number, 1, 1 + number) for number in range(REJECTED_LINKS_MAX + 7)]
    shown = _shown([*large, *refused])
    assert len(shown) == LINKS_MAX
    kept = [one for one in shown if one.rejected]
    # Of those that are refused, the ones with fewest refusals go first.
    assert len(kept) == REJECTED_LINKS_MAX
    assert min(one.rejected for one in kept) == 8
    assert [one.total for one in shown] == sorted((one.total for one in shown), reverse=True)


def test_all_links_stay_under_the_bound() -> None:
    links = [_link(number, 5) for number in range(LINKS_MAX)]
    assert _shown(links) == links


def test_a_filter_of_networks() -> None:
    assert networks_filter(["10.0.0.0/16"]) == "addr in 10.0.0.0/16"
    assert networks_filter(["10.0.0.0/16", "2001:db8::/56"]) == (
        "addr in (10.0.0.0/16, 2001:db8::/56)"
    )
    assert networks_filter([]) == ""
