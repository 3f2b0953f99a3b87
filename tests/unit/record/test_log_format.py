"""Aim: log format strings are read, printed, versioned and refused as AWS does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import FormatError
from vpcflow.record.fields import FIELDS_BY_NAME, VPC_FIELDS
from vpcflow.record.log_format import (
    FORMAT_FIELDS_MAX,
    LogFormat,
    default_format,
    transit_gateway_format,
)

NAMES = [spec.name for spec in FIELDS_BY_NAME.values()]


@given(st.lists(st.sampled_from([*NAMES, "new-in-2031", "x"]), min_size=1, unique=True))
def test_parse_is_the_inverse_of_print(names: list[str]) -> None:
    log_format = LogFormat(tuple(names))
    assert LogFormat.parse(str(log_format)) == log_format
    assert LogFormat.from_header(log_format.header) == log_format


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("${version} ${srcaddr}", 2),
        ("${version} ${region}", 4),
        ("${srcaddr} ${ecs-task-id}", 7),
        ("${resource-id}", 9),
        ("${asg-tag}", 11),
        ("${new-in-2031}", 2),
    ],
)
def test_version_is_the_highest_that_introduced_a_field(text: str, version: int) -> None:
    assert LogFormat.parse(text).version == version


def test_versions_of_the_defaults() -> None:
    assert default_format().version == 2
    assert transit_gateway_format().version == 6
    assert LogFormat(tuple(spec.name for spec in VPC_FIELDS)).version == 11


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", 0),
        ("version", 0),
        ("${version} ", 11),
        (" ${version}", 0),
        ("${version}  ${srcaddr}", 11),
        ("${version}${srcaddr}", 10),
        ("${version} ${srcaddr", 11),
        ("${version} $srcaddr", 11),
        ("${version} ${}", 11),
        ("${version} ${Src}", 11),
        ("${version} ${srcaddr} ${version}", 22),
        ("${a-b} ${a--b}", 7),
    ],
)
def test_bad_format_is_refused_at_its_character(text: str, position: int) -> None:
    with pytest.raises(FormatError) as caught:
        LogFormat.parse(text)
    assert caught.value.position == position


def test_too_many_fields() -> None:
    names = tuple(f"field-{number}" for number in range(FORMAT_FIELDS_MAX + 1))
    with pytest.raises(FormatError, match="at most"):
        LogFormat(names)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        log_format = LogFormat.parse(text)
    except FormatError as error:
        assert 0 <= error.position <= len(text)
    else:
        assert str(log_format) == text


def test_unknown_fields_are_text_and_listed() -> None:
    log_format = LogFormat.parse("${srcaddr} ${shiny-new}")
    assert log_format.unknown == ("shiny-new",)
    assert log_format.columns == ("srcaddr", "shiny_new")
