"""The second witness: known rules judge whole flows where no firewall log does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vpcflow.capture.observation_point import SLOTS_MAX
from vpcflow.capture.parsed_columns import (
    DESTINATION_PORT_SHIFT,
    DIRECTION_SHIFT,
    PROTOCOL_SHIFT,
    RULE_SHIFT,
    SLOT_SHIFT,
    TCP_FLAGS_SHIFT,
    VERDICT_SHIFT,
)
from vpcflow.capture.window import ActionSource, ClosedWindow
from vpcflow.policy.connections import ConnectionMemory
from vpcflow.policy.evaluate import FlowColumns, evaluate
from vpcflow.policy.match_kernels import IS_JUDGED
from vpcflow.policy.resolve import CompiledRules

_NOT_TOLD = -1


class PolicyJudge:
    """Judges the flows of closed intervals whose action nobody told.

    Shape: call it with every interval in order: it remembers who began a connection. Flows of
    interfaces without rules, and those that the rules alone cannot decide, stay unknown.
    """

    def __init__(self, rules: CompiledRules) -> None:
        self._rules = rules
        self._memory = ConnectionMemory()

    def follow(self, rules: CompiledRules) -> None:
        """Judge by other rules from the next interval on; who began a connection stays known.

        Shape: for any thread.
        """
        self._rules = rules

    def __call__(self, window: ClosedWindow) -> ClosedWindow:
        """The same interval with verdicts, rules, and who told them."""
        rules = self._rules
        if not len(window.rows) or not _are_any_judged(rules, window):
            return window
        numbers = np.full(SLOTS_MAX + 1, _NOT_TOLD, np.int64)
        for point in window.points:
            interface_id = point.interface.interface_id
            numbers[point.slot] = rules.interface_numbers.get(interface_id, _NOT_TOLD)
        rows = window.rows
        word = rows[:, 4]
        slot = (word >> np.uint64(SLOT_SHIFT)).astype(np.int64)
        flows = _columns(rows, numbers[slot])
        flags = (rows[:, 5] >> np.uint64(TCP_FLAGS_SHIFT) & np.uint64(0xFF)).astype(np.uint8)
        flows = replace(
            flows,
            initiated=self._memory.find(
                flows,
                flags,
                (rows[:, 7] & np.uint64(0xFFFFFFFF)).astype(np.int64),
                (rows[:, 7] >> np.uint64(32)).astype(np.int64),
                window.origin_ns // 1_000_000_000,
                interface=slot,
            ),
        )
        judged = evaluate(rules, flows)
        mine = np.flatnonzero(
            (word >> np.uint64(VERDICT_SHIFT) & np.uint64(3) == 0) & (judged.verdict != 0)
        )
        if not len(mine):
            return window
        texts = (*window.rule_texts, *rules.rule_texts[1:])
        rows = rows.copy()
        rows[mine, 4] |= judged.verdict[mine].astype(np.uint64) << np.uint64(VERDICT_SHIFT)
        rule = judged.rule[mine].astype(np.uint64)
        rule[rule > 0] += np.uint64(len(window.rule_texts))
        rows[mine, 5] |= rule << np.uint64(RULE_SHIFT)
        sources = (
            np.zeros(len(rows), np.uint8)
            if window.action_source is None
            else window.action_source.copy()
        )
        sources[mine] = ActionSource.POLICY
        return replace(window, rows=rows, rule_texts=texts, action_source=sources)


def _are_any_judged(rules: CompiledRules, window: ClosedWindow) -> bool:
    """Whether the rules say anything of an interface of this interval."""
    numbers = rules.interface_numbers
    found = [
        numbers[point.interface.interface_id]
        for point in window.points
        if point.interface.interface_id in numbers
    ]
    return bool(rules.bound[found, IS_JUDGED].any())


def _columns(rows: npt.NDArray[np.uint64], interface: npt.NDArray[np.int64]) -> FlowColumns:
    word = rows[:, 4]
    count = len(rows)
    return FlowColumns(
        interface=interface,
        direction=(word >> np.uint64(DIRECTION_SHIFT) & np.uint64(1)).astype(np.uint8),
        addresses=np.ascontiguousarray(rows[:, 0:4].T.byteswap()),
        source_port=(word & np.uint64(0xFFFF)).astype(np.int32),
        destination_port=(word >> np.uint64(DESTINATION_PORT_SHIFT) & np.uint64(0xFFFF)).astype(
            np.int32
        ),
        protocol=(word >> np.uint64(PROTOCOL_SHIFT) & np.uint64(0xFF)).astype(np.int32),
        icmp_type=np.full(count, _NOT_TOLD, np.int32),
        icmp_code=np.full(count, _NOT_TOLD, np.int32),
        initiated=np.full(count, 2, np.uint8),
    )
