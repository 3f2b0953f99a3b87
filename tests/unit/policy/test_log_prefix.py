"""Aim: a log prefix is read back as it was written, and foreign text is never taken for ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpcflow.base.errors import SettingsError
from vpcflow.policy.log_prefix import LOG_PREFIX_BYTES_MAX, LoggedVerdict, LogPrefix
from vpcflow.policy.security_group import Direction

ENI = "eni-0123456789abcdef0"
NAMES = st.from_regex(r"[a-z][a-z0-9._-]{0,30}", fullmatch=True)
RULES = st.from_regex(r"([a-z0-9:/*]([a-z0-9 :/*.-]{0,60}[a-z0-9:/*])?)?", fullmatch=True)


def test_the_form_is_the_documented_one() -> None:
    prefix = LogPrefix(LoggedVerdict.REJECT, ENI, Direction.INGRESS, "sgr-0123456789abcdef0")
    assert prefix.format() == "vpcflow:R:eni-0123456789abcdef0:i:sgr-0123456789abcdef0"
    accepted = LogPrefix(LoggedVerdict.ACCEPT, ENI, Direction.EGRESS, "acl-0fedcba9876543210/*")
    assert accepted.format() == "vpcflow:A:eni-0123456789abcdef0:e:acl-0fedcba9876543210/*"


@given(st.sampled_from(LoggedVerdict), NAMES, st.sampled_from(Direction), RULES)
def test_read_back_is_equal(
    verdict: LoggedVerdict, interface_id: str, direction: Direction, rule: str
) -> None:
    prefix = LogPrefix(verdict, interface_id, direction, rule)
    text = prefix.format()
    assert len(text.encode()) <= LOG_PREFIX_BYTES_MAX
    assert LogPrefix.parse(text) == prefix


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-in",
        "vpcflow",
        "vpcflow:R",
        f"vpcflow:X:{ENI}:i:rule",
        f"vpcflow:R:{ENI}:f:rule",
        f"vpcflow:R:{ENI}:i",
        "vpcflow:R::i:rule",
        f"vpcflow:R:{ENI}:i:" + "r" * 200,
        f"vpcflow:R:{ENI}:i:ru\nle",
        f" vpcflow:R:{ENI}:i:rule",
    ],
)
def test_foreign_or_cut_text_is_not_ours(text: str) -> None:
    assert LogPrefix.parse(text) is None


@pytest.mark.parametrize("rule", ['a"b', "a\\b", "a$b", "a\nb", " a", "a ", "ä", "r" * 100])
def test_what_would_not_survive_nft_is_refused(rule: str) -> None:
    with pytest.raises(SettingsError):
        LogPrefix(LoggedVerdict.REJECT, ENI, Direction.INGRESS, rule)


@pytest.mark.parametrize("interface_id", ["", "eni:1", "eni 1", "-eni", "e" * 65])
def test_an_interface_id_that_would_break_the_form_is_refused(interface_id: str) -> None:
    with pytest.raises(SettingsError):
        LogPrefix(LoggedVerdict.REJECT, interface_id, Direction.INGRESS, "rule")
