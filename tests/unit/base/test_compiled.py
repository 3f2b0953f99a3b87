"""Aim: no old machine code after a change. Method: a small package in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpcflow.base import compiled


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled, "_PACKAGE", tmp_path)
    (tmp_path / "record").mkdir()
    (tmp_path / "record/text_kernels.py").write_text("from vpcflow.record.plan import WIDTH\n")
    (tmp_path / "record/plan.py").write_text("WIDTH = 1\n")
    (tmp_path / "record/other.py").write_text("OTHER = 1\n")
    return tmp_path


def test_a_change_of_what_a_kernel_imports_moves_the_cache(package: Path) -> None:
    before = compiled._cache_folder()
    (package / "record/plan.py").write_text("WIDTH = 2\n")
    assert compiled._cache_folder() != before


def test_other_files_do_not_move_it(package: Path) -> None:
    before = compiled._cache_folder()
    (package / "record/other.py").write_text("OTHER = 2\n")
    assert compiled._cache_folder() == before


def test_old_machine_code_is_removed(package: Path) -> None:
    old = compiled._cache_folder()
    old.mkdir(parents=True)
    (package / "record/plan.py").write_text("WIDTH = 2\n")
    compiled._cache_folder()
    assert not old.exists()


def test_a_package_that_cannot_be_written_uses_the_users_cache(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiled.os, "access", lambda *_, **__: False)
    assert compiled._cache_folder().is_relative_to(tmp_path / "cache" / "vpcflow")


def test_every_kernel_takes_the_cache_that_notices() -> None:
    kernels = list(Path(compiled.__file__).parent.parent.glob("*/**/*kernels.py"))
    assert kernels
    for path in kernels:
        assert "from numba import njit" not in path.read_text(encoding="utf-8"), path.name
