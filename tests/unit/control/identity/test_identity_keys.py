"""Aim: keys are made once, replaced when told, and stand for who they belong to; a profile file keeps
what others wrote. Method: a real state, botocore reads the file.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import botocore.session
import pytest

from vpcflow.base.errors import ServiceError, SettingsError
from vpcflow.control.caller import CallerKind
from vpcflow.control.identity import (
    ACCESS_KEYS,
    AWS_POLICIES,
    ROLES,
    TEMPORARY_KEYS,
    USERS,
    AccessKey,
    Role,
    RootKey,
    User,
    account_ids,
    add_account,
    caller_of,
    find_key,
    iam_place,
    issue_temporary_key,
    seed_root_key,
    write_profile,
)
from vpcflow.control.identity import records as identity_records
from vpcflow.control.permissions import check_policy
from vpcflow.control.state import GLOBAL, Database, State

ACCOUNT, OTHER = "123456789012", "210987654321"


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    database = Database.in_folder(tmp_path)
    yield State(database)
    database.close()


def test_a_first_start_makes_a_key_and_the_next_finds_it(state: State) -> None:
    first = seed_root_key(state, ACCOUNT)
    assert first.created
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", first.access_key_id)
    assert len(first.secret_access_key) == 40
    assert seed_root_key(state, ACCOUNT) == replace(first, created=False)
    assert account_ids(state) == [ACCOUNT]


def test_a_seeded_key_takes_the_old_ones_place(state: State) -> None:
    first = seed_root_key(state, ACCOUNT)
    seeded = seed_root_key(state, ACCOUNT, "test", "test")
    assert seeded == RootKey(ACCOUNT, "test", "test", created=True)
    assert not seed_root_key(state, ACCOUNT, "test", "test").created
    assert find_key(state, first.access_key_id) is None
    assert seed_root_key(state, ACCOUNT, "test", "other").created
    found = find_key(state, "test")
    assert found is not None and found.secret == "other"


@pytest.mark.parametrize(
    ("account", "key", "secret"),
    [
        ("12345", None, None),
        (ACCOUNT, "AKIA", None),
        (ACCOUNT, None, "secret"),
        (ACCOUNT, "a/b", "secret"),
        (ACCOUNT, "AKIA", ""),
    ],
)
def test_what_clients_could_not_use_is_refused(
    state: State, account: str, key: str | None, secret: str | None
) -> None:
    with pytest.raises(SettingsError):
        seed_root_key(state, account, key, secret)


def test_accounts_are_added_once_and_keys_belong_to_one(state: State) -> None:
    seed_root_key(state, ACCOUNT, "shared", "secret")
    assert add_account(state, OTHER).created
    with pytest.raises(ServiceError):
        add_account(state, OTHER)
    with pytest.raises(SettingsError):
        seed_root_key(state, OTHER, "shared", "secret")
    assert account_ids(state) == [ACCOUNT, OTHER]


def test_keys_stand_for_root_users_and_sessions(state: State) -> None:
    root = find_key(state, seed_root_key(state, ACCOUNT).access_key_id)
    assert root is not None
    found = caller_of(state, root)
    assert found is not None and found.is_root
    place = iam_place(ACCOUNT)
    with state.change() as change:
        change.put(USERS, place, "u", User("u", "AIDAU", 0.0, "/team/", tags={"a": "1"}))
        change.put(ROLES, place, "r", Role("r", "AROAR", 0.0, "{}", "/x/", tags={"b": "2"}))
        change.put(ACCESS_KEYS, GLOBAL, "AKIAU", AccessKey("AKIAU", "s", ACCOUNT, 0.0, "u"))
        session = issue_temporary_key(
            change, ACCOUNT, 0.0, 900, role_name="r", session_name="me", tags={"c": "3"}
        )
    user_key = find_key(state, "AKIAU")
    assert user_key is not None
    user = caller_of(state, user_key)
    assert user is not None and user.arn == f"arn:aws:iam::{ACCOUNT}:user/team/u"
    assert user.tags == {"a": "1"}
    role = caller_of(state, session)
    assert role is not None and role.kind is CallerKind.ROLE
    assert role.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/r/me"
    assert role.user_id == "AROAR:me" and role.tags == {"b": "2", "c": "3"}
    with state.change() as change:
        change.remove(USERS, place, "u")
        change.remove(ROLES, place, "r")
    assert caller_of(state, user_key) is None
    assert caller_of(state, session) is None


def test_temporary_keys_are_bounded_and_the_expired_make_room(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vpcflow.control.identity import keys

    assert identity_records.TEMPORARY_KEYS_MAX >= 1000
    monkeypatch.setattr(keys, "TEMPORARY_KEYS_MAX", 2)
    with state.change() as change:
        issue_temporary_key(change, ACCOUNT, 0.0, 900)
        issue_temporary_key(change, ACCOUNT, 0.0, 900)
    with pytest.raises(ServiceError, match="quota"), state.change() as change:
        issue_temporary_key(change, ACCOUNT, 10.0, 900)
    with state.change() as change:
        issue_temporary_key(change, ACCOUNT, 100_000.0, 900)
    assert len(state.all(TEMPORARY_KEYS, GLOBAL)) == 1


def test_the_built_in_policies_are_well_formed() -> None:
    assert len({policy.unique_id for policy in AWS_POLICIES.values()}) == len(AWS_POLICIES)
    for policy in AWS_POLICIES.values():
        check_policy(policy.document)


def test_a_profile_is_written_beside_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "aws" / "config"
    path.parent.mkdir()
    path.write_text("# mine\n[profile other]\nregion = eu-west-1\n\n[profile flow]\nregion = x\n")
    key = RootKey(ACCOUNT, "AKIAEXAMPLE", "secret/+", created=True)
    for _ in range(2):
        write_profile(path, "flow", key, "us-east-1", "http://127.0.0.1:4566")
    text = path.read_text()
    assert text.startswith("# mine\n[profile other]\nregion = eu-west-1\n\n[profile flow]\n")
    assert text.count("[profile flow]") == 1 and "region = x" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["config"]
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    session = botocore.session.Session(profile="flow")
    credentials = session.get_credentials()
    assert (credentials.access_key, credentials.secret_key) == ("AKIAEXAMPLE", "secret/+")
    scoped = session.get_scoped_config()
    assert scoped["endpoint_url"] == "http://127.0.0.1:4566"


def test_a_credentials_file_has_plain_sections(tmp_path: Path) -> None:
    key = RootKey(ACCOUNT, "AKIAEXAMPLE", "secret", created=True)
    path = tmp_path / "credentials"
    write_profile(path, "flow", key, "us-east-1", "http://127.0.0.1:4566")
    assert path.read_text().startswith("[flow]\n")
    with pytest.raises(SettingsError):
        write_profile(path, "a]b", key, "us-east-1", "http://127.0.0.1:4566")
    with pytest.raises(SettingsError):
        write_profile(tmp_path, "flow", key, "us-east-1", "http://127.0.0.1:4566")
