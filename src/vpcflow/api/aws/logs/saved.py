"""Saved queries and resource policies, which are kept for those who manage them."""

from __future__ import annotations

import json
from typing import Any

from vpcflow.api.aws.logs.requests import now_ms
from vpcflow.api.aws.logs.tokens import invalid_token
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.logs import saved
from vpcflow.control.logs.log_group import invalid
from vpcflow.control.paging import BadToken, page
from vpcflow.control.state import State

DEFINITIONS_A_PAGE = 1_000
POLICIES_A_PAGE = 50


class SavedOperations:
    """Handlers for saved queries and resource policies."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        return [
            Operation(
                "PutQueryDefinition",
                self._put_definition,
                "name queryString queryDefinitionId logGroupNames queryLanguage parameters "
                "clientToken",
            ),
            Operation(
                "DescribeQueryDefinitions",
                self._describe_definitions,
                "queryDefinitionNamePrefix queryLanguage maxResults nextToken",
            ),
            Operation("DeleteQueryDefinition", self._delete_definition, "queryDefinitionId"),
            Operation(
                "PutResourcePolicy",
                self._put_policy,
                "policyName policyDocument",
                note="kept, and asked of nobody here",
            ),
            Operation("DescribeResourcePolicies", self._describe_policies, "limit nextToken"),
            Operation("DeleteResourcePolicy", self._delete_policy, "policyName"),
        ]

    def _put_definition(self, call: Call) -> dict[str, Any]:
        wanted = call.get("queryDefinitionId")
        definition = saved.QueryDefinition(
            wanted or "",
            call.get("name"),
            call.get("queryString"),
            now_ms(call),
            call.get("queryLanguage"),
            tuple(call.get("logGroupNames") or ()),
            tuple(call.get("parameters") or ()),
            call.get("clientToken"),
        )
        kept = saved.put_definition(self._state, call.place, definition, is_update=bool(wanted))
        return {"queryDefinitionId": kept}

    def _describe_definitions(self, call: Call) -> dict[str, Any]:
        prefix, language = call.get("queryDefinitionNamePrefix") or "", call.get("queryLanguage")
        held = self._state.all(saved.QUERY_DEFINITIONS, call.place).values()
        found = [
            one
            for one in held
            if one.name.startswith(prefix) and language in (None, one.language or "CWLI")
        ]
        try:
            given, token = page(
                found,
                lambda one: f"{one.name}\0{one.definition_id}",
                call.get("maxResults") or DEFINITIONS_A_PAGE,
                call.get("nextToken"),
                question=f"{prefix}\0{language}",
            )
        except BadToken as error:
            raise invalid_token() from error
        return {"queryDefinitions": [_definition(one) for one in given], "nextToken": token}

    def _delete_definition(self, call: Call) -> dict[str, Any]:
        saved.delete_definition(self._state, call.place, call.get("queryDefinitionId"))
        return {"success": True}

    def _put_policy(self, call: Call) -> dict[str, Any]:
        name, document = call.get("policyName"), call.get("policyDocument")
        if not name or not document:
            raise invalid("A policy needs a name and a document.")
        policy = saved.ResourcePolicy(name, document, now_ms(call))
        saved.put_policy(self._state, call.place, policy)
        return {"resourcePolicy": _policy(policy) | {"policyDocument": document}}

    def _describe_policies(self, call: Call) -> dict[str, Any]:
        held = self._state.all(saved.RESOURCE_POLICIES, call.place).values()
        limit = call.get("limit") or POLICIES_A_PAGE
        try:
            given, token = page(held, lambda one: one.name, limit, call.get("nextToken"))
        except BadToken as error:
            raise invalid_token() from error
        return {"resourcePolicies": [_policy(one) for one in given], "nextToken": token}

    def _delete_policy(self, call: Call) -> None:
        saved.delete_policy(self._state, call.place, call.get("policyName") or "")


def _definition(one: saved.QueryDefinition) -> dict[str, Any]:
    return {
        "queryDefinitionId": one.definition_id,
        "name": one.name,
        "queryString": one.query,
        "lastModified": one.changed_ms,
        "logGroupNames": list(one.log_groups),
        "queryLanguage": one.language or "CWLI",
        "parameters": [dict(parameter) for parameter in one.parameters] or None,
    }


def _as_kept(document: str) -> str:
    """A document as AWS gives it back: with a version, and one service without a list."""
    read = json.loads(document)
    statements = read.get("Statement")
    for one in statements if isinstance(statements, list) else [statements]:
        principal = one.get("Principal") if isinstance(one, dict) else None
        if isinstance(principal, dict):
            one["Principal"] = {
                kind: names[0] if isinstance(names, list) and len(names) == 1 else names
                for kind, names in principal.items()
            }
    return json.dumps({"Version": "2008-10-17"} | read)


def _policy(policy: saved.ResourcePolicy) -> dict[str, Any]:
    return {
        "policyName": policy.name,
        "policyDocument": _as_kept(policy.document),
        "lastUpdatedTime": policy.changed_ms,
        "policyScope": "ACCOUNT",
    }
