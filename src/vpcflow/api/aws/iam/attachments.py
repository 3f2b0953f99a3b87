"""IAM's operations on the policies that a user, a group or a role has: inline and attached."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vpcflow.api.aws.iam.lookup import (
    View,
    changeable_role_of,
    check_size,
    encoded,
    group_of,
    limit,
    no_such,
    paged,
    place_of,
    role_of,
    user_of,
)
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.identity import (
    ATTACHED_MAX,
    GROUPS,
    ROLES,
    USERS,
    Group,
    Role,
    User,
    attachable_policy,
    iam_arn,
)
from vpcflow.control.permissions import check_policy
from vpcflow.control.state import Kind, State

Answer = Mapping[str, Any] | None
Holder = User | Group | Role


@dataclass(frozen=True)
class _Sort:
    """One of the three kinds that hold policies."""

    noun: str
    kind: Kind[Any]
    find: Callable[[View, Call], Holder]
    #: Characters of all its inline policies together.
    inline_size_max: int

    def find_changeable(self, view: View, call: Call) -> Holder:
        """The same, but for a role that only AWS changes.

        Errors: ServiceError ``UnmodifiableEntity``.
        """
        return changeable_role_of(view, call) if self.noun == "Role" else self.find(view, call)

    @property
    def word(self) -> str:
        return self.noun.lower()


_SORTS = (
    _Sort("User", USERS, user_of, 2_048),
    _Sort("Group", GROUPS, group_of, 5_120),
    _Sort("Role", ROLES, role_of, 10_240),
)


class Attachments:
    """The same operations for each of the three."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        found: list[Operation] = []
        for sort in _SORTS:
            noun = sort.noun

            def made(
                operation: str,
                handle: Callable[[_Sort, Call], Answer],
                takes: str,
                sort: _Sort = sort,
            ) -> Operation:
                return Operation(
                    operation,
                    lambda call: handle(sort, call),
                    f"{sort.noun}Name {takes}",
                    resources=lambda call: self._arn(sort, call),
                )

            found += [
                made(f"Put{noun}Policy", self._put_inline, "PolicyName PolicyDocument"),
                made(f"Get{noun}Policy", self._get_inline, "PolicyName"),
                made(f"Delete{noun}Policy", self._delete_inline, "PolicyName"),
                made(f"List{noun}Policies", self._list_inline, "Marker MaxItems"),
                made(f"Attach{noun}Policy", self._attach, "PolicyArn"),
                made(f"Detach{noun}Policy", self._detach, "PolicyArn"),
                made(
                    f"ListAttached{noun}Policies",
                    self._list_attached,
                    "PathPrefix Marker MaxItems",
                ),
            ]
        return found

    def _arn(self, sort: _Sort, call: Call) -> Sequence[str]:
        name = str(call.get(f"{sort.noun}Name"))
        found = self._state.get(sort.kind, place_of(call), name)
        return (iam_arn(call.caller.account_id, sort.word, found.path if found else "/", name),)

    def _put_inline(self, sort: _Sort, call: Call) -> Answer:
        name, document = str(call.get("PolicyName")), str(call.get("PolicyDocument"))
        with self._state.change() as change:
            holder = sort.find_changeable(change, call)
            check_policy(document)
            most, others = sort.inline_size_max, {**holder.inline}
            others.pop(name, None)
            check_size(
                document,
                most,
                f"Maximum policy size of {most} bytes exceeded for {sort.word} {holder.name}",
                others.values(),
            )
            changed = replace(holder, inline={**holder.inline, name: document})
            change.put(sort.kind, place_of(call), holder.name, changed)
        return None

    def _get_inline(self, sort: _Sort, call: Call) -> Answer:
        holder, name = sort.find(self._state, call), str(call.get("PolicyName"))
        if name not in holder.inline:
            raise no_such(f"The {sort.word} policy with name {name} cannot be found.")
        return {
            f"{sort.noun}Name": holder.name,
            "PolicyName": name,
            "PolicyDocument": encoded(holder.inline[name]),
        }

    def _delete_inline(self, sort: _Sort, call: Call) -> Answer:
        name = str(call.get("PolicyName"))
        with self._state.change() as change:
            holder = sort.find_changeable(change, call)
            if name not in holder.inline:
                raise no_such(f"The {sort.word} policy with name {name} cannot be found.")
            inline = {each: text for each, text in holder.inline.items() if each != name}
            change.put(sort.kind, place_of(call), holder.name, replace(holder, inline=inline))
        return None

    def _list_inline(self, sort: _Sort, call: Call) -> Answer:
        holder = sort.find(self._state, call)
        return paged(call, "PolicyNames", holder.inline, str, str)

    def _attach(self, sort: _Sort, call: Call) -> Answer:
        arn = str(call.get("PolicyArn"))
        if not arn.startswith("arn:"):
            raise ServiceError("ValidationError", "Invalid ARN:  Could not be parsed!")
        with self._state.change() as change:
            holder = sort.find_changeable(change, call)
            if attachable_policy(change, call.caller.account_id, arn) is None:
                raise no_such(f"Policy {arn} does not exist or is not attachable.")
            attached = tuple(dict.fromkeys((*holder.attached, arn)))
            if len(attached) > ATTACHED_MAX:
                raise limit(f"PoliciesPer{sort.noun}", ATTACHED_MAX)
            change.put(sort.kind, place_of(call), holder.name, replace(holder, attached=attached))
        return None

    def _detach(self, sort: _Sort, call: Call) -> Answer:
        arn = str(call.get("PolicyArn"))
        with self._state.change() as change:
            holder = sort.find_changeable(change, call)
            if arn not in holder.attached:
                raise no_such(f"Policy {arn} was not found.")
            attached = tuple(each for each in holder.attached if each != arn)
            change.put(sort.kind, place_of(call), holder.name, replace(holder, attached=attached))
        return None

    def _list_attached(self, sort: _Sort, call: Call) -> Answer:
        holder = sort.find(self._state, call)
        prefix = str(call.get("PathPrefix") or "/")
        arns = [arn for arn in holder.attached if _path(arn).startswith(prefix)]
        return paged(
            call,
            "AttachedPolicies",
            arns,
            str,
            lambda arn: {"PolicyName": arn.rsplit("/", 1)[1], "PolicyArn": arn},
        )


def _path(arn: str) -> str:
    return "/" + arn.split(":", 5)[5].removeprefix("policy/").rpartition("/")[0]
