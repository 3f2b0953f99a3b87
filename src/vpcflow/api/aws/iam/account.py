"""IAM's operations on the account itself, and its simulator of policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vpcflow.api.aws.iam.lookup import View, exists, invalid, no_such, paged, place_of
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.control.identity import (
    ACCESS_KEYS,
    ACCOUNTS,
    ATTACHED_MAX,
    GROUPS,
    INSTANCE_PROFILES,
    KEYS_PER_USER_MAX,
    MANAGED_POLICIES,
    ROLES,
    USERS,
    VERSIONS_PER_POLICY_MAX,
    Group,
    Role,
    User,
    documents_of,
)
from vpcflow.control.permissions import Outcome, as_context, check_policy, evaluate
from vpcflow.control.state import GLOBAL, State

Answer = Mapping[str, Any] | None
_DECISIONS = {
    Outcome.ALLOW: "allowed",
    Outcome.DENY: "explicitDeny",
    Outcome.NOTHING: "implicitDeny",
}
#: Characters of policies that one simulation reads, each for every action on every resource.
SIMULATED_SIZE_MAX = 20_000_000
_SIMULATED = (
    "PolicyInputList PermissionsBoundaryPolicyInputList ActionNames ResourceArns ContextEntries"
)


class AccountOperations:
    """What is told of an account as a whole."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        page = "Marker MaxItems"
        return [
            Operation("GetAccountSummary", self.summary),
            Operation("ListAccountAliases", self.aliases, page),
            Operation("CreateAccountAlias", self.create_alias, "AccountAlias"),
            Operation("DeleteAccountAlias", self.delete_alias, "AccountAlias"),
            Operation(
                "SimulatePrincipalPolicy",
                self.simulate_principal,
                f"PolicySourceArn {_SIMULATED} {page}",
                {"CallerArn": "resource policies are not simulated"},
            ),
            Operation("SimulateCustomPolicy", self.simulate_custom, f"{_SIMULATED} {page}"),
        ]

    def summary(self, call: Call) -> Answer:
        place = place_of(call)
        counts = {
            "Users": len(self._state.all(USERS, place)),
            "Groups": len(self._state.all(GROUPS, place)),
            "Roles": len(self._state.all(ROLES, place)),
            "Policies": len(self._state.all(MANAGED_POLICIES, place)),
            "InstanceProfiles": len(self._state.all(INSTANCE_PROFILES, place)),
            "AccountMFAEnabled": 0,
            "AccountAccessKeysPresent": int(
                any(
                    key.account_id == call.caller.account_id and not key.user_name
                    for key in self._state.all(ACCESS_KEYS, GLOBAL).values()
                )
            ),
            "AccessKeysPerUserQuota": KEYS_PER_USER_MAX,
            "VersionsPerPolicyQuota": VERSIONS_PER_POLICY_MAX,
            "AttachedPoliciesPerUserQuota": ATTACHED_MAX,
            "AttachedPoliciesPerRoleQuota": ATTACHED_MAX,
            "AttachedPoliciesPerGroupQuota": ATTACHED_MAX,
        }
        return {"SummaryMap": counts}

    def aliases(self, call: Call) -> Answer:
        account = self._state.get(ACCOUNTS, GLOBAL, call.caller.account_id)
        aliases = [account.alias] if account and account.alias else []
        return paged(call, "AccountAliases", aliases, str, str)

    def create_alias(self, call: Call) -> Answer:
        alias = str(call.get("AccountAlias"))
        with self._state.change() as change:
            accounts = change.all(ACCOUNTS, GLOBAL)
            if any(each.alias == alias for each in accounts.values()):
                raise exists(f"The account alias {alias} already exists.")
            account = accounts[call.caller.account_id]
            change.put(ACCOUNTS, GLOBAL, account.account_id, replace(account, alias=alias))
        return None

    def delete_alias(self, call: Call) -> Answer:
        alias = str(call.get("AccountAlias"))
        with self._state.change() as change:
            account = change.get(ACCOUNTS, GLOBAL, call.caller.account_id)
            if account is None or account.alias != alias:
                raise no_such(f"The account alias with name {alias} cannot be found.")
            change.put(ACCOUNTS, GLOBAL, account.account_id, replace(account, alias=""))
        return None

    def simulate_principal(self, call: Call) -> Answer:
        arn = str(call.get("PolicySourceArn"))
        documents = documents_of(
            self._state, call.caller.account_id, _principal(self._state, call, arn)
        )
        more = tuple(call.get("PolicyInputList") or ())
        return _simulated(call, (*documents.identity, *more), documents.boundary)

    def simulate_custom(self, call: Call) -> Answer:
        return _simulated(call, tuple(call.get("PolicyInputList") or ()), None)


def _principal(view: View, call: Call, arn: str) -> User | Role | Group:
    place = place_of(call)
    name = arn.rsplit("/", 1)[-1]
    found: User | Role | Group | None = None
    if f":{call.caller.account_id}:user/" in arn:
        found = view.get(USERS, place, name)
    elif f":{call.caller.account_id}:role/" in arn:
        found = view.get(ROLES, place, name)
    elif f":{call.caller.account_id}:group/" in arn:
        found = view.get(GROUPS, place, name)
    if found is None:
        raise no_such(f"The entity {arn} cannot be found.")
    return found


def _simulated(call: Call, documents: tuple[str, ...], boundary: str | None) -> Answer:
    boundaries = list(call.get("PermissionsBoundaryPolicyInputList") or ())
    for document in (*(call.get("PolicyInputList") or ()), *boundaries):
        check_policy(document)
    boundaries += [boundary] if boundary is not None else []
    context = as_context(
        {
            entry["ContextKeyName"]: entry.get("ContextKeyValues", [])
            for entry in call.get("ContextEntries") or ()
            if "ContextKeyName" in entry
        }
    )
    actions, resources = call.get("ActionNames") or (), call.get("ResourceArns") or ("*",)
    size = sum(map(len, (*documents, *boundaries)))
    if len(actions) * len(resources) * max(size, 1_000) > SIMULATED_SIZE_MAX:
        raise invalid("The policies are too large for so many actions on so many resources.")
    results: list[dict[str, Any]] = []
    for action in actions:
        for resource in resources:
            said = evaluate(documents, action, resource, context)
            if boundaries and said is Outcome.ALLOW:
                said = evaluate(boundaries, action, resource, context)
            results.append(
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": _DECISIONS[said],
                    "EvalDecisionDetails": {},
                    "OrganizationsDecisionDetail": {"AllowedByOrganizations": True},
                    "MatchedStatements": [],
                    "MissingContextValues": [],
                }
            )
    numbered = list(enumerate(results))
    return paged(
        call, "EvaluationResults", numbered, lambda each: f"{each[0]:09d}", lambda each: each[1]
    )
