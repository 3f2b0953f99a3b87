"""CloudWatch's metrics, as far as log filters and dashboards need them."""

from vpcflow.api.aws.monitoring.service import service

__all__ = ["service"]
