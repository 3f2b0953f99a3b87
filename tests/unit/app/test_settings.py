"""Aim: settings come from where they should, and wrong ones are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from vpcflow.app.settings import Settings, load_settings
from vpcflow.app.settings_page import list_settings
from vpcflow.base.errors import SettingsError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VPCFLOW_DATA", raising=False)


def write(text: str) -> str:
    path = Path("vpcflow.toml")
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_command_line_beats_environment_beats_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write('data = "from-file"\n[query]\nrows_max = 7\n')
    assert load_settings().data == Path("from-file")
    assert load_settings().query.rows_max == 7
    monkeypatch.setenv("VPCFLOW_DATA", "from-environment")
    monkeypatch.setenv("VPCFLOW_QUERY__ROWS_MAX", "8")
    assert load_settings().data == Path("from-environment")
    assert load_settings().query.rows_max == 8
    assert load_settings(data="from-line").data == Path("from-line")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[query]\nrows_mx = 7\n", "query.rows_mx: no such setting"),
        ("[query]\nrows_max = 'many'\n", "query.rows_max"),
        ("[query]\nrows_max = -1\n", "query.rows_max"),
        ("[query\n", "not valid TOML"),
        ("query = 5\n", "query"),
    ],
)
def test_wrong_file_is_refused_by_name(text: str, expected: str) -> None:
    path = write(text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert expected in str(caught.value)
    assert path in str(caught.value)


def test_wrong_environment_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPCFLOW_QUERY__ROWS_MAX", "many")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "VPCFLOW_QUERY__ROWS_MAX" in str(caught.value)


def test_missing_file_that_was_named() -> None:
    with pytest.raises(SettingsError, match="no such settings file"):
        load_settings(config_file="nowhere.toml")


def test_every_setting_says_what_it_is() -> None:
    for entry in list_settings(Settings()):
        assert entry.description.endswith("."), entry.name
