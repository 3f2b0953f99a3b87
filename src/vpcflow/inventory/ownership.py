"""Who held an address from when to when.

The history is of all VPCs together: one address can have several holders at a time, one for each
VPC (or namespace) that uses it. A question that names a VPC is answered with the holder in that VPC
where there is one, else with the one that took the address last.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from vpcflow.inventory.address_ranges import Words, address_number, number_words
from vpcflow.inventory.network_interface import Address

#: Most spans that have ended and are still remembered; the one that ended first is forgotten first.
ENDED_SPANS_MAX = 131_072
#: A span that ended longer ago is forgotten: an interval of 600 s and late packets fit twice.
ENDED_SPANS_KEPT_S = 3_600.0
#: The group of a question without a VPC; no span has it.
_NO_GROUP = -1

_Times = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int32]


@dataclass(slots=True, eq=False)
class _Span:
    """One interface held one address; ``to_s`` is infinite while it still does."""

    address: Address
    interface_id: str
    vpc_id: str
    from_s: float
    to_s: float = math.inf


@dataclass(frozen=True)
class OwnershipTable:
    """The history at one moment, made for many questions at once.

    Shape: an index of ``owners`` is a place in ``interface_ids``.
    """

    interface_ids: tuple[str, ...]
    vpc_numbers: dict[str, int]
    addresses: Words
    firsts: npt.NDArray[np.int64]
    from_s: _Times
    to_s: _Times
    latest_to_s: _Times
    groups: _Indices
    holders: _Indices

    def owners(self, words: Words, at_s: _Times, vpc_id: str | None = None) -> _Indices:
        """Who held each address at its time, as places in ``interface_ids``; -1 for nobody.

        Shape: ``words`` (n, 2), 16 bytes as they lie in memory; ``at_s`` (n,).
        """
        from vpcflow.inventory.lookup_kernels import find_spans

        found = np.empty(len(words), np.int32)
        group = self.vpc_numbers.get(vpc_id, _NO_GROUP) if vpc_id is not None else _NO_GROUP
        find_spans(
            self.addresses,
            self.firsts,
            self.from_s,
            self.to_s,
            self.latest_to_s,
            self.groups,
            self.holders,
            words,
            at_s,
            group,
            found,
        )
        return found


def _begin(span: _Span) -> float:
    return span.from_s


class Ownership:
    """The history of addresses, bounded by ENDED_SPANS_MAX and ENDED_SPANS_KEPT_S.

    Units: seconds since the epoch; a span holds from its first second up to, not including, its end.
    Time that goes back (a clock that was set) ends a span where it began, never before.
    """

    def __init__(self) -> None:
        self._spans: dict[Address, list[_Span]] = {}
        self._open: dict[str, dict[Address, _Span]] = {}
        self._ended: deque[_Span] = deque()
        self._table: OwnershipTable | None = None
        self.forgotten = 0  # spans that ENDED_SPANS_MAX pushed out before their time

    def seen(
        self, interface_id: str, addresses: Iterable[Address], at_s: float, vpc_id: str = ""
    ) -> None:
        """From now on the interface holds these addresses and no others."""
        held = self._open.setdefault(interface_id, {})
        wanted = set(addresses)
        for address in [address for address in held if address not in wanted]:
            self._end(held.pop(address), at_s)
        for address in wanted:
            span = held.get(address)
            if span is not None and span.vpc_id == vpc_id:
                continue
            if span is not None:
                self._end(span, at_s)
            held[address] = span = _Span(address, interface_id, vpc_id, at_s)
            self._spans.setdefault(address, []).append(span)
            self._table = None
        if not held:
            del self._open[interface_id]

    def gone(self, interface_id: str, at_s: float) -> None:
        """The interface is no more, and holds nothing."""
        for span in self._open.pop(interface_id, {}).values():
            self._end(span, at_s)

    def owner(self, address: Address, at_s: float, vpc_id: str | None = None) -> str | None:
        """Who held the address at that time; ``vpc_id`` is where the question comes from."""
        holding = [span for span in self._spans.get(address, ()) if span.from_s <= at_s < span.to_s]
        # Of spans that began together the one that was seen last counts.
        holding.reverse()
        best = max(holding, key=lambda span: (span.vpc_id == vpc_id, span.from_s), default=None)
        return best.interface_id if best else None

    def table(self) -> OwnershipTable:
        """The history as arrays; made anew only after a change."""
        if self._table is None:
            self._table = self._make_table()
        return self._table

    def owners(self, words: Words, at_s: _Times, vpc_id: str | None = None) -> _Indices:
        """As ``OwnershipTable.owners``, for the history as it is now."""
        return self.table().owners(words, at_s, vpc_id)

    def __len__(self) -> int:
        """How many spans are remembered."""
        return len(self._ended) + sum(len(held) for held in self._open.values())

    def _end(self, span: _Span, at_s: float) -> None:
        span.to_s = max(at_s, span.from_s)
        self._table = None
        self._ended.append(span)
        while self._ended:
            full = len(self._ended) > ENDED_SPANS_MAX
            if not full and self._ended[0].to_s > at_s - ENDED_SPANS_KEPT_S:
                break
            self.forgotten += full
            oldest = self._ended.popleft()
            spans = self._spans[oldest.address]
            spans.remove(oldest)  # the oldest stands near the front
            if not spans:
                del self._spans[oldest.address]

    def _make_table(self) -> OwnershipTable:
        order = sorted(self._spans, key=address_number)
        spans: list[_Span] = []
        latest_to_s: list[float] = []
        for address in order:
            of_address = sorted(self._spans[address], key=_begin)
            spans += of_address
            latest_to_s += accumulate((span.to_s for span in of_address), max)
        counts = [len(self._spans[address]) for address in order]
        holders: dict[str, int] = {}
        vpcs: dict[str, int] = {}
        return OwnershipTable(
            holders=np.array(
                [holders.setdefault(span.interface_id, len(holders)) for span in spans], np.int32
            ),
            groups=np.array([vpcs.setdefault(span.vpc_id, len(vpcs)) for span in spans], np.int32),
            interface_ids=tuple(holders),
            vpc_numbers=vpcs,
            addresses=number_words([address_number(address) for address in order]),
            firsts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            from_s=np.array([span.from_s for span in spans], np.float64),
            to_s=np.array([span.to_s for span in spans], np.float64),
            latest_to_s=np.array(latest_to_s, np.float64),
        )
