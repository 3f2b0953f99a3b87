"""What a policy says of one action on one resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.permissions.conditions import as_context, filled, holds, like
from vpcflow.control.permissions.document import Policy, Statement, read_policy


class Outcome(Enum):
    """What policies say: an explicit Deny, an Allow, or nothing."""

    DENY = "deny"
    ALLOW = "allow"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of a resource's policy.

    Shape: ``named`` says that the Allow names the principal itself or everybody; an Allow that names
    only its account leaves the choice to that account's own policies.
    """

    outcome: Outcome
    named: bool = False

    @property
    def allowed(self) -> bool:
        """Whether there is an Allow and no Deny."""
        return self.outcome is Outcome.ALLOW

    @property
    def denied(self) -> bool:
        """Whether there is an explicit Deny."""
        return self.outcome is Outcome.DENY


def evaluate(
    documents: Iterable[str], action: str, resource: str, context: Mapping[str, Sequence[str]]
) -> Outcome:
    """What policies of an identity say; ``context`` as ``as_context`` gives it."""
    outcome = Outcome.NOTHING
    for document in documents:
        policy = read_policy(document)
        for statement in policy.statements:
            if statement.allow and outcome is Outcome.ALLOW:
                continue
            if _applies(policy, statement, action, resource, context):
                if not statement.allow:
                    return Outcome.DENY
                outcome = Outcome.ALLOW
    return outcome


def evaluate_resource_policy(
    document: str,
    principal: Caller | str | None,
    action: str,
    resource: str,
    context: Mapping[str, Any] | None = None,
    *,
    principal_arn: str = "",
) -> Decision:
    """What the policy of a bucket, or the trust of a role, says.

    Shape: ``principal`` is a Caller, the name of a service as ``delivery.logs.amazonaws.com``, or
    None for nobody in particular. ``principal_arn`` is the ARN of the role behind a session. A
    statement without Resource, as in a trust policy, is about the resource that holds it.
    """
    policy = read_policy(document)
    keys = as_context(context)
    allowed = named = False
    for statement in policy.statements:
        match = _principal_match(statement, principal, principal_arn)
        if match is None or not _applies(policy, statement, action, resource, keys):
            continue
        if not statement.allow:
            return Decision(Outcome.DENY)
        allowed = True
        named = named or match
    return Decision(Outcome.ALLOW if allowed else Outcome.NOTHING, named)


def _applies(
    policy: Policy,
    statement: Statement,
    action: str,
    resource: str,
    context: Mapping[str, Sequence[str]],
) -> bool:
    if statement.actions is not None:
        if not any(like(action, each, ignore_case=True) for each in statement.actions):
            return False
    elif statement.not_actions is None or any(
        like(action, each, ignore_case=True) for each in statement.not_actions
    ):
        return False
    return _resource_applies(policy, statement, resource, context) and _conditions_hold(
        policy, statement, context
    )


def _resource_applies(
    policy: Policy, statement: Statement, resource: str, context: Mapping[str, Sequence[str]]
) -> bool:
    wanted = statement.resources
    if wanted is None:
        wanted = statement.not_resources
    if wanted is None:
        return True
    matched = False
    for each in wanted:
        pattern = filled(each, context) if policy.variables else each
        if pattern is not None and (resource == pattern or like(resource, pattern)):
            matched = True
            break
    return matched if statement.resources is not None else not matched


def _conditions_hold(
    policy: Policy, statement: Statement, context: Mapping[str, Sequence[str]]
) -> bool:
    for operator, key, values in statement.conditions:
        wanted: Sequence[str] = values
        if policy.variables:
            wanted = [
                text for text in (filled(each, context) for each in values) if text is not None
            ]
        if not holds(operator, key, wanted, context):
            return False
    return True


def _principal_match(
    statement: Statement, principal: Caller | str | None, principal_arn: str
) -> bool | None:
    """Whether a statement is about a principal by name (True), by account (False), or not (None)."""
    if statement.principals is not None:
        return _among(statement.principals, principal, principal_arn)
    if statement.not_principals is None:
        return None
    return None if _among(statement.not_principals, principal, principal_arn) is not None else True


def _names(principal: Caller, principal_arn: str) -> tuple[str, ...]:
    if principal.kind is CallerKind.FEDERATED:
        # Its id begins with the account's, which names everyone there.
        return (principal.arn,)
    return (principal.arn, principal_arn, principal.user_id.split(":")[0])


def _among(
    principals: Iterable[tuple[str, str]], principal: Caller | str | None, principal_arn: str
) -> bool | None:
    by_account = False
    for kind, value in principals:
        if value == "*" and kind in ("*", "AWS"):
            return True
        if isinstance(principal, str):
            if kind == "Service" and value == principal:
                return True
        elif principal is not None and kind == "AWS":
            root = f"arn:aws:iam::{principal.account_id}:root"
            if principal.kind is not CallerKind.ROOT and value in _names(principal, principal_arn):
                return True
            by_account = by_account or value in (principal.account_id, root)
    return False if by_account else None
