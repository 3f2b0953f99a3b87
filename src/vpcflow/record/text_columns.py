"""The memory that the text kernel fills: a block of columns, and the dictionaries of text."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vpcflow.record import text_plan as plan_of
from vpcflow.record.field_spec import ADDRESS_TYPE, TEXT_TYPE, FieldKind
from vpcflow.record.log_format import LogFormat

#: A dictionary with more values, or bytes, is given up for a new one at the next batch.
DICTIONARY_VALUES_MAX = 65_536
DICTIONARY_BYTES_MAX = 16 * 2**20

_VALUES_FIRST = 256
_BYTES_FIRST = 8_192
_PADDING_BYTES = 16
_ALIGNED = 64
_WIDTHS = {FieldKind.INT32: 4, FieldKind.INT64: 8, FieldKind.ADDRESS: 16, FieldKind.TEXT: 4}
_KINDS = {
    FieldKind.INT32: plan_of.KIND_INT32,
    FieldKind.INT64: plan_of.KIND_INT64,
    FieldKind.ADDRESS: plan_of.KIND_ADDRESS,
    FieldKind.TEXT: plan_of.KIND_TEXT,
}


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


def make_plan(log_format: LogFormat) -> npt.NDArray[np.int64]:
    """The kernel's plan for a format, without the addresses of the columns."""
    plan = np.zeros((len(log_format.names), plan_of.PLAN_LENGTH), dtype=np.int64)
    texts = 0
    for row, kind, spec in zip(plan, log_format.kinds, log_format.specs, strict=True):
        row[plan_of.KIND] = _KINDS[kind]
        if kind is FieldKind.TEXT:
            row[plan_of.TEXT] = texts
            texts += 1
        elif kind is not FieldKind.ADDRESS:
            largest = 2**31 - 1 if kind is FieldKind.INT32 else 2**63 - 1
            limit = spec.value_max if spec else None
            row[plan_of.VALUE_MAX] = largest if limit is None else limit
    return plan


class TextDictionary:
    """The distinct values of one text field, in the order they came.

    What is written stays as it is: an Arrow array made of it may be kept while values are added.
    """

    def __init__(self, row: npt.NDArray[np.int64]) -> None:
        self._row = row
        self.reset()

    def reset(self) -> None:
        """Start again with no values."""
        self._offsets = np.zeros(_VALUES_FIRST + 1, dtype=np.int32)
        self._bytes = np.zeros(_BYTES_FIRST + _PADDING_BYTES, dtype=np.uint8)
        self._slots = np.zeros(2 * _VALUES_FIRST, dtype=np.uint64)
        self._array: pa.StringArray | None = None
        self._row[plan_of.COUNT] = 0
        self._row[plan_of.BYTES_USED] = 0
        self._row[plan_of.LAST] = -1
        self._tell()

    def _tell(self) -> None:
        row = self._row
        row[plan_of.VALUES_MAX] = len(self._offsets) - 1
        row[plan_of.BYTES_MAX] = len(self._bytes) - _PADDING_BYTES
        row[plan_of.OFFSETS_AT] = self._offsets.ctypes.data
        row[plan_of.BYTES_AT] = self._bytes.ctypes.data
        row[plan_of.SLOTS_AT] = self._slots.ctypes.data
        row[plan_of.SLOTS] = len(self._slots)

    @property
    def is_large(self) -> bool:
        """Whether the bounds of one dictionary are reached."""
        return bool(
            self._row[plan_of.COUNT] >= DICTIONARY_VALUES_MAX
            or self._row[plan_of.BYTES_USED] >= DICTIONARY_BYTES_MAX
        )

    def make_room(self) -> None:
        """Double the room for values, if that is full, else the room for their bytes."""
        from vpcflow.record.value_kernels import rehash

        count, used = int(self._row[plan_of.COUNT]), int(self._row[plan_of.BYTES_USED])
        if count + 1 == len(self._offsets):
            self._offsets = np.concatenate([self._offsets, np.zeros(count, dtype=np.int32)])
            slots = np.zeros(2 * len(self._slots), dtype=np.uint64)
            rehash(self._slots, slots)
            self._slots = slots
        else:
            values = np.zeros(2 * len(self._bytes), dtype=np.uint8)
            values[:used] = self._bytes[:used]
            self._bytes = values
        self._tell()

    def array(self) -> pa.StringArray:
        """The values as an Arrow array, made anew only when there are more of them."""
        count = int(self._row[plan_of.COUNT])
        if self._array is None or len(self._array) != count:
            self._array = pa.StringArray.from_buffers(
                count, pa.py_buffer(self._offsets), pa.py_buffer(self._bytes), null_count=0
            )
        return self._array


class ColumnBlock:
    """Columns of one log format with room for ``rows_max`` rows, in one piece of memory."""

    def __init__(self, log_format: LogFormat, plan: npt.NDArray[np.int64], rows_max: int) -> None:
        self._kinds = log_format.kinds
        self.rows_max = rows_max
        self._bitmap_bytes = _aligned(-(-rows_max // 8))
        sizes = [_aligned(rows_max * _WIDTHS[kind]) for kind in self._kinds]
        bitmaps = len(sizes) * self._bitmap_bytes
        starts = bitmaps + np.concatenate([[0], np.cumsum(sizes)])
        self._buffer: Any = pa.allocate_buffer(int(starts[-1]))
        self._starts = [int(start) for start in starts[:-1]]
        self._sizes = sizes
        ctypes.memset(self._buffer.address, 0xFF, bitmaps)
        plan[:, plan_of.VALUES_AT] = self._buffer.address + starts[:-1]
        plan[:, plan_of.VALID_AT] = (
            self._buffer.address + np.arange(len(sizes)) * self._bitmap_bytes
        )

    def arrays(self, rows: int, dictionaries: list[TextDictionary]) -> list[pa.Array]:
        """The first ``rows`` rows as Arrow arrays, without a copy."""
        used = -(-rows // 8)
        bitmaps = np.frombuffer(
            self._buffer, dtype=np.uint8, count=self._bitmap_bytes * len(self._sizes)
        )
        full = (bitmaps.reshape(len(self._sizes), -1)[:, :used] == 0xFF).all(axis=1)
        arrays: list[pa.Array] = []
        text = 0
        for index, kind in enumerate(self._kinds):
            values = self._buffer.slice(self._starts[index], self._sizes[index])
            valid = None
            if not full[index]:
                valid = self._buffer.slice(index * self._bitmap_bytes, self._bitmap_bytes)
            nulls = 0 if valid is None else -1
            if kind is FieldKind.TEXT:
                indices = pa.Array.from_buffers(pa.int32(), rows, [valid, values], nulls)
                arrays.append(
                    pa.DictionaryArray.from_arrays(indices, dictionaries[text].array(), safe=False)
                )
                text += 1
            else:
                kind_type = ADDRESS_TYPE if kind is FieldKind.ADDRESS else kind.arrow_type
                arrays.append(pa.Array.from_buffers(kind_type, rows, [valid, values], nulls))
        return arrays


def make_schema(log_format: LogFormat) -> pa.Schema:
    """The columns of a flow batch in this format."""
    return pa.schema(
        [
            pa.field(column, TEXT_TYPE if kind is FieldKind.TEXT else kind.arrow_type)
            for column, kind in zip(log_format.columns, log_format.kinds, strict=True)
        ]
    )
