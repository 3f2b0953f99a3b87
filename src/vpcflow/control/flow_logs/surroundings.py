"""What flow logs ask of the rest of the control plane, handed in so that neither knows the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from vpcflow.control.state import Place


class Authorize(Protocol):
    """Says no to the caller of a request, or nothing."""

    def __call__(
        self, action: str, resources: Sequence[str], context: Mapping[str, Any] | None = None
    ) -> None:
        """Raise ServiceError unless the caller may do that."""


#: Whether the caller may read and write the policy of a bucket, by its ARN.
MayAttach = Callable[[str], bool]


def allow_all(
    action: str,
    resources: Sequence[str],
    context: Mapping[str, Any] | None = None,
) -> None:
    """The account itself may do everything."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What exists around flow logs.

    Shape: ``resource_exists(place, resource_type, id)`` for VPC, Subnet and NetworkInterface; it is
    asked within a change, so it reads the State and nothing slow.
    ``role_problem(place, role_arn, log_group_name, flow_log_id)`` is a sentence on why the role cannot
    deliver to the log group, or None. ``bucket_problem(place, bucket, prefix, hive, may_attach)`` is AWS's
    code and message where nothing can be delivered to the folder, or None; it may give the delivery
    its right to an own bucket, if the caller may do that, so it is asked last.
    ``stream_problem(place, stream_arn, role_arn, cross_account_role_arn)`` is the same of a delivery
    stream. Both may take a while.
    """

    resource_exists: Callable[[Place, str, str], bool]
    role_problem: Callable[[Place, str, str, str], str | None]
    bucket_problem: Callable[[Place, str, str, bool, MayAttach], tuple[str, str] | None]
    stream_problem: Callable[[Place, str, str | None, str | None], tuple[str, str] | None]
