"""Policy documents: read, checked as IAM checks them, and kept ready for questions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from vpcflow.base.errors import ServiceError

#: Documents that are kept as read; more are read anew.
DOCUMENTS_HELD_MAX = 4096
_VERSIONS = ("2012-10-17", "2008-10-17")
_PARTITION = re.compile(r"aws(-[a-z-]+)?|.*[*?].*")
_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"\*|[A-Za-z0-9.-]+:[^:]+")
_FIELDS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


class PolicyUse(Enum):
    """What a document is for, which decides what it must and must not hold."""

    IDENTITY = "identity"
    MANAGED = "managed"
    TRUST = "trust"
    RESOURCE = "resource"


_OF_IDENTITIES = (PolicyUse.IDENTITY, PolicyUse.MANAGED)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; a part that the document lacks is None.

    Shape: ``principals`` are ``(type, value)`` as ``("AWS", "*")``; ``conditions`` are ``(operator,
    key, values)``.
    """

    allow: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: tuple[tuple[str, str], ...] | None
    not_principals: tuple[tuple[str, str], ...] | None
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The statements of a document; ``variables`` whether ``${...}`` means something in it."""

    statements: tuple[Statement, ...]
    variables: bool


@lru_cache(maxsize=DOCUMENTS_HELD_MAX)
def read_policy(text: str) -> Policy:
    """Read a document for evaluation.

    Shape: a statement that cannot be understood is as if it were not there; documents are checked
    when they are put, so that none of a client's is of that kind.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Policy((), False)
    if not isinstance(document, dict):
        return Policy((), False)
    statements = _listed(document.get("Statement"))
    read = tuple(_read_statement(each) for each in statements if isinstance(each, dict))
    return Policy(
        tuple(statement for statement in read if statement is not None),
        document.get("Version") == _VERSIONS[0],
    )


def check_policy(text: str, use: PolicyUse = PolicyUse.IDENTITY) -> None:
    """Refuse a document that IAM would refuse.

    Errors: ServiceError ``MalformedPolicyDocument`` with the reason.
    """
    try:
        document = json.loads(text, object_pairs_hook=_no_double)
    except (ValueError, RecursionError) as error:
        raise _malformed(
            "This policy contains invalid Json" if use is PolicyUse.TRUST else _SYNTAX
        ) from error
    if not isinstance(document, dict) or set(document) - {"Version", "Id", "Statement"}:
        raise _malformed(_SYNTAX)
    version = document.get("Version", _VERSIONS[1])
    if version not in _VERSIONS or not isinstance(document.get("Id", ""), str):
        raise _malformed(_SYNTAX)
    if use is PolicyUse.MANAGED and version != _VERSIONS[0]:
        raise _malformed("Policy document must be version 2012-10-17 or greater.")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise _malformed(_SYNTAX)
    for statement in statements:
        _check_statement(statement, use)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if len(set(sids)) != len(sids):
        raise _malformed("Statement IDs (SID) in a single policy must be unique.")


_SYNTAX = "Syntax errors in policy."


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message)


def _no_double(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _check_statement(statement: Any, use: PolicyUse) -> None:
    if not isinstance(statement, dict) or set(statement) - _FIELDS:
        raise _malformed(_SYNTAX)
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed(_SYNTAX)
    sid = statement.get("Sid", "")
    if not isinstance(sid, str):
        raise _malformed(_SYNTAX)
    if use in _OF_IDENTITIES and not _SID.fullmatch(sid):
        raise _malformed("Statement IDs (SID) should be alpha-numeric")
    for one, other in (
        ("Action", "NotAction"),
        ("Resource", "NotResource"),
        ("Principal", "NotPrincipal"),
    ):
        if one in statement and other in statement:
            raise _malformed(_SYNTAX)
    _check_actions(statement, use)
    _check_resources(statement, use)
    _check_principals(statement, use)
    _check_conditions(statement.get("Condition", {}))


def _check_actions(statement: Mapping[str, Any], use: PolicyUse) -> None:
    actions = _texts(statement.get("Action", statement.get("NotAction")))
    if actions is None:
        raise _malformed(_SYNTAX)
    if not actions:
        raise _malformed("Policy statement must contain actions.")
    for action in actions:
        if not _ACTION.fullmatch(action):
            if ":" not in action:
                raise _malformed(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
                )
            if action.count(":") > 1:
                raise _malformed("Actions/Condition can contain only one colon.")
            vendor = action.split(":")[0]
            raise _malformed(
                f"Vendor {vendor} is not valid"
                if not re.fullmatch(r"[A-Za-z0-9-]+", vendor)
                else _SYNTAX
            )
        if use is PolicyUse.TRUST and not action.lower().startswith("sts:"):
            raise _malformed("AssumeRole policy may only specify STS AssumeRole actions.")


def _check_resources(statement: Mapping[str, Any], use: PolicyUse) -> None:
    given = "Resource" in statement or "NotResource" in statement
    if use is PolicyUse.TRUST:
        if given:
            raise _malformed("Has prohibited field Resource")
        return
    resources = _texts(statement.get("Resource", statement.get("NotResource")))
    if resources is None and given:
        raise _malformed(_SYNTAX)
    if not resources:
        raise _malformed("Policy statement must contain resources.")
    for resource in resources:
        parts = resource.split(":", 5)
        if resource != "*" and (parts[0] != "arn" and not resource.startswith("arn*")):
            raise _malformed(f'Resource {resource} must be in ARN format or "*".')
        if parts[0] == "arn" and len(parts) == 6 and not _PARTITION.fullmatch(parts[1]):
            raise _malformed(f'Partition "{parts[1]}" is not valid for resource "{resource}".')
        if parts[0] == "arn" and len(parts) < 6 and not resource.endswith("*"):
            raise _malformed("The policy failed legacy parsing")


def _check_principals(statement: Mapping[str, Any], use: PolicyUse) -> None:
    given = "Principal" in statement or "NotPrincipal" in statement
    if use in _OF_IDENTITIES:
        if given:
            raise _malformed("Policy document should not specify a principal.")
        return
    if not given:
        raise _malformed("Missing required field Principal")
    principal = statement.get("Principal", statement.get("NotPrincipal"))
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal:
        raise _malformed("Missing required field Principal cannot be empty!")
    for kind, value in principal.items():
        values = _texts(value)
        if kind not in ("AWS", "Service", "Federated", "CanonicalUser") or not values:
            raise _malformed(f"Invalid principal in policy: {json.dumps(principal)}")
        for each in values:
            known = each == "*" or each.startswith("arn:") or re.fullmatch(r"\d{12}", each)
            if kind == "AWS" and not (known or re.fullmatch(r"A[A-Z]{3}[A-Z0-9]{12,}", each)):
                raise _malformed(f'Invalid principal in policy: "AWS":"{each}"')
            if kind == "Service" and not re.fullmatch(r"[a-z0-9.-]+\.[a-z.]+", each):
                raise _malformed(f'Invalid principal in policy: "SERVICE":"{each}"')


def _check_conditions(conditions: Any) -> None:
    from vpcflow.control.permissions.conditions import known_operator

    if not isinstance(conditions, dict):
        raise _malformed(_SYNTAX)
    for operator, keys in conditions.items():
        if not isinstance(keys, dict):
            raise _malformed(_SYNTAX)
        if not known_operator(operator):
            raise _malformed(f"Invalid Condition type : {operator}")
        # A key without a service is no fault, as at AWS: no request has it.
        if any(_scalars(values) is None for values in keys.values()):
            raise _malformed(_SYNTAX)


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _texts(value: Any) -> tuple[str, ...] | None:
    """Strings of a string or a list; None for anything else. Nothing given is no strings."""
    found = _listed(value)
    return tuple(found) if all(isinstance(each, str) for each in found) else None


def _scalars(value: Any) -> tuple[str, ...] | None:
    found: list[str] = []
    for each in _listed(value):
        if isinstance(each, bool):
            found.append("true" if each else "false")
        elif isinstance(each, str | int | float):
            found.append(str(each))
        else:
            return None
    return tuple(found)


def _read_statement(raw: Mapping[str, Any]) -> Statement | None:
    effect = raw.get("Effect")
    if effect not in ("Allow", "Deny"):
        return None
    conditions: list[tuple[str, str, tuple[str, ...]]] = []
    written = raw.get("Condition", {})
    for operator, keys in written.items() if isinstance(written, dict) else [("?", None)]:
        if not isinstance(keys, dict):
            return None
        for key, values in keys.items():
            read = _scalars(values)
            if read is None:
                return None
            conditions.append((operator, key, read))
    parts = {
        name: _texts(raw[name]) if name in raw else None
        for name in ("Action", "NotAction", "Resource", "NotResource")
    }
    if any(name in raw and parts[name] is None for name in parts):
        return None
    sid = raw.get("Sid", "")
    return Statement(
        effect == "Allow",
        parts["Action"],
        parts["NotAction"],
        parts["Resource"],
        parts["NotResource"],
        _principals(raw["Principal"]) if "Principal" in raw else None,
        _principals(raw["NotPrincipal"]) if "NotPrincipal" in raw else None,
        tuple(conditions),
        sid if isinstance(sid, str) else "",
    )


def _principals(value: Any) -> tuple[tuple[str, str], ...]:
    if value == "*":
        return (("*", "*"),)
    if not isinstance(value, dict):
        return ()
    return tuple((kind, each) for kind, values in value.items() for each in _texts(values) or ())
