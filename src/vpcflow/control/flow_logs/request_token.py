"""Client tokens: the same request sent again gets the answer of the first time."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from vpcflow.base.errors import ServiceError
from vpcflow.control.state import Change, Kind, Place, State

#: How long an answer is remembered, and how many of an account and region.
TOKEN_AGE_S = 24 * 3_600
TOKENS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class FlowLogFailure:
    """One resource on which no flow log was created."""

    resource_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Created:
    """The answer to CreateFlowLogs."""

    client_token: str
    flow_log_ids: tuple[str, ...] = ()
    unsuccessful: tuple[FlowLogFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that made flow logs, by its client token.

    Units: ``at_s`` in seconds since the epoch.
    """

    fingerprint: str
    at_s: int
    created: Created


ANSWERED: Kind[Answered] = Kind("flow-log-request", Answered)


def token_for(place: Place, resource_ids: Sequence[str]) -> str:
    """The token for a caller who gave none: 44 characters, the same for the same resources, as AWS's.

    It is shown and never looked up: a request without a token is always a new one.
    """
    asked = "\0".join((place.account_id, place.region, *resource_ids))
    return base64.b64encode(hashlib.sha256(asked.encode()).digest()).decode()


def answer_of(view: State | Change, place: Place, token: str, fingerprint: str) -> Created | None:
    """What the same request was answered before; None when it is new.

    Errors: ServiceError ``IdempotentParameterMismatch`` when the token was used for another one.
    """
    found = view.get(ANSWERED, place, token)
    if found is None:
        return None
    if found.fingerprint != fingerprint:
        raise ServiceError(
            "IdempotentParameterMismatch",
            "The client token was used before with other parameters: give a new one.",
        )
    return found.created


def remember(
    change: Change, place: Place, token: str, fingerprint: str, created: Created, now_s: int
) -> None:
    """Keep the answer, and forget those that are too old or too many."""
    known = sorted(change.all(ANSWERED, place).items(), key=lambda item: item[1].at_s)
    for number, (old_token, old) in enumerate(known):
        if old.at_s >= now_s - TOKEN_AGE_S and number >= len(known) - TOKENS_MAX + 1:
            break
        change.remove(ANSWERED, place, old_token)
    change.put(ANSWERED, place, token, Answered(fingerprint, now_s, created))
