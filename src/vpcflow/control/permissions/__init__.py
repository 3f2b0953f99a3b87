"""Who may do what: policy documents, their evaluation, and the check of delivery roles."""

from vpcflow.control.permissions.authorizer import WORDED_FOR, Permissions, refused
from vpcflow.control.permissions.conditions import as_context
from vpcflow.control.permissions.delivery_role import LOG_GROUP_ACTIONS, chain_problem, role_problem
from vpcflow.control.permissions.document import PolicyUse, check_policy
from vpcflow.control.permissions.evaluate import (
    Decision,
    Outcome,
    evaluate,
    evaluate_resource_policy,
)

__all__ = [
    "LOG_GROUP_ACTIONS",
    "WORDED_FOR",
    "Decision",
    "Outcome",
    "Permissions",
    "PolicyUse",
    "as_context",
    "chain_problem",
    "check_policy",
    "evaluate",
    "evaluate_resource_policy",
    "refused",
    "role_problem",
]
