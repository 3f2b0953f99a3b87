"""Which records of a batch belong to which of many sources, in one pass for all that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.record.flow_log_selection import LogGroupSource, ScopeColumn, TrafficType
from vpcflow.record.log_format import LogFormat
from vpcflow.store.arrow_views import codes_of, numbers_of

Longs = npt.NDArray[np.int64]
_NEVER = np.iinfo(np.int64).max


class SourceClass:
    """Sources of one scope, traffic type and format, no two on one resource.

    Shape: thousands of them cost one pass over the columns.
    """

    def __init__(self, sources: Sequence[LogGroupSource]) -> None:
        first = sources[0].selection
        self.scope: ScopeColumn = first.scope
        self.log_format: LogFormat = first.log_format
        self.stream_suffix = first.stream_suffix
        self._traffic: TrafficType = first.traffic_type
        self._number = {one.selection.resource_id: i for i, one in enumerate(sources)}
        until = [one.selection.until_s for one in sources]
        self._from_s = np.array([one.selection.from_s for one in sources], np.int64)
        self._until_s = np.array([_NEVER if one is None else one for one in until], np.int64)

    def rows(self, batch: pa.RecordBatch) -> Longs:
        """The places of the records that belong to a source; each has a start."""
        if self.scope.value not in batch.schema.names:
            return np.zeros(0, np.int64)
        source = self._sources_of(batch.column(self.scope.value))
        starts = numbers_of(batch.column("start"))
        mask = (source >= 0) & (starts >= self._from_s[source]) & (starts < self._until_s[source])
        if self._traffic is not TrafficType.ALL and "action" in batch.schema.names:
            codes, texts = texts_of(batch.column("action"))
            wanted = [text is None or text == self._traffic.value for text in texts]
            mask &= np.array(wanted, np.bool_)[codes]
        return np.flatnonzero(mask)

    def _sources_of(self, column: pa.DictionaryArray) -> Longs:
        codes, texts = texts_of(column)
        numbers = [-1 if text is None else self._number.get(text, -1) for text in texts]
        return np.array(numbers, np.int64)[codes]


def classes_of(sources: Sequence[LogGroupSource]) -> list[SourceClass]:
    """The classes of sources; several on one resource stand in as many classes."""
    seen: dict[tuple[Any, ...], int] = {}
    grouped: dict[tuple[Any, ...], list[LogGroupSource]] = {}
    for one in sources:
        of = one.selection
        kind = (of.scope, of.traffic_type, of.log_format)
        ordinal = seen.get((kind, of.resource_id), 0)
        seen[kind, of.resource_id] = ordinal + 1
        grouped.setdefault((*kind, ordinal), []).append(one)
    return [SourceClass(group) for group in grouped.values()]


def texts_of(column: pa.DictionaryArray) -> tuple[npt.NDArray[np.int32], list[str | None]]:
    """A column of codes: for each row the place of its text; the last text is None, for null."""
    texts: list[str | None] = [*column.dictionary.to_pylist(), None]
    codes = codes_of(column)
    return np.where(codes < 0, np.int32(len(texts) - 1), codes), texts
