"""Which records of a batch go to which of many flow logs, in one pass over its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.deliver.plan import DeliveryPlan, S3Destination
from vpcflow.record.column_buffers import filled_numbers, number_column
from vpcflow.record.flow_log_selection import ScopeColumn, TrafficType
from vpcflow.record.log_format import LogFormat

Numbers = npt.NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


class Apart(Enum):
    """What the records of one flow log are put apart by."""

    INTERFACE = "interface_id"
    SLOT = "end"


@dataclass(frozen=True, slots=True)
class Cut:
    """The records of flow logs that print alike, put together flow log by flow log.

    Shape: piece ``i`` is rows ``begins[i]`` to ``begins[i + 1]`` of ``records``; it belongs to
    ``plans[i]`` (an index into ``of``) and to the interface or slot ``parts[i]``. The pieces of a
    flow log stand together.
    """

    log_format: LogFormat
    records: pa.RecordBatch
    of: Sequence[DeliveryPlan]
    plans: Numbers
    parts: Numbers
    begins: Numbers
    names: Sequence[str | None]


class PlanIndex:
    """Flow logs, ready to find their records: made once, asked for each batch.

    Shape: flow logs of one scope, traffic type and format are a class; a batch is sorted once for
    each class, so the cost is that of the records and interfaces, not of flow logs times batches.
    """

    def __init__(self, plans: Sequence[DeliveryPlan]) -> None:
        seen: dict[tuple[Any, ...], int] = {}
        grouped: dict[tuple[Any, ...], list[DeliveryPlan]] = {}
        for plan in plans:
            of = plan.selection
            to = plan.destination
            parquet = isinstance(to, S3Destination) and to.parquet
            kind = (of.scope, of.traffic_type, of.log_format, parquet)
            # Several flow logs on one resource stand in as many classes.
            ordinal = seen.get((kind, of.resource_id), 0)
            seen[kind, of.resource_id] = ordinal + 1
            grouped.setdefault((*kind, ordinal), []).append(plan)
        self._classes = [_PlanClass(group) for group in grouped.values()]

    def cut(self, records: pa.RecordBatch, apart: Apart, slot_s: int = 1) -> Iterator[Cut]:
        """The records of each flow log that has some.

        Units: ``slot_s`` is the length of a slot in seconds.
        """
        if records.num_rows == 0:
            return
        batch = _BatchColumns(records, apart, slot_s)
        for one in self._classes:
            made = one.cut(batch)
            if made is not None:
                yield made


class _BatchColumns:
    """The columns of a batch that decide, read once for all classes."""

    def __init__(self, records: pa.RecordBatch, apart: Apart, slot_s: int) -> None:
        self.records = records
        self._held = set(records.schema.names)
        self._texts: dict[str, tuple[npt.NDArray[Any], list[str | None]]] = {}
        self.start = self._number("start")
        self.names: list[str | None] = []
        if apart is Apart.SLOT:
            end = self._number("end")
            self.part = np.where(end < 0, self.start, end) // slot_s
        else:
            codes, names = self.texts("interface_id")
            # Two codes of one name are one interface.
            numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
            self.names = list(numbers)
            self.part = np.array([numbers[name] for name in names], np.int64)[codes]

    def texts(self, name: str) -> tuple[npt.NDArray[Any], list[str | None]]:
        """A text column as codes and their texts; the last text is None, for null."""
        if name not in self._texts:
            if name not in self._held:
                self._texts[name] = (np.zeros(self.records.num_rows, np.int64), [None])
            else:
                column = self.records.column(name)
                if not pa.types.is_dictionary(column.type):
                    column = column.dictionary_encode()
                texts = [*column.dictionary.to_pylist(), None]
                self._texts[name] = (filled_numbers(column.indices, len(texts) - 1), texts)
        return self._texts[name]

    def _number(self, name: str) -> Numbers:
        if name not in self._held:
            return np.full(self.records.num_rows, -1, np.int64)
        return filled_numbers(self.records.column(name), -1).astype(np.int64)


class _PlanClass:
    """Flow logs that differ in their resource and times alone, no two on one resource."""

    def __init__(self, plans: Sequence[DeliveryPlan]) -> None:
        first = plans[0].selection
        self._plans = plans
        self._scope: ScopeColumn = first.scope
        self._traffic: TrafficType = first.traffic_type
        self._format = first.log_format
        self._number = {plan.selection.resource_id: i for i, plan in enumerate(plans)}
        until = [plan.selection.until_s for plan in plans]
        self._from_s = np.array([plan.selection.from_s for plan in plans], np.int64)
        self._until_s = np.array([_NEVER if one is None else one for one in until], np.int64)

    def cut(self, batch: _BatchColumns) -> Cut | None:
        codes, texts = batch.texts(self._scope.value)
        numbers = [-1 if text is None else self._number.get(text, -1) for text in texts]
        plan = np.array(numbers, np.int64)[codes]
        if plan.max() < 0:
            return None
        # A record without a start belongs to nobody, as in FlowLogSelection.
        mask = (plan >= 0) & (batch.start >= np.maximum(self._from_s, 0)[plan])
        mask &= batch.start < self._until_s[plan]
        if self._traffic is not TrafficType.ALL:
            actions, words = batch.texts("action")
            wanted = [word is None or word == self._traffic.value for word in words]
            mask &= np.array(wanted)[actions]
        rows = np.flatnonzero(mask)
        if not len(rows):
            return None
        parts = batch.part[rows]
        low, high = int(parts.min()), int(parts.max())
        key = plan[rows] * (high - low + 1) + (parts - low)
        order = np.argsort(key, kind="stable")
        ordered = key[order]
        begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        at = order[begins]
        taken = batch.records
        if len(rows) < taken.num_rows or (np.diff(order) < 0).any():
            taken = taken.take(number_column(rows[order]))
        return Cut(
            self._format,
            taken,
            self._plans,
            plan[rows][at],
            parts[at],
            np.concatenate([begins, [len(rows)]]),
            batch.names,
        )
