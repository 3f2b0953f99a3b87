"""Aim: columns made of NumPy's memory are what Arrow itself would make, nulls and slices too."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from vpcflow.record.column_buffers import (
    code_column,
    filled_numbers,
    number_column,
    text_column,
    valid_rows,
)

VALUES = [5, None, -7, None, 0, 1, None, 8, 9, None, 11]


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_numbers_are_as_arrow_makes_them(kind: type[np.generic]) -> None:
    values = np.array([0 if value is None else value for value in VALUES], kind)
    valid = np.array([value is not None for value in VALUES])
    made = number_column(values, valid)
    made.validate(full=True)
    assert made.equals(pa.array(VALUES, pa.from_numpy_dtype(np.dtype(kind))))


def test_every_second_value_of_a_matrix_makes_a_column() -> None:
    matrix = np.arange(10, dtype=np.int64).reshape(5, 2)
    assert number_column(matrix[:, 1]).to_pylist() == [1, 3, 5, 7, 9]


def test_codes_below_zero_are_null() -> None:
    made = code_column(np.array([1, -1, 0], np.int32), ["é", ""])
    made.validate(full=True)
    assert made.to_pylist() == ["", None, "é"]
    assert code_column(np.array([-1], np.int32), []).to_pylist() == [None]


@pytest.mark.parametrize("begin", [0, 1, 3, 8, 11])
def test_a_slice_is_read_from_its_begin(begin: int) -> None:
    column = pa.array(VALUES, pa.int32()).slice(begin)
    expected = [-1 if value is None else value for value in VALUES[begin:]]
    assert filled_numbers(column, -1).tolist() == expected
    assert valid_rows(column).tolist() == [value is not None for value in VALUES[begin:]]


def test_columns_without_rows() -> None:
    assert filled_numbers(pa.nulls(0, pa.int64()), 3).tolist() == []
    assert filled_numbers(pa.nulls(2, pa.int64()), 3).tolist() == [3, 3]
    assert text_column([]).to_pylist() == []


def test_no_pandas_is_loaded() -> None:
    program = (
        "import sys, numpy as np\n"
        "from vpcflow.record.column_buffers import code_column, filled_numbers\n"
        "column = code_column(np.array([0, -1], np.int32), ['a'])\n"
        "filled_numbers(column.indices, -1)\n"
        "sys.exit('pandas' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
