"""Aim: capture asks for what it needs in words, and knows whose files it writes.

Method: the pure parts here; what the kernel really takes away is seen in tests/kernel.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vpcflow.app.privileges import (
    Capability,
    acting_as,
    acting_user,
    held,
    invoking_user,
    require,
)
from vpcflow.base.errors import CaptureError


def test_what_is_held_is_enough() -> None:
    require(held())


def test_what_is_missing_is_named_with_its_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vpcflow.app.privileges.held", lambda: frozenset({Capability.NET_RAW}))
    monkeypatch.setattr("sys.argv", ["vpcflow", "run", "--lab"])
    with pytest.raises(CaptureError, match="CAP_SYS_ADMIN is missing") as raised:
        require(frozenset({Capability.NET_RAW, Capability.SYS_ADMIN}))
    assert "enter other network namespaces" in str(raised.value)
    assert "sudo vpcflow run --lab" in raised.value.hint
    assert "cap_net_raw,cap_sys_admin+ep" in raised.value.hint


@pytest.mark.parametrize("told", ["", "0", "nonsense", "-1", "4294967000"])
def test_nobody_called_sudo(told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SUDO_UID", told)
    assert invoking_user() is None
    assert acting_user(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody")
def test_files_that_are_made_for_somebody_are_theirs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    user = invoking_user()
    assert user is not None
    os.chown(tmp_path, user.pw_uid, user.pw_gid)
    for parent in tmp_path.parents:
        # pytest's own folders are closed to others.
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    before = held(), os.getgroups()
    with acting_as(user):
        (tmp_path / "made").touch()
        assert held() == frozenset()
    assert (tmp_path / "made").stat().st_uid == user.pw_uid
    assert (held(), os.getgroups()) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as somebody")
def test_root_stays_root_where_the_user_may_not_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    tmp_path.chmod(0o700)
    assert acting_user(tmp_path) is None
    assert acting_user(tmp_path / "not" / "there") is None
    assert os.geteuid() == 0
