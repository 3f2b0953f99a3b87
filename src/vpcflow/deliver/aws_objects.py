"""Buckets elsewhere: AWS's, or those of any endpoint that speaks S3."""

from __future__ import annotations

from http import HTTPStatus

from vpcflow.deliver.aws_clients import ClientMaker, as_destination_error
from vpcflow.deliver.plan import DeliveryPlan
from vpcflow.deliver.settings import DeliverySettings

#: As AWS's log delivery sends it; buckets with ACLs switched off take it too.
OBJECT_ACL = "bucket-owner-full-control"


class AwsObjects:
    """Puts objects with the SDK; an object is there whole or not at all.

    Shape: credentials are found the AWS way, the region is that of the settings, else the plan's.
    Errors: DestinationError.
    """

    def __init__(self, settings: DeliverySettings) -> None:
        self._settings = settings
        self._clients = ClientMaker(settings)

    def put(self, plan: DeliveryPlan, bucket: str, key: str, data: bytes) -> None:
        """Put a whole object."""
        try:
            region = self._settings.aws_region or plan.region
            client = self._clients.client("s3", self._settings.s3_endpoint_url, region)
            client.put_object(Bucket=bucket, Key=key, Body=data, ACL=OBJECT_ACL)
        # boto makes its error classes at run time; every error is raised again as ours.
        except Exception as error:
            raise as_destination_error(error, f"s3://{bucket}/{key}") from error

    def problem(self, bucket: str, region: str) -> str | None:
        """Why nothing can be put into a bucket, as AWS words it at creation; None if it seems well."""
        try:
            client = self._clients.client(
                "s3", self._settings.s3_endpoint_url, self._settings.aws_region or region
            )
            client.head_bucket(Bucket=bucket)
        # boto makes its error classes at run time; what each means is asked of it.
        except Exception as error:
            response = getattr(error, "response", None)
            if response is None:
                raise as_destination_error(error, f"s3://{bucket}") from error
            if response.get("ResponseMetadata", {}).get("HTTPStatusCode") == HTTPStatus.NOT_FOUND:
                return f"LogDestination: {bucket} does not exist"
            return (
                f"Access Denied for LogDestination: {bucket}. "
                "Please check LogDestination permission."
            )
        return None
