"""Says whether a caller may do something, and if not, which permission is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from vpcflow.base.clock import Clock, SystemClock
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import Caller, CallerKind
from vpcflow.control.identity import ROLES, documents_of_caller, iam_arn, iam_place
from vpcflow.control.permissions.conditions import as_context
from vpcflow.control.permissions.evaluate import Outcome, evaluate, evaluate_resource_policy
from vpcflow.control.state import State

#: A key of the context that is no condition: the service whose words a refusal uses, where that is
#: not the action's own, as for ``iam:PassRole`` within ``ec2:CreateFlowLogs``.
WORDED_FOR = "vpcflow:WordedFor"
#: Services whose refusals come as XML with AccessDenied.
_ACCESS_DENIED = frozenset({"iam", "sts", "sns", "s3"})
_KIND_WORDS = {
    CallerKind.ROOT: "Account",
    CallerKind.USER: "User",
    CallerKind.ROLE: "AssumedRole",
    CallerKind.FEDERATED: "FederatedUser",
}


class Permissions:
    """The Authorizer of all services: identity policies, boundary, session and resource policies.

    Shape: the root of an account may do everything in it. Condition keys that follow from the
    caller and the clock are added to the context of every question.
    """

    def __init__(self, state: State, clock: Clock | None = None) -> None:
        self._state = state
        self._clock = clock or SystemClock()

    def __call__(
        self,
        caller: Caller,
        action: str,
        resources: Sequence[str],
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Raise ServiceError, with the missing permission, unless all resources are allowed."""
        for resource in resources or ("*",):
            self.check(caller, action, resource, context)

    def check(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any] | None = None,
        *,
        resource_policy: str | None = None,
        owner: str | None = None,
    ) -> None:
        """The same for one resource, which may have a policy and another owner.

        Errors: ServiceError in the words of the action's service.
        """
        why = self.refusal(
            caller, action, resource, context, resource_policy=resource_policy, owner=owner
        )
        if why is not None:
            worded_for = (context or {}).get(WORDED_FOR) or action.split(":", maxsplit=1)[0]
            raise refused(caller, action, resource, why, worded_for)

    def allows(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any] | None = None,
        *,
        resource_policy: str | None = None,
        owner: str | None = None,
    ) -> bool:
        """Whether the caller may do that."""
        return (
            self.refusal(
                caller, action, resource, context, resource_policy=resource_policy, owner=owner
            )
            is None
        )

    def refusal(
        self,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any] | None = None,
        *,
        resource_policy: str | None = None,
        owner: str | None = None,
        granted: bool = False,
    ) -> str | None:
        """Why not, as the end of AWS's sentence; None when it is allowed.

        Shape: within one account an Allow of the resource's policy that names the caller is enough;
        across accounts both sides must allow. ``owner`` is the account of the resource. ``granted``
        says that such an Allow was found already, as in the trust of a role.
        """
        foreign = owner is not None and owner != caller.account_id
        if caller.is_root and not foreign and not resource_policy and not caller.session_policy:
            return None
        keys = self.context_of(caller, context)
        if resource_policy:
            decision = evaluate_resource_policy(
                resource_policy,
                caller,
                action,
                resource,
                keys,
                principal_arn=keys["aws:principalarn"][0],
            )
            if decision.denied:
                return "with an explicit deny in a resource-based policy"
            granted = decision.allowed and (foreign or decision.named)
        if foreign and not granted:
            return f"because no resource-based policy allows the {action} action"
        return self._identity_refusal(caller, action, resource, keys, granted and not foreign)

    def context_of(
        self, caller: Caller, context: Mapping[str, Any] | None = None
    ) -> dict[str, tuple[str, ...]]:
        """The condition keys of a request, with those of its caller."""
        now_s = self._clock.now_s()
        keys: dict[str, tuple[str, ...]] = {
            "aws:principalaccount": (caller.account_id,),
            "aws:principalarn": (self._principal_arn(caller),),
            "aws:principaltype": (_KIND_WORDS[caller.kind],),
            "aws:userid": (caller.user_id,),
            "aws:currenttime": (datetime.fromtimestamp(now_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
            "aws:epochtime": (str(int(now_s)),),
        }
        if caller.kind is CallerKind.USER:
            keys["aws:username"] = (caller.name,)
        for key, value in caller.tags.items():
            keys[f"aws:principaltag/{key}".lower()] = (value,)
        keys.update(as_context(context))
        return keys

    def _principal_arn(self, caller: Caller) -> str:
        if caller.kind is not CallerKind.ROLE:
            return caller.arn
        role = self._state.get(ROLES, iam_place(caller.account_id), caller.name)
        return iam_arn(caller.account_id, "role", role.path if role else "/", caller.name)

    def _identity_refusal(
        self,
        caller: Caller,
        action: str,
        resource: str,
        keys: Mapping[str, Sequence[str]],
        granted: bool,
    ) -> str | None:
        if caller.is_root or (caller.kind is CallerKind.FEDERATED and not caller.name):
            identity, boundary = Outcome.ALLOW, None
        else:
            documents = documents_of_caller(self._state, caller)
            identity = evaluate(documents.identity, action, resource, keys)
            boundary = documents.boundary
        layers = [("an identity-based policy", "identity-based policy", identity)]
        if boundary is not None:
            said = evaluate((boundary,), action, resource, keys)
            layers.append(("a permissions boundary", "permissions boundary", said))
        if caller.session_policy is not None:
            said = evaluate((caller.session_policy,), action, resource, keys)
            layers.append(("a session policy", "session policy", said))
        for a_kind, _, outcome in layers:
            if outcome is Outcome.DENY:
                return f"with an explicit deny in {a_kind}"
        if granted:
            # A grant to a role is one to what its boundary and its session leave of it.
            layers = layers[1:] if caller.kind is CallerKind.ROLE else []
        for _, kind, outcome in layers:
            if outcome is not Outcome.ALLOW:
                return f"because no {kind} allows the {action} action"
        return None


def refused(
    caller: Caller, action: str, resource: str, why: str, worded_for: str | None = None
) -> ServiceError:
    """The refusal of a service, which names the permission."""
    service = worded_for or action.split(":", maxsplit=1)[0]
    sentence = (
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {why}"
    )
    if service == "ec2":
        return ServiceError(
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. {sentence}",
            status=403,
        )
    if service in _ACCESS_DENIED:
        return ServiceError("AccessDenied", sentence, status=403)
    return ServiceError("AccessDeniedException", sentence)
