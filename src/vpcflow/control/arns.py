"""ARNs: the names of resources across services, accounts and regions."""

from __future__ import annotations

from dataclasses import dataclass

from vpcflow.base.errors import ServiceError


def partition_of(region: str) -> str:
    """The partition that a region belongs to; AWS's own one for what is no AWS region."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    return "aws"


@dataclass(frozen=True, slots=True)
class Arn:
    """``arn:partition:service:region:account:resource``."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Read an ARN.

        Errors: ServiceError ``InvalidParameterValue`` for anything else.
        """
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
            raise ServiceError("InvalidParameterValue", f"Invalid ARN: {text}")
        return cls(*parts[1:])

    def __str__(self) -> str:
        return (
            f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"
        )


def arn(service: str, region: str, account_id: str, resource: str, *, within: str = "") -> str:
    """The text of an ARN; ``within`` is the region that names the partition where ``region`` is empty."""
    return str(Arn(partition_of(region or within), service, region, account_id, resource))
