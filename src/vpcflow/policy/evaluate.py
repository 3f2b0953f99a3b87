"""What the rules say of flows: a verdict for each, and the rule that refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vpcflow.policy.match_kernels import judge_flows
from vpcflow.policy.resolve import CompiledRules

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class FlowColumns:
    """Flows, each as one interface sees it, one entry a flow in every column.

    Shape: ``interface`` is the number in ``CompiledRules.interface_ids``, below 0 for none of
    them; ``direction`` 0 ingress, 1 egress; ``addresses`` has four rows: high and low word of the
    source, high and low word of the destination, IPv4 mapped into IPv6, each word as a number (so
    ``words.byteswap()`` of what lies in memory); a port, ICMP type or code is -1 where it is not
    known; ``initiated`` as ``judgement.Initiated``.
    """

    interface: Array
    direction: Array
    addresses: Array
    source_port: Array
    destination_port: Array
    protocol: Array
    icmp_type: Array
    icmp_code: Array
    initiated: Array

    def __len__(self) -> int:
        return len(self.interface)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdicts of a batch, one entry a flow.

    Shape: ``verdict`` as ``judgement.Verdict``; ``rule`` is the number in
    ``CompiledRules.rule_texts`` of what refused, 0 for none or when it cannot be told;
    ``said_no`` as ``judgement.SaidNo``.
    """

    verdict: npt.NDArray[np.uint8]
    rule: npt.NDArray[np.uint16]
    said_no: npt.NDArray[np.uint8]


def evaluate(compiled: CompiledRules, flows: FlowColumns) -> Judgement:
    """Judge every flow at its interface and in its direction.

    What leaves is asked of the groups, then of the ACL; what enters of the ACL, then of the
    groups. A reply of a connection that the groups allowed passes them, never the ACL; within a
    subnet there is no ACL. Where the flow does not say what a rule asks for (an ICMP type, who
    began) and it matters, the verdict is unknown. What nothing filters (see ``not_filtered``) is
    accepted. What AWS does not track is tracked here: rules
    that allow everything make no difference to replies.
    """
    count = len(flows)
    judgement = Judgement(
        np.empty(count, np.uint8), np.empty(count, np.uint16), np.empty(count, np.uint8)
    )
    judge_flows(
        compiled.bound,
        compiled.rules,
        compiled.ranges,
        np.ascontiguousarray(flows.interface, np.int32),
        np.ascontiguousarray(flows.direction, np.uint8),
        np.ascontiguousarray(flows.addresses, np.uint64),
        np.ascontiguousarray(flows.source_port, np.int32),
        np.ascontiguousarray(flows.destination_port, np.int32),
        np.ascontiguousarray(flows.protocol, np.uint8),
        np.ascontiguousarray(flows.icmp_type, np.int16),
        np.ascontiguousarray(flows.icmp_code, np.int16),
        np.ascontiguousarray(flows.initiated, np.uint8),
        judgement.verdict,
        judgement.rule,
        judgement.said_no,
    )
    return judgement
