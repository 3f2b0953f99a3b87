"""Where each integer stands in the plan that the encode kernel works from, a row for a column."""

from __future__ import annotations

KIND = 0
VALUES_AT = 1
VALID_AT = 2  # address of the validity bitmap, 0 when nothing is null
VALID_OFFSET = 3  # bits
OFFSETS_AT = 4  # of the dictionary
TEXT_AT = 5
BEFORE_AT = 6
BEFORE_BYTES = 7
AFTER_AT = 8
AFTER_BYTES = 9
NULL_AT = 10
NULL_BYTES = 11
PLAN_LENGTH = 12

KIND_INT32 = 0
KIND_INT64 = 1
KIND_ADDRESS = 2
KIND_TEXT = 3
KIND_NULL = 4  # null in every row
