"""Kernel that judges flows against compiled rules; see ``resolve`` for what the arrays hold.

The reference is ``evaluate_reference``. Addresses are compared as numbers, so that their words are
big-endian values and not the words that lie in memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.base.compiled import njit

Array = npt.NDArray[Any]

#: Columns of ``bound``: an interface.
IS_JUDGED, HAS_GROUPS, HAS_ACL, SUBNET_BEGIN, SUBNET_END = 0, 1, 2, 3, 4
#: Ranges of the addresses that nothing filters.
RESERVED_BEGIN, RESERVED_END = 5, 6
#: Five columns a direction: group rules from, to; ACL entries from, to; number of the groups.
BOUND_INGRESS, BOUND_EGRESS = 7, 12
BOUND_COLUMNS = 17
_GROUP_BEGIN, _GROUP_END, _ACL_BEGIN, _ACL_END, _GROUP_NUMBER = 0, 1, 2, 3, 4
#: Columns of ``rules``.
_PROTOCOL, _FIRST, _LAST, _RANGE_BEGIN, _RANGE_END = 0, 1, 2, 3, 4
_ALLOW, _NUMBER = 5, 6
RULE_COLUMNS = 7

_NO, _YES, _MAYBE = 0, 1, 2
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
#: Services are numbers from 0 to this: ports, or type * 256 + code of ICMP.
SERVICE_LAST = 65_535
_THERE, _HERE = 0, 1
_UNKNOWN, _ACCEPT, _REJECT = 0, 1, 2
_GROUP, _ACL = 1, 2


@njit(cache=True, nogil=True, inline="always")
def in_ranges(high: Any, low: Any, ranges: Array, begin: Any, end: Any) -> Any:
    """Whether an address is in one of the sorted ranges from ``begin`` to ``end``."""
    first = np.int64(begin)
    behind = np.int64(end)
    while first < behind:
        middle = (first + behind) >> 1
        if ranges[middle, 0] < high or (ranges[middle, 0] == high and ranges[middle, 1] <= low):
            first = middle + 1
        else:
            behind = middle
    found = first - 1
    if found < begin:
        return False
    return high < ranges[found, 2] or (high == ranges[found, 2] and low <= ranges[found, 3])


@njit(cache=True, nogil=True, inline="always")
def _service(protocol: Any, port: Any, icmp_type: Any, icmp_code: Any) -> Any:
    """What a flow may be about as a range: of ports, or of type * 256 + code."""
    if protocol == _TCP or protocol == _UDP:
        if port >= 0:
            return port, port
    elif protocol == _ICMP or protocol == _ICMPV6:
        if icmp_type >= 0:
            if icmp_code >= 0:
                return icmp_type * 256 + icmp_code, icmp_type * 256 + icmp_code
            return icmp_type * 256, icmp_type * 256 + 255
    return np.int64(0), np.int64(SERVICE_LAST)


@njit(cache=True, nogil=True, inline="always")
def is_about(rules: Array, rule: Any, protocol: Any, first: Any, last: Any) -> Any:
    """Whether a rule may be about the service; without branches, most rules are not."""
    asked = rules[rule, _PROTOCOL]
    return (
        ((asked == -1) | (asked == protocol))
        & (rules[rule, _FIRST] <= last)
        & (rules[rule, _LAST] >= first)
    )


@njit(cache=True, nogil=True, inline="always")
def covers(rules: Array, rule: Any, first: Any, last: Any) -> Any:
    """Whether a rule is about all of a range of services."""
    return rules[rule, _FIRST] <= first and rules[rule, _LAST] >= last


@njit(cache=True, nogil=True)
def _groups_answer(
    rules: Array,
    ranges: Array,
    begin: Any,
    end: Any,
    high: Any,
    low: Any,
    protocol: Any,
    first: Any,
    last: Any,
) -> int:
    best = _NO
    for rule in range(begin, end):
        if not is_about(rules, rule, protocol, first, last):
            continue
        if in_ranges(high, low, ranges, rules[rule, _RANGE_BEGIN], rules[rule, _RANGE_END]):
            if covers(rules, rule, first, last):
                return _YES
            best = _MAYBE
    return best


@njit(cache=True, nogil=True)
def _acl_answer(
    rules: Array,
    ranges: Array,
    begin: Any,
    end: Any,
    high: Any,
    low: Any,
    protocol: Any,
    first: Any,
    last: Any,
) -> tuple[int, int]:
    """The answer, and the number of the rule that denies where only one can have decided."""
    allowing = 0
    denying = 0
    number = 0
    for rule in range(begin, end):
        if not is_about(rules, rule, protocol, first, last):
            continue
        if not in_ranges(high, low, ranges, rules[rule, _RANGE_BEGIN], rules[rule, _RANGE_END]):
            continue
        if rules[rule, _ALLOW] == 1:
            allowing += 1
        else:
            denying += 1
            number = rules[rule, _NUMBER]
        if covers(rules, rule, first, last):
            break
    if denying == 0:
        return _YES, 0
    if allowing > 0:
        return _MAYBE, 0
    return _NO, number if denying == 1 else 0


@njit(cache=True, nogil=True, inline="always")
def _request_type(protocol: Any, icmp_type: Any) -> Any:
    """The ICMP type that this one answers, -1 when it answers none."""
    if protocol == _ICMPV6:
        return 128 if icmp_type == 129 else -1
    if icmp_type == 0:
        return 8
    if icmp_type == 14 or icmp_type == 16 or icmp_type == 18:
        return icmp_type - 1
    return -1


@njit(cache=True, nogil=True, inline="always")
def _is_icmp_error(protocol: Any, icmp_type: Any) -> Any:
    if protocol == _ICMP:
        return icmp_type == 3 or icmp_type == 4 or icmp_type == 11 or icmp_type == 12
    return protocol == _ICMPV6 and icmp_type >= 1 and icmp_type <= 4


@njit(cache=True, nogil=True, inline="always")
def _is_link_traffic(protocol: Any, source_port: Any, destination_port: Any, icmp_type: Any) -> Any:
    """Whether it is DHCP or neighbour discovery; as ``not_filtered`` says it."""
    if protocol == _UDP:
        four = (source_port == 67 or source_port == 68) and (
            destination_port == 67 or destination_port == 68
        )
        six = (source_port == 546 or source_port == 547) and (
            destination_port == 546 or destination_port == 547
        )
        return four or six
    return protocol == _ICMPV6 and ((icmp_type >= 130 and icmp_type <= 137) or icmp_type == 143)


@njit(cache=True, nogil=True)
def judge_flows(
    bound: Array,
    rules: Array,
    ranges: Array,
    interface: Array,
    direction: Array,
    addresses: Array,
    source_port: Array,
    destination_port: Array,
    protocol: Array,
    icmp_type: Array,
    icmp_code: Array,
    initiated: Array,
    verdict: Array,
    rule_number: Array,
    said_no: Array,
) -> None:
    """Judge every flow; fills the last three columns."""
    for i in range(len(interface)):
        verdict[i] = _UNKNOWN
        rule_number[i] = 0
        said_no[i] = 0
        row = interface[i]
        if row < 0 or row >= len(bound) or bound[row, IS_JUDGED] == 0:
            continue
        egress = direction[i] == 1
        own = BOUND_EGRESS if egress else BOUND_INGRESS
        back = BOUND_INGRESS if egress else BOUND_EGRESS
        high = addresses[2, i] if egress else addresses[0, i]
        low = addresses[3, i] if egress else addresses[1, i]
        number = np.int64(protocol[i])
        kind = np.int64(icmp_type[i])
        code = np.int64(icmp_code[i])
        if _is_link_traffic(number, source_port[i], destination_port[i], kind) or in_ranges(
            high, low, ranges, bound[row, RESERVED_BEGIN], bound[row, RESERVED_END]
        ):
            verdict[i] = _ACCEPT
            continue
        first, last = _service(number, np.int64(destination_port[i]), kind, code)

        groups = _YES
        if bound[row, HAS_GROUPS] == 1:
            groups = _groups_answer(
                rules,
                ranges,
                bound[row, own + _GROUP_BEGIN],
                bound[row, own + _GROUP_END],
                high,
                low,
                number,
                first,
                last,
            )
            if groups != _YES and initiated[i] != _HERE:
                is_icmp = number == _ICMP or number == _ICMPV6
                asked_kind = kind
                asked_code = code
                if is_icmp and kind >= 0:
                    asked_kind = np.int64(_request_type(number, kind))
                    asked_code = np.int64(0)
                if not is_icmp or kind < 0 or asked_kind >= 0:
                    asked_first, asked_last = _service(
                        number, np.int64(source_port[i]), asked_kind, asked_code
                    )
                    tracked = _groups_answer(
                        rules,
                        ranges,
                        bound[row, back + _GROUP_BEGIN],
                        bound[row, back + _GROUP_END],
                        high,
                        low,
                        number,
                        asked_first,
                        asked_last,
                    )
                    if tracked == _YES and initiated[i] == _THERE:
                        groups = _YES
                    elif tracked != _NO:
                        groups = _MAYBE
            if groups == _NO and _is_icmp_error(number, kind):
                groups = _MAYBE

        acl = _YES
        entry = 0
        if bound[row, HAS_ACL] == 1 and not in_ranges(
            high, low, ranges, bound[row, SUBNET_BEGIN], bound[row, SUBNET_END]
        ):
            acl, entry = _acl_answer(
                rules,
                ranges,
                bound[row, own + _ACL_BEGIN],
                bound[row, own + _ACL_END],
                high,
                low,
                number,
                first,
                last,
            )

        if groups == _YES and acl == _YES:
            verdict[i] = _ACCEPT
        elif groups == _NO or acl == _NO:
            verdict[i] = _REJECT
            # What leaves meets the groups first, what enters the ACL. If it is not known whether
            # the first refused, it is not known who did.
            if groups == _NO and (egress or acl == _YES):
                said_no[i] = _GROUP
                rule_number[i] = bound[row, own + _GROUP_NUMBER]
            elif acl == _NO and (not egress or groups == _YES):
                said_no[i] = _ACL
                rule_number[i] = entry
