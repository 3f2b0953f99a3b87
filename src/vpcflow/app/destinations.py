"""Where buckets are: on this endpoint, else at the S3 endpoint that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow.app.elsewhere import has_buckets_elsewhere
from vpcflow.base.errors import ServiceError, StoreError
from vpcflow.control.state import Place
from vpcflow.deliver.aws_objects import AwsObjects
from vpcflow.deliver.plan import DeliveryPlan, S3Destination
from vpcflow.deliver.status import DestinationError, FailureMessage

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.control.buckets import Buckets
    from vpcflow.store.objects import ObjectStore

#: AWS's own flow log objects have this type, text and Parquet alike.
CONTENT_TYPE = "application/octet-stream"


class BucketsHereAndElsewhere:
    """Puts a flow log's objects."""

    def __init__(self, settings: Settings, buckets: Buckets, objects: ObjectStore) -> None:
        self._buckets = buckets
        self._objects = objects
        self._elsewhere = AwsObjects(settings.deliver) if has_buckets_elsewhere(settings) else None

    def put(self, plan: DeliveryPlan, bucket: str, key: str, data: bytes) -> None:
        """Put a whole object.

        Errors: DestinationError with the words of the flow log's status.
        """
        if self._buckets.find(bucket) is None and self._elsewhere is not None:
            self._elsewhere.put(plan, bucket, key, data)
            return
        assert isinstance(plan.destination, S3Destination)
        refused = self._buckets.may_deliver(
            Place(plan.account_id, plan.region),
            bucket,
            plan.destination.prefix,
            hive=plan.destination.hive_compatible_partitions,
        )
        if refused is not None:
            raise DestinationError(FailureMessage.ACCESS_ERROR, refused, where=f"s3://{bucket}")
        try:
            self._objects.put(bucket, key, data, CONTENT_TYPE)
        except (ServiceError, StoreError) as error:
            raise DestinationError(
                FailureMessage.UNKNOWN_ERROR, str(error), where=f"s3://{bucket}/{key}"
            ) from error
