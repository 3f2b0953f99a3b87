"""STS's operations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from vpcflow.api.aws.operation import Call, Operation, Service
from vpcflow.base.errors import ServiceError
from vpcflow.control.caller import CallerKind
from vpcflow.control.identity import (
    ROLES,
    Role,
    TemporaryKey,
    attachable_policy,
    find_key,
    iam_arn,
    iam_place,
    issue_temporary_key,
)
from vpcflow.control.permissions import (
    Permissions,
    check_policy,
    evaluate_resource_policy,
    refused,
)
from vpcflow.control.state import State
from vpcflow.control.tags import tag_conditions

Answer = Mapping[str, Any] | None
#: Seconds: the shortest and the usual session; a role assumed by a role's session gets an hour.
SHORTEST_S, USUAL_S, CHAINED_MAX_S = 900, 3600, 3600
SESSION_TOKEN_USUAL_S, SESSION_TOKEN_MAX_S = 43_200, 129_600
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_TAGS_MAX = 50
#: Characters of a session's policy.
SESSION_POLICY_SIZE_MAX = 2_048


def service(state: State, permissions: Permissions) -> Service:
    """STS over the identities of a State."""
    sts = _Sts(state, permissions)
    mfa = "there are no MFA devices here"
    return Service.of(
        "sts",
        [
            Operation(
                "GetCallerIdentity",
                sts.caller_identity,
                authorizes_itself=True,
                note="allowed to everyone, as at AWS",
            ),
            Operation(
                "AssumeRole",
                sts.assume_role,
                "RoleArn RoleSessionName Policy PolicyArns DurationSeconds Tags TransitiveTagKeys "
                "ExternalId SourceIdentity",
                authorizes_itself=True,
                note="the root may assume a role that trusts its account, which AWS refuses; "
                f"{mfa}",
            ),
            Operation(
                "GetSessionToken",
                sts.session_token,
                "DurationSeconds",
                authorizes_itself=True,
                note=f"allowed to every user, as at AWS; {mfa}",
            ),
            Operation(
                "GetFederationToken",
                sts.federation_token,
                "Name Policy PolicyArns DurationSeconds Tags",
                resources=lambda call: (_federated_arn(call),),
                note="without a policy, only policies of resources allow anything, as at AWS",
            ),
            Operation("GetAccessKeyInfo", sts.key_info, "AccessKeyId"),
            Operation(
                "DecodeAuthorizationMessage",
                sts.decode_message,
                "EncodedMessage",
                note="refused: refusals here are never encoded",
            ),
        ],
    )


class _Sts:
    def __init__(self, state: State, permissions: Permissions) -> None:
        self._state = state
        self._permissions = permissions

    def caller_identity(self, call: Call) -> Answer:
        caller = call.caller
        return {"UserId": caller.user_id, "Account": caller.account_id, "Arn": caller.arn}

    def assume_role(self, call: Call) -> Answer:
        arn, session = str(call.get("RoleArn")), str(call.get("RoleSessionName"))
        if not _SESSION_NAME.fullmatch(session):
            raise _invalid(
                f"1 validation error detected: Value '{session}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"
            )
        parts = arn.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn" or not all(parts[n] for n in (1, 2, 5)):
            raise _invalid(f"{arn} is invalid")
        tags = _tags(call)
        _check_inherited(call, tags)
        account_id, role = self._role(arn)
        self._check_may_assume(call, arn, account_id, role, tags)
        handed_on = {key.lower() for key in call.get("TransitiveTagKeys") or ()}
        handed_on |= {key.lower() for key in call.caller.transitive_tags}
        tags = {**call.caller.transitive_tags, **tags}
        assert role is not None
        duration_s = int(call.get("DurationSeconds") or USUAL_S)
        if call.caller.kind is CallerKind.ROLE and duration_s > CHAINED_MAX_S:
            raise _invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining"
            )
        if not SHORTEST_S <= duration_s <= role.session_max_s:
            raise _invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
                if duration_s > role.session_max_s
                else f"DurationSeconds must be at least {SHORTEST_S}"
            )
        session_policy = self._session_policy(call, account_id)
        with self._state.change() as change:
            key = issue_temporary_key(
                change,
                account_id,
                call.now_s,
                duration_s,
                role_name=role.name,
                session_name=session,
                principal_id=role.unique_id,
                session_policy=session_policy,
                tags=tags,
                transitive=[key for key in tags if key.lower() in handed_on],
            )
        answer: dict[str, Any] = {
            "Credentials": _credentials(key),
            "AssumedRoleUser": {
                "AssumedRoleId": f"{role.unique_id}:{session}",
                "Arn": f"arn:aws:sts::{account_id}:assumed-role/{role.name}/{session}",
            },
        }
        if key.session_policy is not None or tags:
            answer["PackedPolicySize"] = _packed(key.session_policy or "", tags)
        if call.get("SourceIdentity"):
            answer["SourceIdentity"] = call.get("SourceIdentity")
        return answer

    def _role(self, arn: str) -> tuple[str, Role | None]:
        parts = arn.split(":", 5)
        name = parts[5].rsplit("/", 1)[-1]
        role = self._state.get(ROLES, iam_place(parts[4]), name)
        if role is None or iam_arn(parts[4], "role", role.path, role.name) != arn:
            return parts[4], None
        return parts[4], role

    def _check_may_assume(
        self, call: Call, arn: str, account_id: str, role: Role | None, tags: Mapping[str, str]
    ) -> None:
        """Both sides must agree: the role's trust, and the caller's own policies.

        Errors: ServiceError ``AccessDenied``, the same for a role that does not exist.
        """
        context: dict[str, Any] = {
            "sts:RoleSessionName": call.get("RoleSessionName"),
            "sts:ExternalId": call.get("ExternalId"),
            "sts:SourceIdentity": call.get("SourceIdentity"),
            "aws:RequestedRegion": call.region,
            "aws:SourceIp": call.raw.client or None,
            **tag_conditions(tags),
        }
        actions = ["sts:AssumeRole"]
        if tags:
            actions.append("sts:TagSession")
        if call.get("SourceIdentity"):
            actions.append("sts:SetSourceIdentity")
        for action in actions:
            why = self._refusal(call, action, arn, account_id, role, context)
            if why is not None:
                raise refused(call.caller, action, arn, why)

    def _refusal(
        self,
        call: Call,
        action: str,
        arn: str,
        account_id: str,
        role: Role | None,
        context: Mapping[str, Any],
    ) -> str | None:
        if role is None:
            # The words of a role that trusts others: who may not know learns nothing.
            return f"because no role trust policy allows the {action} action"
        keys = self._permissions.context_of(call.caller, context)
        decision = evaluate_resource_policy(
            role.trust, call.caller, action, arn, keys, principal_arn=keys["aws:principalarn"][0]
        )
        if decision.denied:
            return "with an explicit deny in the role trust policy"
        if not decision.allowed:
            return f"because no role trust policy allows the {action} action"
        own = account_id == call.caller.account_id
        return self._permissions.refusal(
            call.caller, action, arn, context, granted=own and decision.named
        )

    def _session_policy(self, call: Call, account_id: str) -> str | None:
        """The session's policy: all that are given count together."""
        texts: list[str] = [str(call.get("Policy"))] if call.get("Policy") else []
        if any(len(text) > SESSION_POLICY_SIZE_MAX for text in texts):
            raise ServiceError(
                "PackedPolicyTooLarge",
                f"A session policy has at most {SESSION_POLICY_SIZE_MAX} characters.",
            )
        for each in call.get("PolicyArns") or ():
            policy = attachable_policy(self._state, account_id, str(each.get("arn", "")))
            if policy is None:
                raise ServiceError(
                    "MalformedPolicyDocument",
                    f"Policy {each.get('arn')} does not exist or is not attachable.",
                )
            texts.append(policy.document)
        if not texts:
            return None
        for text in texts:
            check_policy(text)
        if len(texts) == 1:
            return texts[0]
        statements: list[Any] = []
        for text in texts:
            found = json.loads(text)["Statement"]
            statements += found if isinstance(found, list) else [found]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    def session_token(self, call: Call) -> Answer:
        if call.caller.kind is CallerKind.ROLE or _is_temporary(call):
            raise ServiceError(
                "AccessDenied", "Cannot call GetSessionToken with session credentials", status=403
            )
        duration_s = self._session_duration_s(call)
        name = call.caller.name if call.caller.kind is CallerKind.USER else ""
        with self._state.change() as change:
            key = issue_temporary_key(
                change,
                call.caller.account_id,
                call.now_s,
                duration_s,
                user_name=name,
                principal_id=call.caller.user_id if name else "",
            )
        return {"Credentials": _credentials(key)}

    def federation_token(self, call: Call) -> Answer:
        caller = call.caller
        if caller.kind not in (CallerKind.ROOT, CallerKind.USER) or _is_temporary(call):
            raise ServiceError(
                "AccessDenied",
                "Cannot call GetFederationToken with session credentials",
                status=403,
            )
        name = str(call.get("Name"))
        duration_s = self._session_duration_s(call)
        tags = _tags(call)
        given = self._session_policy(call, caller.account_id)
        with self._state.change() as change:
            key = issue_temporary_key(
                change,
                caller.account_id,
                call.now_s,
                duration_s,
                session_name=name,
                user_name="" if caller.is_root else caller.name,
                principal_id="" if caller.is_root else caller.user_id,
                session_policy=_federated_policy(given),
                tags=tags,
            )
        return {
            "Credentials": _credentials(key),
            "FederatedUser": {
                "FederatedUserId": f"{caller.account_id}:{name}",
                "Arn": _federated_arn(call),
            },
            "PackedPolicySize": _packed(given or "", tags) if given or tags else 0,
        }

    @staticmethod
    def _session_duration_s(call: Call) -> int:
        """Seconds that a session of the caller itself may last."""
        duration_s = int(call.get("DurationSeconds") or SESSION_TOKEN_USUAL_S)
        if not SHORTEST_S <= duration_s <= SESSION_TOKEN_MAX_S:
            raise _invalid(
                f"DurationSeconds must be between {SHORTEST_S} and {SESSION_TOKEN_MAX_S}"
            )
        return min(duration_s, USUAL_S) if call.caller.is_root else duration_s

    def key_info(self, call: Call) -> Answer:
        key = find_key(self._state, str(call.get("AccessKeyId")))
        if key is None:
            raise _invalid("Access key is not valid.")
        return {"Account": key.account_id}

    def decode_message(self, call: Call) -> Answer:
        raise ServiceError(
            "InvalidAuthorizationMessageException",
            "The message was not encoded here: a refusal names the missing permission openly.",
        )


def _is_temporary(call: Call) -> bool:
    return call.caller.access_key_id.startswith("ASIA")


def _federated_arn(call: Call) -> str:
    return f"arn:aws:sts::{call.caller.account_id}:federated-user/{call.get('Name')}"


def _federated_policy(given: str | None) -> str:
    """What narrows a federated user: the given policy, and neither IAM nor STS, as at AWS."""
    found = json.loads(given)["Statement"] if given else []
    statements = found if isinstance(found, list) else [found]
    never = {"Effect": "Deny", "Action": ["iam:*", "sts:*"], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements, never]})


def _packed(policy: str, tags: Mapping[str, str]) -> int:
    """Percent of the room for a session's policy and tags."""
    size = len(policy) + sum(map(len, (*tags, *tags.values())))
    return min(100, 1 + size * 100 // 4096)


def _check_inherited(call: Call, tags: Mapping[str, str]) -> None:
    """Refuse tags whose keys the session of the caller hands on.

    Errors: ServiceError ``InvalidParameterValue``.
    """
    inherited = {key.lower() for key in call.caller.transitive_tags}
    if any(key.lower() in inherited for key in tags):
        raise ServiceError(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a "
            "transitive tag key from the calling session.",
        )


def _tags(call: Call) -> dict[str, str]:
    given: Sequence[Mapping[str, str]] = call.get("Tags") or ()
    tags = {tag.get("Key", ""): tag.get("Value", "") for tag in given}
    keys = {key.lower() for key in tags}
    if len(keys) < len(given):
        raise ServiceError(
            "InvalidParameterValue",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        )
    if not keys.issuperset(key.lower() for key in call.get("TransitiveTagKeys") or ()):
        raise ServiceError(
            "InvalidParameterValue",
            "The specified transitive tag key must be included in the requested tags.",
        )
    if len(tags) > _TAGS_MAX or "" in tags:
        raise _invalid(f"Session tags are 1 to {_TAGS_MAX} keys with values")
    return tags


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


def _credentials(key: TemporaryKey) -> dict[str, Any]:
    return {
        "AccessKeyId": key.key_id,
        "SecretAccessKey": key.secret,
        "SessionToken": key.token,
        "Expiration": datetime.fromtimestamp(int(key.expires_s), UTC),
    }
