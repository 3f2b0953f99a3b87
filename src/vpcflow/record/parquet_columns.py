"""A Parquet column of whatever type as a column of a flow batch, each row judged by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vpcflow.record.column_buffers import text_column
from vpcflow.record.column_names import is_account, is_tag
from vpcflow.record.field_spec import ADDRESS_TYPE, TEXT_TYPE, FieldKind, FieldSpec
from vpcflow.record.reasons import LINE_BYTES_MAX, BadLineReason
from vpcflow.record.values import text_to_addresses

Mask = npt.NDArray[np.bool_]

_NULL_TEXTS = text_column(["", "-"])
_NULL_WORDS = text_column(["", "-", "none", "null", "nan"])
_WHOLE = r"^[0-9]{1,19}(\.0*)?$"
_FRACTION = r"\.0*$"
_ODD = r"[\s\x00-\x1f\x7f]"
_CONTROL = r"[\x00-\x08\x0a-\x1f\x7f]"
_INT_MAX = {FieldKind.INT32: 2**31 - 1, FieldKind.INT64: 2**63 - 1}
_ACCOUNT_DIGITS = 12
#: A dictionary this many times longer than its batch is made anew, so that batches stay small.
_DICTIONARY_SURPLUS_MAX = 4


@dataclass(frozen=True)
class Cast:
    """A column in its registry type; ``faults`` holds a BadLineReason a row, 0 for a good one."""

    array: pa.Array
    faults: npt.NDArray[np.int16] | None = None


class ColumnCaster:
    """Casts the chunks of one column; remembers the last dictionary, which chunks share."""

    def __init__(self, name: str, spec: FieldSpec | None) -> None:
        self._name = name
        self._spec = spec
        self._kind = spec.kind if spec else FieldKind.TEXT
        self._seen: pa.Array | None = None
        self._seen_cast: Cast | None = None

    def cast(self, array: pa.Array) -> Cast:
        """The chunk in the registry's type, null where it is null or cannot be cast."""
        kind = array.type
        if pa.types.is_null(kind):
            return Cast(pa.nulls(len(array), self._kind.arrow_type))
        if pa.types.is_dictionary(kind) and not _is_textual(kind.value_type):
            array = array.dictionary_decode()
            kind = array.type
        if pa.types.is_dictionary(kind):
            return self._cast_dictionary(array)
        if kind == ADDRESS_TYPE and self._kind is FieldKind.ADDRESS:
            return Cast(array)
        if _is_textual(kind) or pa.types.is_fixed_size_binary(kind):
            return self._cast_dictionary(_as_binary(array).dictionary_encode())
        if self._kind in _INT_MAX:
            return self._cast_to_int(array)
        if self._kind is FieldKind.TEXT:
            return self._cast_to_text(array)
        return Cast(pa.nulls(len(array), self._kind.arrow_type), _faults_where(array.is_valid()))

    # -- text of all sorts: only the different values are looked at

    def _cast_dictionary(self, array: pa.DictionaryArray) -> Cast:
        if len(array.dictionary) > _DICTIONARY_SURPLUS_MAX * max(len(array), 1024):
            array = array.dictionary_decode().dictionary_encode()
        values = array.dictionary
        if self._seen is None or self._seen_cast is None or not _same_memory(self._seen, values):
            self._seen, self._seen_cast = values, self._cast_values(values)
        cast = self._seen_cast
        indices = array.indices.cast(pa.int32())
        if self._kind is FieldKind.TEXT:
            taken = self._text_rows(cast.array, indices)
        else:
            taken = cast.array.take(indices)
        if cast.faults is None:
            return Cast(taken)
        places = indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return Cast(taken, _or_none(np.append(cast.faults, np.int16(0))[places]))

    def _text_rows(self, values: pa.Array, indices: pa.Array) -> pa.DictionaryArray:
        if values.null_count:
            # A null among the values is a null row.
            return values.take(indices).dictionary_encode()
        return pa.DictionaryArray.from_arrays(indices, values)

    def _cast_values(self, raw: pa.Array) -> Cast:
        values, faults = _as_strings(raw)
        if self._kind is FieldKind.TEXT:
            return self._texts(values, faults)
        values = pc.utf8_trim_whitespace(values)
        is_null = pc.is_in(pc.utf8_lower(values), value_set=_NULL_WORDS)
        values = pc.if_else(is_null, pa.scalar(None, values.type), values)
        if self._kind is FieldKind.ADDRESS:
            addresses, refused = text_to_addresses(values)
            return _merged(addresses, faults, _faults_where(refused, BadLineReason.NOT_AN_ADDRESS))
        whole = pc.match_substring_regex(values, _WHOLE)
        no_number = _faults_where(pc.invert(whole), BadLineReason.NOT_A_NUMBER)
        values = pc.if_else(whole, values, pa.scalar(None, values.type))
        numbers = pc.replace_substring_regex(values, _FRACTION, "").cast(pa.uint64())
        cast = self._in_range(numbers)
        return _merged(cast.array, faults, no_number, cast.faults)

    def _texts(self, values: pa.Array, faults: npt.NDArray[np.int16] | None) -> Cast:
        values = pc.utf8_trim(values, " ")
        nulls = pc.is_in(values, value_set=_NULL_TEXTS)
        if self._spec is not None and not is_tag(self._name):
            nulls = pc.or_(nulls, pc.equal(values, "None"))
        values = pc.if_else(nulls, pa.scalar(None, values.type), values)
        too_long = _faults_where(
            pc.greater(pc.binary_length(values), LINE_BYTES_MAX), BadLineReason.TOO_LONG
        )
        control = _faults_where(
            pc.match_substring_regex(values, _CONTROL), BadLineReason.CONTROL_BYTE
        )
        blank = None
        if pc.any(pc.match_substring_regex(values, _ODD)).as_py():
            if self._spec is None or is_tag(self._name):
                values = pc.replace_substring(values, " ", "%20")
                values = pc.replace_substring(values, "\t", "%09")
            else:
                odd = pc.match_substring_regex(values, _ODD)
                blank = _faults_where(odd, BadLineReason.SPACE_IN_VALUE)
        return _merged(values, faults, too_long, control, blank)

    # -- numbers, times and the rest

    def _cast_to_int(self, array: pa.Array) -> Cast:
        kind = array.type
        if pa.types.is_integer(kind):
            return self._in_range(array)
        if pa.types.is_floating(kind):
            numbers = array.cast(pa.float64())
            numbers = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
            whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
            faults = _faults_where(pc.invert(whole), BadLineReason.NOT_A_NUMBER)
            numbers = pc.if_else(whole, numbers, pa.scalar(None, pa.float64()))
            cast = self._in_range(numbers.cast(pa.int64()))
            return _merged(cast.array, faults, cast.faults)
        if pa.types.is_timestamp(kind) and self._name in ("start", "end"):
            seconds = pc.floor_temporal(array, unit="second") if kind.unit != "s" else array
            return self._in_range(seconds.cast(pa.timestamp("s", kind.tz)).cast(pa.int64()))
        if pa.types.is_decimal(kind):
            return self._cast_dictionary(array.cast(pa.string()).dictionary_encode())
        nulls = pa.nulls(len(array), self._kind.arrow_type)
        return Cast(nulls, _faults_where(array.is_valid()))

    def _in_range(self, numbers: pa.Array) -> Cast:
        spec = self._spec
        high = _INT_MAX[self._kind]
        if spec is not None and spec.value_max is not None:
            high = min(high, spec.value_max)
        bounds = pc.min_max(numbers)
        lowest, highest = bounds["min"].as_py(), bounds["max"].as_py()
        if lowest is None or (lowest >= 0 and highest <= high):
            return Cast(numbers.cast(self._kind.arrow_type))
        # Compared in a type that holds both: an unsigned 64-bit number, or a signed one.
        wide = pa.uint64() if pa.types.is_unsigned_integer(numbers.type) else pa.int64()
        numbers = numbers.cast(wide)
        good = pc.and_(
            pc.greater_equal(numbers, pa.scalar(0, wide)),
            pc.less_equal(numbers, pa.scalar(high, wide)),
        )
        faults = _faults_where(pc.invert(good), BadLineReason.OUT_OF_RANGE)
        numbers = pc.if_else(good, numbers, pa.scalar(None, wide))
        return Cast(numbers.cast(self._kind.arrow_type), faults)

    def _cast_to_text(self, array: pa.Array) -> Cast:
        kind = array.type
        faults = None
        if pa.types.is_floating(kind):
            numbers = array.cast(pa.float64())
            numbers = pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
            whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**53))
            if pc.all(whole).as_py() is not False:
                array = numbers.cast(pa.int64())
            elif self._spec is not None:
                faults = _faults_where(pc.invert(whole), BadLineReason.WRONG_TYPE)
                numbers = pc.if_else(whole, numbers, pa.scalar(None, pa.float64()))
                array = numbers.cast(pa.int64())
        if pa.types.is_integer(array.type):
            texts = array.cast(pa.string())
            if is_account(self._name):
                texts = pc.utf8_lpad(texts, _ACCOUNT_DIGITS, "0")
        elif pa.types.is_nested(kind):
            if self._spec is not None:
                nulls = pa.nulls(len(array), TEXT_TYPE)
                return Cast(nulls, _faults_where(array.is_valid()))
            texts = _nested_as_text(array)
        else:
            texts = array.cast(pa.string())
        cast = self._cast_dictionary(texts.dictionary_encode())
        return _merged(cast.array, faults, cast.faults)


def _is_textual(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary_view(kind)
    )


def _as_binary(array: pa.Array) -> pa.Array:
    return array.cast(pa.binary()) if pa.types.is_fixed_size_binary(array.type) else array


def _same_memory(one: pa.Array, other: pa.Array) -> bool:
    """Whether two arrays are the same piece of memory; ``one`` is held, so it is still that piece."""
    if one is other:
        return True
    if len(one) != len(other) or one.offset != other.offset or one.type != other.type:
        return False
    places = [[b.address if b else 0 for b in array.buffers()] for array in (one, other)]
    return places[0] == places[1]


def _as_strings(values: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int16] | None]:
    """The values as UTF-8; others are null, with their faults."""
    raw = values.cast(pa.binary())
    try:
        strings = raw.cast(pa.string())
        strings.validate(full=True)
    except pa.ArrowInvalid:
        texts: list[str | None] = []
        faults = np.zeros(len(raw), np.int16)
        for index, value in enumerate(raw.to_pylist()):
            try:
                texts.append(None if value is None else value.decode())
            except UnicodeDecodeError:
                texts.append(None)
                faults[index] = BadLineReason.NOT_UTF8
        return pa.array(texts, pa.string()), faults
    return strings, None


def _nested_as_text(array: pa.Array) -> pa.Array:
    texts = [
        None if value is None else json.dumps(value, separators=(",", ":"), default=str)
        for value in array.to_pylist()
    ]
    return pa.array(texts, pa.string())


def _faults_where(
    wrong: pa.Array | Mask, reason: BadLineReason = BadLineReason.WRONG_TYPE
) -> npt.NDArray[np.int16] | None:
    """The reason where ``wrong`` is true; a null is not wrong."""
    if isinstance(wrong, pa.Array):
        wrong = wrong.fill_null(False).to_numpy(zero_copy_only=False)
    return _or_none(np.where(wrong, np.int16(reason), np.int16(0)))


def _or_none(faults: npt.NDArray[np.int16]) -> npt.NDArray[np.int16] | None:
    return faults.astype(np.int16) if faults.any() else None


def _merged(array: pa.Array, *all_faults: npt.NDArray[np.int16] | None) -> Cast:
    """One array with the first fault of each row."""
    merged: npt.NDArray[np.int16] | None = None
    for faults in all_faults:
        if faults is not None:
            merged = faults if merged is None else np.where(merged != 0, merged, faults)
    return Cast(array, merged)
