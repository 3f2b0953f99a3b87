"""Keys: how they are made, the root's, and the temporary ones."""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from vpcflow.base.errors import ServiceError, SettingsError
from vpcflow.control.caller import Caller, CallerKind, root_caller
from vpcflow.control.identity.records import (
    ACCESS_KEYS,
    ACCOUNTS,
    ROLES,
    TEMPORARY_KEYS,
    TEMPORARY_KEYS_MAX,
    USERS,
    AccessKey,
    Account,
    TemporaryKey,
    iam_arn,
    iam_place,
)
from vpcflow.control.state import GLOBAL, Change, State

_ID_LETTERS = string.ascii_uppercase + "234567"
_SECRET_LETTERS = string.ascii_letters + string.digits + "+/"
_SECRET_LENGTH = 40
_KEY_ID_LENGTH_MAX = 128
_KEY_ID_LENGTH_MIN = 3


@dataclass(frozen=True, slots=True)
class RootKey:
    """An account's root key; ``created`` when it was made or replaced just now."""

    account_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    created: bool


def unique_id(prefix: str, letters: int = 17) -> str:
    """A random id such as AROA with 17 letters and digits, or a key id with 16."""
    return prefix + "".join(secrets.choice(_ID_LETTERS) for _ in range(letters))


def new_secret() -> str:
    """A random secret access key."""
    return "".join(secrets.choice(_SECRET_LETTERS) for _ in range(_SECRET_LENGTH))


def seed_root_key(
    state: State, account_id: str, access_key_id: str | None = None, secret: str | None = None
) -> RootKey:
    """The root key of an account, made at a first start; a given one takes the old one's place.

    Shape: secrets stand in the database as they are, since a signature can be checked with nothing
    less; that its file is readable by its owner alone (0600) is the duty of whoever opens it.
    Errors: SettingsError for an account id, key id or secret that clients could not use.
    """
    _check_account_id(account_id)
    if (access_key_id is None) != (secret is None):
        raise SettingsError(
            "a root key needs both its id and its secret",
            hint="set VPCFLOW_ROOT_ACCESS_KEY_ID and VPCFLOW_ROOT_SECRET_ACCESS_KEY, or neither",
        )
    if access_key_id is not None:
        letters = access_key_id.replace("_", "").replace("-", "")
        long_enough = _KEY_ID_LENGTH_MIN <= len(access_key_id) <= _KEY_ID_LENGTH_MAX
        if not long_enough or not (letters.isascii() and letters.isalnum()) or not secret:
            raise SettingsError(
                "an access key id is 3 to 128 letters and digits, its secret is not empty"
            )
    with state.change() as change:
        roots = [
            key
            for key in change.all(ACCESS_KEYS, GLOBAL).values()
            if key.account_id == account_id and not key.user_name
        ]
        if access_key_id is None or secret is None:
            if roots:
                newest = max(roots, key=lambda key: key.created_s)
                return RootKey(account_id, newest.key_id, newest.secret, created=False)
            access_key_id, secret = unique_id("AKIA", 16), new_secret()
        elif any(key.key_id == access_key_id and key.secret == secret for key in roots):
            return RootKey(account_id, access_key_id, secret, created=False)
        taken = change.get(ACCESS_KEYS, GLOBAL, access_key_id)
        if taken is not None and taken not in roots:
            raise SettingsError(f"the access key id {access_key_id} belongs to somebody else")
        for key in roots:
            change.remove(ACCESS_KEYS, GLOBAL, key.key_id)
        now_s = time.time()
        if change.get(ACCOUNTS, GLOBAL, account_id) is None:
            change.put(ACCOUNTS, GLOBAL, account_id, Account(account_id, now_s))
        change.put(
            ACCESS_KEYS, GLOBAL, access_key_id, AccessKey(access_key_id, secret, account_id, now_s)
        )
        return RootKey(account_id, access_key_id, secret, created=True)


def add_account(state: State, account_id: str) -> RootKey:
    """One more account, with its root key.

    Errors: ServiceError ``EntityAlreadyExists`` when it is there, SettingsError for a bad id.
    """
    _check_account_id(account_id)
    if state.get(ACCOUNTS, GLOBAL, account_id) is not None:
        raise ServiceError(
            "EntityAlreadyExists", f"Account with id {account_id} already exists.", status=409
        )
    return seed_root_key(state, account_id)


def account_ids(state: State) -> list[str]:
    """The accounts there are."""
    return sorted(state.all(ACCOUNTS, GLOBAL))


def issue_temporary_key(
    change: Change,
    account_id: str,
    now_s: float,
    duration_s: int,
    *,
    role_name: str = "",
    session_name: str = "",
    user_name: str = "",
    principal_id: str = "",
    session_policy: str | None = None,
    tags: Mapping[str, str] | None = None,
    transitive: Sequence[str] = (),
) -> TemporaryKey:
    """A new temporary key; the expired ones go.

    Errors: ServiceError ``LimitExceeded`` when too many of the account are still good.
    """
    held = change.all(TEMPORARY_KEYS, GLOBAL)
    expired = {key.key_id for key in held.values() if key.expires_s + 3600 < now_s}
    good = [key for key in held.values() if key.key_id not in expired]
    if sum(key.account_id == account_id for key in good) >= TEMPORARY_KEYS_MAX:
        raise ServiceError(
            "LimitExceeded",
            f"Cannot exceed quota for TemporaryCredentials: {TEMPORARY_KEYS_MAX}",
            status=409,
        )
    for key_id in expired:
        change.remove(TEMPORARY_KEYS, GLOBAL, key_id)
    key = TemporaryKey(
        unique_id("ASIA", 16),
        new_secret(),
        secrets.token_urlsafe(192),
        account_id,
        now_s,
        now_s + duration_s,
        role_name,
        session_name,
        user_name,
        session_policy,
        dict(tags or {}),
        principal_id,
        tuple(transitive),
    )
    change.put(TEMPORARY_KEYS, GLOBAL, key.key_id, key)
    return key


def find_key(state: State, key_id: str) -> AccessKey | TemporaryKey | None:
    """A key by its id, whether it is good or not."""
    found = state.get(ACCESS_KEYS, GLOBAL, key_id)
    return found if found is not None else state.get(TEMPORARY_KEYS, GLOBAL, key_id)


def caller_of(state: State, key: AccessKey | TemporaryKey) -> Caller | None:
    """Who a key stands for; None when that user or role is gone."""
    account_id = key.account_id
    if isinstance(key, TemporaryKey) and key.role_name:
        role = state.get(ROLES, iam_place(account_id), key.role_name)
        if role is None or key.principal_id not in ("", role.unique_id):
            return None
        return Caller(
            account_id,
            f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{key.session_name}",
            f"{role.unique_id}:{key.session_name}",
            CallerKind.ROLE,
            role.name,
            key.key_id,
            key.session_policy,
            {**role.tags, **key.tags},
            {name: key.tags[name] for name in key.transitive},
        )
    session_policy, principal_id, federated = None, "", ""
    if isinstance(key, TemporaryKey):
        session_policy, principal_id = key.session_policy, key.principal_id
        federated = key.session_name
    if not key.user_name:
        root = root_caller(account_id, key.key_id)
        return _federated(root, key, federated) if federated else root
    user = state.get(USERS, iam_place(account_id), key.user_name)
    if user is None or principal_id not in ("", user.unique_id):
        return None
    caller = Caller(
        account_id,
        iam_arn(account_id, "user", user.path, user.name),
        user.unique_id,
        CallerKind.USER,
        user.name,
        key.key_id,
        session_policy,
        user.tags,
    )
    return _federated(caller, key, federated) if federated else caller


def _federated(by: Caller, key: AccessKey | TemporaryKey, name: str) -> Caller:
    assert isinstance(key, TemporaryKey)
    return Caller(
        by.account_id,
        f"arn:aws:sts::{by.account_id}:federated-user/{name}",
        f"{by.account_id}:{name}",
        CallerKind.FEDERATED,
        "" if by.is_root else by.name,
        key.key_id,
        key.session_policy,
        {**by.tags, **key.tags},
    )


def _check_account_id(account_id: str) -> None:
    if len(account_id) != 12 or not (account_id.isascii() and account_id.isdigit()):
        raise SettingsError("an account id has 12 digits", where=account_id)
