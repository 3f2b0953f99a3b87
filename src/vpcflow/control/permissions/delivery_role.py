"""Whether a flow log's role can deliver: it is there, trusts the service, and may write."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.identity import (
    MANAGED_POLICIES,
    ROLES,
    Role,
    documents_of,
    iam_arn,
    iam_place,
)
from vpcflow.control.permissions.conditions import as_context
from vpcflow.control.permissions.evaluate import Outcome, evaluate, evaluate_resource_policy
from vpcflow.control.state import State

#: What delivery to a log group needs.
LOG_GROUP_ACTIONS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
)
#: A service that is trusted under the name of its region as well.
_LOGS = "logs.amazonaws.com"
#: Answers that are remembered until a role or a policy changes.
ANSWERS_HELD_MAX = 20_000

_Question = tuple[str, str, str, tuple[str, ...], tuple[str, ...], str]
_Answers = tuple[tuple[int, ...], dict[_Question, str | None]]
_held: WeakKeyDictionary[State, _Answers] = WeakKeyDictionary()


def role_problem(
    state: State,
    role_arn: str,
    account_id: str,
    service_principal: str,
    actions: Sequence[str],
    resources: Sequence[str],
    source_arn: str,
) -> str | None:
    """What keeps a service from delivering with a role, as a sentence; None when nothing does.

    Shape: every action must be allowed on every resource. A log group is given as its ARN without
    ``:*``; an action on its streams is asked for a stream's name, as AWS asks. The answer is
    remembered until a role or a policy changes, so asking costs next to nothing.
    """
    mark = state.mark(ROLES, MANAGED_POLICIES)
    answers = _held.get(state)
    if answers is None or answers[0] != mark or len(answers[1]) >= ANSWERS_HELD_MAX:
        answers = _held[state] = (mark, {})
    question = (
        role_arn,
        account_id,
        service_principal,
        tuple(actions),
        tuple(resources),
        source_arn,
    )
    known = answers[1]
    if question not in known:
        known[question] = _problem(state, question)
    return known[question]


def chain_problem(state: State, role_arn: str, source_role_arn: str) -> str | None:
    """What keeps one role from assuming another one, as a sentence; None when nothing does.

    Shape: it looks at the role that is to be assumed; that the other one is allowed to is
    ``role_problem``'s question.
    """
    account_id, source_account_id = role_arn.split(":")[4], source_role_arn.split(":")[4]
    role = state.get(ROLES, iam_place(account_id), role_arn.rsplit("/", 1)[-1])
    if role is None or iam_arn(account_id, "role", role.path, role.name) != role_arn:
        return f"The role {role_arn} does not exist"
    source = Caller(source_account_id, source_role_arn, "", CallerKind.ROLE)
    trust = evaluate_resource_policy(
        role.trust, source, "sts:AssumeRole", role_arn, principal_arn=source_role_arn
    )
    if not trust.allowed:
        return f"The trust policy of the role {role_arn} does not let {source_role_arn} assume it"
    return None


def _problem(state: State, question: _Question) -> str | None:
    role_arn, account_id, service_principal, actions, resources, source_arn = question
    parts = role_arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("role/"):
        return f"{role_arn} is not the ARN of a role"
    if parts[4] != account_id:
        return f"The role {role_arn} is not in the account {account_id} of the flow log"
    role = state.get(ROLES, iam_place(account_id), role_arn.rsplit("/", 1)[1])
    if role is None or iam_arn(account_id, "role", role.path, role.name) != role_arn:
        return f"The role {role_arn} does not exist"
    context = {"aws:SourceAccount": account_id, "aws:SourceArn": source_arn}
    trusts = [
        evaluate_resource_policy(role.trust, principal, "sts:AssumeRole", role_arn, context)
        for principal in (service_principal, _regional(service_principal, source_arn))
    ]
    if any(trust.denied for trust in trusts) or not any(trust.allowed for trust in trusts):
        return (
            f"The trust policy of the role {role_arn} does not let {service_principal} perform "
            f"sts:AssumeRole for {source_arn} of account {account_id}"
        )
    return _missing(state, role, role_arn, account_id, actions, resources)


def _regional(service_principal: str, source_arn: str) -> str:
    """A principal's other name, where AWS takes one: ``logs.us-east-1.amazonaws.com``."""
    if service_principal != _LOGS:
        return service_principal
    region = (source_arn.split(":") + [""] * 4)[3]
    return f"logs.{region}.amazonaws.com"


def _missing(
    state: State,
    role: Role,
    role_arn: str,
    account_id: str,
    actions: Sequence[str],
    resources: Sequence[str],
) -> str | None:
    documents = documents_of(state, account_id, role)
    context = as_context({"aws:PrincipalArn": role_arn, "aws:PrincipalAccount": account_id})
    for resource in resources:
        for action in actions:
            forms = _forms(action, resource)
            for layer in (documents.identity, documents.boundary):
                if layer is None:
                    continue
                texts = (layer,) if isinstance(layer, str) else layer
                said = [evaluate(texts, action, form, context) for form in forms]
                if Outcome.DENY in said:
                    return f"The role {role_arn} is explicitly denied {action} on {forms[0]}"
                if Outcome.ALLOW not in said:
                    return f"The role {role_arn} is not allowed {action} on {forms[0]}"
    return None


def _forms(action: str, resource: str) -> tuple[str, ...]:
    """The resources that AWS would ask for, any of which is enough."""
    parts = resource.split(":", 6)
    if not action.startswith("logs:") or len(parts) < 7 or parts[5] != "log-group":
        return (resource,)
    group = resource.removesuffix(":*")
    if action == "logs:DescribeLogGroups":
        everywhere = ":".join(parts[:6])
        return (f"{everywhere}::log-stream:", f"{everywhere}:*", group, f"{group}:log-stream:")
    if action == "logs:CreateLogGroup":
        return (group, f"{group}:log-stream:")
    if action in ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"):
        return (f"{group}:log-stream:", f"{group}:log-stream:eni-00000000000000000-all")
    return (group,)
