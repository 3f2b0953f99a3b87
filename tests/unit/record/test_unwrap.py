"""The unwrapping kernels do what their slow references do, on any bytes, and lose no line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vpcflow.record import unwrap_reference
from vpcflow.record.csv_kernels import csv_to_text
from vpcflow.record.json_kernels import json_to_text
from vpcflow.record.log_format import LogFormat
from vpcflow.record.unwrap import column_flags
from vpcflow.record.unwrap_kernels import (
    ASK,
    FAULT_PLACES,
    FAULTS,
    IS_KNOWN,
    NOT_JSON,
    OUT_BYTES,
    POSITION,
    SPAN_START,
    STATE_PLACES,
    STATUS,
    UNITS,
)

FORMAT = LogFormat(("account-id", "srcaddr", "srcport", "action", "instance-tag", "x"))
FLAGS = column_flags(FORMAT)
ROOM = 1 << 20


class Run:
    """One step of a kernel over ``data``; ``lines`` are what it wrote, ``faults`` by unit."""

    def __init__(self, data: bytes) -> None:
        self.memory = np.frombuffer(bytearray(data or b"\n"), np.uint8)
        self.start = self.memory.ctypes.data
        self.end = self.start + len(data)
        self.out = np.zeros(ROOM, np.uint8)
        self.found = np.zeros((1_000, FAULT_PLACES), np.int64)
        self.state = np.zeros(STATE_PLACES, np.int64)
        self.state[POSITION] = self.start

    def csv(self) -> Run:
        room = self.out.ctypes.data
        no_header_at = -1
        while True:
            csv_to_text(
                self.end, FLAGS, 0, 0, no_header_at, room, room + ROOM, self.found, self.state
            )
            if self.state[STATUS] != ASK:
                return self
            # Names only: the same lines once more, none of them a header.
            no_header_at = int(self.state[SPAN_START])
            self.state[POSITION] = self.start
            if no_header_at != self.start:
                raise AssertionError("one line a test")

    def json(self, names: tuple[str, ...], flags: np.ndarray, *, message: bool) -> Run:
        keys = [name.encode() for name in names]
        table = np.frombuffer(bytearray(b"".join(keys)), np.uint8)
        starts = np.cumsum([0, *map(len, keys)]).astype(np.int64)
        columns = np.arange(len(keys), dtype=np.int64) if not message else np.zeros(2, np.int64)
        room = self.out.ctypes.data
        json_to_text(
            self.end,
            True,
            message,
            table.ctypes.data,
            starts,
            columns,
            flags,
            np.zeros((len(flags), 2), np.int64),
            np.zeros(3, np.int64),
            room,
            room + ROOM,
            self.found,
            self.state,
        )
        return self

    @property
    def lines(self) -> list[bytes]:
        return self.out[: int(self.state[OUT_BYTES])].tobytes().split(b"\n")[:-1]

    @property
    def faults(self) -> dict[int, int]:
        rows = self.found[: int(self.state[FAULTS])].tolist()
        return {row[0]: row[1] for row in rows}


csv_bytes = st.text(',"" \t\r09.-anNulxA\x7f\x01é', max_size=40).map(str.encode)
csv_rows = st.lists(
    st.sampled_from(
        ["", "-", "0", "12.0", "1.5", "None", "NaN", "a b", '"x"', '"a ""b"" "', " 7 "]
    ),
    min_size=1,
    max_size=8,
).map(lambda fields: ",".join(fields).encode())


@settings(max_examples=600, deadline=None)
@example(line=b'"0\r"')
@example(line=b'"0\r"0')
@given(line=csv_bytes | csv_rows)
def test_a_csv_line_is_what_the_reference_says(line: bytes) -> None:
    run = Run(line + b"\n").csv()
    expected = unwrap_reference.csv_line(line, FLAGS.tolist())
    assert run.state[UNITS] == 1
    if isinstance(expected, int):
        assert run.faults == {0: expected}
        assert run.lines == [b""]
    else:
        assert not run.faults
        assert run.lines == [expected or b""]


values = (
    st.none()
    | st.booleans()
    | st.integers(-5, 10**13)
    | st.floats(0, 1e6)
    | st.sampled_from(["", "-", "10.0.0.1", "None", "443.0", "a b", " x ", "ACCEPT", "NaN"])
    | st.text(max_size=12)
)
names = st.sampled_from([*FORMAT.names])
objects = st.dictionaries(names, values, max_size=6)


@settings(max_examples=500, deadline=None)
@given(record=objects, ascii_only=st.booleans(), tight=st.booleans())
def test_a_json_object_is_what_the_reference_says(
    record: dict[str, object], ascii_only: bool, tight: bool
) -> None:
    separators = (",", ":") if tight else (", ", " : ")
    text = json.dumps(record, ensure_ascii=ascii_only, separators=separators)
    check_json(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=500, deadline=None)
@given(record=objects, place=st.integers(0, 80), noise=st.text('{}[]",:\\u0n\x01 e9', max_size=3))
def test_a_damaged_json_object_never_becomes_another_record(
    record: dict[str, object], place: int, noise: str
) -> None:
    text = json.dumps(record)
    text = text[: place % (len(text) + 1)] + noise + text[place % (len(text) + 1) :]
    run = Run(text.encode() + b"\n").json(FORMAT.names, FLAGS, message=False)
    expected = unwrap_reference.json_object(text.encode(), FORMAT.names, FLAGS.tolist())
    if run.state[STATUS] != ASK and isinstance(expected, bytes):
        assert run.lines == [expected]
    # Good, bad and blank units are all there is.
    empty = sum(line == b"" for line in run.lines)
    assert len(run.lines) == run.state[UNITS]
    assert len(run.faults) <= empty


def check_json(text: bytes) -> None:
    run = Run(text + b"\n").json(FORMAT.names, FLAGS, message=False)
    expected = unwrap_reference.json_object(text, FORMAT.names, FLAGS.tolist())
    assert run.state[STATUS] != ASK
    if isinstance(expected, int):
        assert run.faults == {0: expected}
    else:
        assert not run.faults
        assert run.lines == [expected]


@pytest.mark.parametrize(
    "text",
    [
        b'{"srcport":NaN,"x":"a"}',
        b'{"srcport":6.0,"account-id":12345}',
        b'{"srcport":1,"srcport":2}',
        b'{"action":"a\\/b\\"c\\\\"}',
        b'{"action":"\\u00e9\\ud83d\\ude00"}',
        b'{"action":"\\ud83d"}',
        b'{"action":"\\udc00"}',
        b'{"action":"\\ud83d\\ue000"}',
        b'{"x":1}',
        b"{}",
        b'{"action":"abcdefgh ijklmnop"}',
        b'{"instance-tag":"abcdefgh ijklmnop\\t"}',
        b'{"action":{"a":1}}',
        b'{"action":',
        b'{"action":"a"',
        b'{"action" "a"}',
        b'{"action":"a",}',
    ],
)
def test_corners_of_json(text: bytes) -> None:
    check_json(text)


def test_a_nested_value_is_kept_as_text_in_a_loose_field_only() -> None:
    text = b'{"action":"A", "x": {"a": [1, "b c", "\\""]} }\n'
    run = Run(text).json(FORMAT.names, FLAGS, message=False)
    assert run.lines == [b'- - - A - {"a":[1,"b%20c","\\""]}']
    deep = b'{"action":"A","x":' + b"[" * 70 + b"]" * 70 + b"}\n"
    assert Run(deep).json(FORMAT.names, FLAGS, message=False).faults == {0: NOT_JSON}
    crossed = b'{"action":"A","x":[1}]}\n'
    assert Run(crossed).json(FORMAT.names, FLAGS, message=False).faults == {0: NOT_JSON}


MESSAGE_FLAGS = np.array([IS_KNOWN], np.int64)


@settings(max_examples=400, deadline=None)
@given(message=values | st.text(max_size=30), more=objects, ascii_only=st.booleans())
def test_a_message_is_what_the_reference_says(
    message: object, more: dict[str, object], ascii_only: bool
) -> None:
    text = json.dumps(more | {"message": message}, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    run = Run(data + b"\n").json(("message", "@message"), MESSAGE_FLAGS, message=True)
    expected = unwrap_reference.json_message(data)
    if isinstance(expected, int):
        assert run.faults == {0: expected}
    else:
        assert not run.faults
        assert run.lines == [expected]
