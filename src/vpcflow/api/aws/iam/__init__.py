"""AWS IAM, as far as the command line and Terraform need it."""

from dataclasses import replace
from functools import partial

from vpcflow.api.aws.iam.account import AccountOperations
from vpcflow.api.aws.iam.attachments import Attachments
from vpcflow.api.aws.iam.lookup import condition_keys
from vpcflow.api.aws.iam.policies import Policies
from vpcflow.api.aws.iam.roles import Roles
from vpcflow.api.aws.iam.service_linked_roles import ServiceLinkedRoles
from vpcflow.api.aws.iam.users import Users
from vpcflow.api.aws.operation import Service
from vpcflow.control.state import State


def service(state: State) -> Service:
    """IAM over the identities of a State."""
    parts = (
        Users(state),
        Roles(state),
        ServiceLinkedRoles(state),
        Policies(state),
        Attachments(state),
        AccountOperations(state),
    )
    keys = partial(condition_keys, state)
    every = [each for part in parts for each in part.operations()]
    return Service.of("iam", [replace(each, context=keys) for each in every])


__all__ = ["service"]
