"""IAM's operations on the roles of AWS's services."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from vpcflow.api.aws.iam import show
from vpcflow.api.aws.iam.lookup import no_such, place_of, role_of
from vpcflow.api.aws.operation import Call, Operation
from vpcflow.base.errors import ServiceError
from vpcflow.control.identity import (
    ROLES,
    SERVICE_LINKED_ROLES,
    SERVICE_ROLE_PATH,
    Role,
    ServiceLinkedRole,
    iam_arn,
    unique_id,
)
from vpcflow.control.state import State

Answer = Mapping[str, Any] | None
_TASK = "task"


class ServiceLinkedRoles:
    """Roles that are made for a service, by its name."""

    def __init__(self, state: State) -> None:
        self._state = state

    def operations(self) -> list[Operation]:
        """All of them."""
        return [
            Operation(
                "CreateServiceLinkedRole",
                self.create,
                "AWSServiceName Description CustomSuffix",
                resources=_arn_to_be,
                note="kept and shown; no service assumes it, and the policy's text is not here",
            ),
            Operation("DeleteServiceLinkedRole", self.delete, "RoleName", resources=self._arn),
            Operation(
                "GetServiceLinkedRoleDeletionStatus",
                self.deletion_status,
                "DeletionTaskId",
                note="a role is deleted at once, so every deletion has succeeded",
            ),
        ]

    def create(self, call: Call) -> Answer:
        """Make the role of a service."""
        service, suffix = str(call.get("AWSServiceName")), call.get("CustomSuffix") or ""
        linked = SERVICE_LINKED_ROLES.get(service)
        if linked is None:
            raise ServiceError("InvalidInput", f"The service name {service} is not valid.")
        if suffix and not linked.takes_suffix:
            raise ServiceError("InvalidInput", f"Custom suffix is not allowed for {service}")
        name = _name(linked, suffix)
        role = Role(
            name,
            unique_id("AROA"),
            call.now_s,
            linked.trust,
            linked.path,
            call.get("Description"),
            attached=(linked.policy_arn,),
        )
        with self._state.change() as change:
            if change.get(ROLES, place_of(call), name) is not None:
                raise ServiceError(
                    "InvalidInput",
                    f"Service role name {name} has been taken in this account, please try a "
                    "different suffix.",
                )
            change.put(ROLES, place_of(call), name, role)
        return {"Role": show.role(call.caller.account_id, role, "create")}

    def delete(self, call: Call) -> Answer:
        """Remove it, at once."""
        with self._state.change() as change:
            role = role_of(change, call)
            if not role.path.startswith(SERVICE_ROLE_PATH):
                raise no_such(f"The service linked role with name {role.name} cannot be found.")
            change.remove(ROLES, place_of(call), role.name)
        return {"DeletionTaskId": f"{_TASK}{role.path}{role.name}/{uuid.uuid4()}"}

    def deletion_status(self, call: Call) -> Answer:
        """How a deletion went."""
        task = str(call.get("DeletionTaskId"))
        parts = task.split("/")
        if not task.startswith(f"{_TASK}{SERVICE_ROLE_PATH}") or len(parts) != 5:
            raise no_such(f"The deletion task with id {task} cannot be found.")
        return {"Status": "SUCCEEDED"}

    def _arn(self, call: Call) -> Sequence[str]:
        name = str(call.get("RoleName"))
        found = self._state.get(ROLES, place_of(call), name)
        return (iam_arn(call.caller.account_id, "role", found.path if found else "/", name),)


def _name(linked: ServiceLinkedRole, suffix: str) -> str:
    return f"{linked.role_name}_{suffix}" if suffix else linked.role_name


def _arn_to_be(call: Call) -> Sequence[str]:
    service = str(call.get("AWSServiceName"))
    linked = SERVICE_LINKED_ROLES.get(service)
    name = _name(linked, call.get("CustomSuffix") or "") if linked else "*"
    return (iam_arn(call.caller.account_id, "role", f"{SERVICE_ROLE_PATH}{service}/", name),)
