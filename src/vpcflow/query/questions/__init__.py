"""The built-in questions by name; each is imported when it is asked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from vpcflow.base.errors import ResourceError

if TYPE_CHECKING:
    from vpcflow.query.questions.question import Question

#: Every question, with the one line that help shows.
QUESTION_SUMMARIES: dict[str, str] = {
    "overview": "One page: totals, actions, time line, top talkers, pairs, rejected ports.",
    "talkers": "Addresses by what they sent and received.",
    "pairs": "Pairs of addresses by what went between them, each way.",
    "ports": "Services, by protocol and the lower port.",
    "rejects": "What was refused: by port, source, target or interface, with first and last seen.",
    "series": "Bytes, packets and records over time, split by a field if wanted.",
    "traffic": "Bytes, packets and records over time: internal, ingress, egress and rejected.",
    "breakdown": "Groups by one to three fields, at once or over time, with all the rest.",
    "flows": "The records themselves: of an address, a port, an interface.",
    "interfaces": "Network interfaces with their totals, first and last record and reject share.",
    "coverage": "Minutes seen of those expected, per interface, and the longest gap.",
    "figures": "One row: totals, reject share, hosts, peers, interfaces, round-trip time.",
    "graph_edges": "Who talks to whom: edges from interfaces to their peers, and the rest.",
    "conversation": "Both halves of one conversation around a moment, and their sums.",
    "round_trip": "Round-trip times: a heat map over time, or percentiles by what is asked.",
    "lag": "Delivery lag: how long after their end records came into the table.",
    "bursts": "When far more was rejected than usual, where, by whom and in what shape.",
    "countries": "Countries of the other ends, by the range file that was added.",
    "rejected_couples": "For each refused port the rule, and the two ends refused most often.",
    "rule_flows": "What was accepted at each interface, as rules see it: peer, service and leg.",
}


def question_named(name: str) -> Question:
    """The question of a name.

    Errors: ResourceError when there is none.
    """
    if name not in QUESTION_SUMMARIES:
        raise ResourceError(
            f"there is no question '{name}'", hint=f"there are {', '.join(QUESTION_SUMMARIES)}"
        )
    question: Question = import_module(f"vpcflow.query.questions.{name}").QUESTION
    return question
