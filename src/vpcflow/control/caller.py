"""Who asks: the principal behind a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CallerKind(StrEnum):
    """What kind of principal it is.

    FEDERATED: whom a user, or the root, named in GetFederationToken.
    """

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    FEDERATED = "federated"


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request.

    Shape: ``arn`` as GetCallerIdentity prints it; ``name`` is the user's or the role's,
    for a federated user that of the user who named it (empty for the root);
    ``user_id`` as GetCallerIdentity prints it; ``session_policy`` is JSON that narrows a temporary
    key; ``tags`` are the principal's and the session's, ``transitive_tags`` those that roles which it
    assumes get from it.
    """

    account_id: str
    arn: str
    user_id: str
    kind: CallerKind
    name: str = ""
    access_key_id: str = ""
    session_policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive_tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_root(self) -> bool:
        """Whether it is the account itself, which may do everything."""
        return self.kind is CallerKind.ROOT


def root_caller(account_id: str, access_key_id: str = "") -> Caller:
    """The account's root."""
    return Caller(
        account_id,
        f"arn:aws:iam::{account_id}:root",
        account_id,
        CallerKind.ROOT,
        "root",
        access_key_id,
    )
