"""Kernel that finds the rules of security groups which let flows through."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit
from vpcflow.policy.match_kernels import covers, in_ranges, is_about

Array = npt.NDArray[Any]

#: How a rule came to count a flow.
SURE, OTHER_END, MAY_BE = 0, 1, 2
_REPLY, _UNSURE = 1, 2
_SERVICE_LAST = 65_535
_RANGE_BEGIN, _RANGE_END = 3, 4
_FOUND, _MAYBE = 1, 2


@njit(cache=True, nogil=True)
def _ask_groups(
    rules: Array,
    ranges: Array,
    group_spans: Array,
    groups: Array,
    begin: Any,
    end: Any,
    direction: Any,
    high: Any,
    low: Any,
    protocol: Any,
    first: Any,
    last: Any,
    row: Any,
    how: Any,
    pairs: Array,
    count: Any,
) -> Any:
    """Note every rule of an interface's groups that allows; gives the new count of pairs."""
    for place in range(begin, end):
        group = groups[place]
        for rule in range(group_spans[group, direction, 0], group_spans[group, direction, 1]):
            if not is_about(rules, rule, protocol, first, last):
                continue
            if not in_ranges(high, low, ranges, rules[rule, _RANGE_BEGIN], rules[rule, _RANGE_END]):
                continue
            if count < len(pairs):
                pairs[count, 0] = row
                pairs[count, 1] = rule
                pairs[count, 2] = how if covers(rules, rule, first, last) else MAY_BE
            count += 1
    return count


@njit(cache=True, nogil=True)
def find_rules(
    rules: Array,
    ranges: Array,
    group_spans: Array,
    groups: Array,
    interface_spans: Array,
    reserved_spans: Array,
    interface: Array,
    direction: Array,
    peer: Array,
    protocol: Array,
    port: Array,
    other_port: Array,
    leg: Array,
    pairs: Array,
    found: Array,
) -> Any:
    """Fill ``pairs`` with row, rule and how; ``found`` says 1 for rows with a rule, 2 for rows that need none.

    Gives how many pairs there are, also when there is no room for all.
    """
    count = np.int64(0)
    for row in range(len(interface)):
        found[row] = 0
        one = interface[row]
        if one < 0:
            continue
        begin, end = interface_spans[one, 0], interface_spans[one, 1]
        high, low = peer[row, 0], peer[row, 1]
        number = np.int64(protocol[row])
        if begin == end or in_ranges(
            high, low, ranges, reserved_spans[one, 0], reserved_spans[one, 1]
        ):
            found[row] = 2
            continue
        first, last = np.int64(0), np.int64(_SERVICE_LAST)
        if port[row] >= 0:
            first = last = np.int64(port[row])
        own = np.int64(direction[row])
        asked = 1 - own if leg[row] == _REPLY else own
        before = count
        how = OTHER_END if leg[row] == _UNSURE else SURE
        count = _ask_groups(
            rules, ranges, group_spans, groups, begin, end, asked, high, low,
            number, first, last, row, how, pairs, count,
        )  # fmt: skip
        if count == before and (leg[row] == _UNSURE or other_port[row] >= 0):
            if other_port[row] >= 0:
                first = last = np.int64(other_port[row])
            count = _ask_groups(
                rules, ranges, group_spans, groups, begin, end, 1 - asked, high, low,
                number, first, last, row, OTHER_END, pairs, count,
            )  # fmt: skip
        if count > before:
            found[row] = 1
    return count
