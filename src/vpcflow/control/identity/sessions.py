"""Sessions of the console: who has signed in with a key, and until when.

A session stands for its key: it is over when the key is gone, inactive or expired, or its user is
gone. Tokens are kept as hashes, so that nobody who reads the database can sign in with it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from vpcflow.base.clock import Clock
from vpcflow.base.errors import StoreError
from vpcflow.control.caller import Caller
from vpcflow.control.identity.keys import caller_of, find_key
from vpcflow.control.identity.records import AccessKey, TemporaryKey
from vpcflow.control.state import GLOBAL, Change, Kind, State

#: Sessions of one account at the same time; the one that was used longest ago makes room.
SESSIONS_PER_ACCOUNT_MAX = 1_000
#: How exactly it is known when a session was used last: a write each time would be one a request.
USED_EVERY_S = 900.0
TOKEN_BYTES = 32
#: The longest token that is looked at.
TOKEN_LENGTH_MAX = 128


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """One browser that has signed in with a key.

    Units: seconds since the epoch; ``used_s`` is exact to USED_EVERY_S.
    """

    key_id: str
    account_id: str
    created_s: float
    used_s: float
    expires_s: float


CONSOLE_SESSIONS: Kind[ConsoleSession] = Kind("console-session", ConsoleSession)


class SignedInAs(NamedTuple):
    """Who a token stands for, and until when."""

    caller: Caller
    expires_s: float


class ConsoleSessions:
    """Begins, finds and ends sessions.

    Shape: safe for any number of threads.
    Errors: StoreError when the database says no.
    """

    def __init__(self, state: State, clock: Clock, *, lasts_s: float) -> None:
        self._state = state
        self._clock = clock
        self._lasts_s = lasts_s

    def begin(self, key: AccessKey | TemporaryKey) -> str:
        """A new session of a key; its token, which is told here once.

        Shape: a temporary key's session ends with the key at the latest.
        """
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now_s = self._clock.now_s()
        expires_s = now_s + self._lasts_s
        if isinstance(key, TemporaryKey):
            expires_s = min(expires_s, key.expires_s)
        session = ConsoleSession(key.key_id, key.account_id, now_s, now_s, expires_s)
        with self._state.change() as change:
            self._make_room(change, key.account_id, now_s)
            change.put(CONSOLE_SESSIONS, GLOBAL, hash_of(token), session)
        return token

    def find(self, token: str) -> SignedInAs | None:
        """Who the token stands for; None when it is none, or its session is over."""
        if not token or len(token) > TOKEN_LENGTH_MAX or not token.isascii():
            return None
        session_id = hash_of(token)
        session = self._state.get(CONSOLE_SESSIONS, GLOBAL, session_id)
        now_s = self._clock.now_s()
        if session is None or session.expires_s <= now_s:
            return None
        key = find_key(self._state, session.key_id)
        if key is None or not is_good(key, now_s) or key.account_id != session.account_id:
            return None
        caller = caller_of(self._state, key)
        if caller is None:
            return None
        if now_s - session.used_s >= USED_EVERY_S:
            self._note_use(session_id, now_s)
        return SignedInAs(caller, session.expires_s)

    def end(self, token: str) -> None:
        """End a session; nothing happens when it is over already."""
        session_id = hash_of(token)
        if self._state.get(CONSOLE_SESSIONS, GLOBAL, session_id) is None:
            return
        with self._state.change() as change:
            change.remove(CONSOLE_SESSIONS, GLOBAL, session_id)

    def _note_use(self, session_id: str, now_s: float) -> None:
        # Who only reads goes on when the disk is full.
        with suppress(StoreError), self._state.change() as change:
            session = change.get(CONSOLE_SESSIONS, GLOBAL, session_id)
            if session is not None:
                change.put(CONSOLE_SESSIONS, GLOBAL, session_id, replace(session, used_s=now_s))

    def _make_room(self, change: Change, account_id: str, now_s: float) -> None:
        held = change.all(CONSOLE_SESSIONS, GLOBAL)
        over = {name for name, one in held.items() if one.expires_s <= now_s}
        of_account = sorted(
            (one.used_s, name)
            for name, one in held.items()
            if one.account_id == account_id and name not in over
        )
        too_many = len(of_account) + 1 - SESSIONS_PER_ACCOUNT_MAX
        if too_many > 0:
            over |= {name for _, name in of_account[:too_many]}
        for name in over:
            change.remove(CONSOLE_SESSIONS, GLOBAL, name)


def hash_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def csrf_of(token: str) -> str:
    """The second token of a session, which only a page of ours can read; it follows from the first."""
    return hmac.new(token.encode(), b"vpcflow console csrf", hashlib.sha256).hexdigest()


def is_good(key: AccessKey | TemporaryKey, now_s: float) -> bool:
    """Whether a key may still be used."""
    return key.expires_s > now_s if isinstance(key, TemporaryKey) else key.active


def has_secret(key: AccessKey | TemporaryKey | None, secret: str, session_token: str) -> bool:
    """Whether secret and session token are the key's; as slow for no key as for a wrong secret."""
    wanted = key.secret if key is not None else ""
    wanted_token = key.token if isinstance(key, TemporaryKey) else ""
    # Hashes have one length: the time of the comparison tells nothing of it.
    right_secret = hmac.compare_digest(hash_of(wanted), hash_of(secret))
    right_token = hmac.compare_digest(hash_of(wanted_token), hash_of(session_token))
    return key is not None and right_secret and right_token
