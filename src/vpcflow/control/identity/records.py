"""What the account's people and programs are made of, as the State keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vpcflow.control.state import Kind, Place

KEYS_PER_USER_MAX = 2
VERSIONS_PER_POLICY_MAX = 5
#: AWS's quotas: what one user, group or role may have attached, and the groups of one user.
ATTACHED_MAX = 10
GROUPS_PER_USER_MAX = 10
#: Temporary keys of one account that are kept at once; the expired ones make room first.
TEMPORARY_KEYS_MAX = 10_000


def iam_place(account_id: str) -> Place:
    """Where an account's users, groups, roles and policies are: IAM has no region."""
    return Place(account_id, "")


@dataclass(frozen=True, slots=True)
class Account:
    """An account; ``alias`` is empty without one."""

    account_id: str
    created_s: float
    alias: str = ""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-lived key of a user, or of the account's root when ``user_name`` is empty."""

    key_id: str
    secret: str = field(repr=False)
    account_id: str
    created_s: float
    user_name: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class TemporaryKey:
    """A key that STS handed out: good with its ``token``, until ``expires_s``.

    Shape: ``role_name`` with ``session_name`` is a role's session; ``user_name`` a user's; neither
    is the root's; ``session_name`` without a role is a federated user's, named by either.
    ``transitive`` are the keys of tags that roles assumed with it get. ``principal_id`` is the unique
    id of that role or user: one that was made anew under the same name is somebody else.
    """

    key_id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    account_id: str
    created_s: float
    expires_s: float
    role_name: str = ""
    session_name: str = ""
    user_name: str = ""
    session_policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    principal_id: str = ""
    transitive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """A user: ``inline`` are policy documents by name, ``attached`` ARNs of managed policies."""

    name: str
    unique_id: str
    created_s: float
    path: str = "/"
    boundary: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users; the users name their groups."""

    name: str
    unique_id: str
    created_s: float
    path: str = "/"
    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """A role: ``trust`` is the document that says who may assume it."""

    name: str
    unique_id: str
    created_s: float
    trust: str
    path: str = "/"
    description: str | None = None
    session_max_s: int = 3600
    boundary: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a managed policy."""

    document: str
    created_s: float


@dataclass(frozen=True, slots=True)
class ManagedPolicy:
    """A managed policy; ``versions`` by ``v1``, ``v2``, ..., which are never given out twice."""

    name: str
    unique_id: str
    created_s: float
    updated_s: float
    default_version: str
    versions: Mapping[str, PolicyVersion]
    last_version: int = 1
    path: str = "/"
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> str:
        """The document that counts."""
        return self.versions[self.default_version].document


@dataclass(frozen=True, slots=True)
class InstanceProfile:
    """The holder of a role for an instance."""

    name: str
    unique_id: str
    created_s: float
    path: str = "/"
    roles: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


ACCOUNTS: Kind[Account] = Kind("account", Account)
ACCESS_KEYS: Kind[AccessKey] = Kind("access-key", AccessKey)
TEMPORARY_KEYS: Kind[TemporaryKey] = Kind("temporary-key", TemporaryKey)
USERS: Kind[User] = Kind("iam-user", User)
GROUPS: Kind[Group] = Kind("iam-group", Group)
ROLES: Kind[Role] = Kind("iam-role", Role)
MANAGED_POLICIES: Kind[ManagedPolicy] = Kind("iam-policy", ManagedPolicy)
INSTANCE_PROFILES: Kind[InstanceProfile] = Kind("iam-instance-profile", InstanceProfile)


def iam_arn(account_id: str, kind: str, path: str, name: str) -> str:
    """The ARN of a ``user``, ``group``, ``role``, ``policy`` or ``instance-profile``."""
    return f"arn:aws:iam::{account_id}:{kind}{path}{name}"
