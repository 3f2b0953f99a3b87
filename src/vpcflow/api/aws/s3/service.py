"""S3: all operations over buckets and their objects."""

from __future__ import annotations

from vpcflow.api.aws.operation import Service
from vpcflow.api.aws.s3 import bucket_documents
from vpcflow.api.aws.s3.access import Access, ResourcePermissions
from vpcflow.api.aws.s3.bucket_operations import BucketOperations
from vpcflow.api.aws.s3.listing_operations import ListingOperations
from vpcflow.api.aws.s3.multipart_operations import MultipartOperations
from vpcflow.api.aws.s3.object_reads import ObjectReads
from vpcflow.api.aws.s3.object_writes import ObjectWrites
from vpcflow.control.buckets import Buckets
from vpcflow.store.objects import ObjectStore


def service(buckets: Buckets, store: ObjectStore, permissions: ResourcePermissions) -> Service:
    """S3 over buckets, their content, and who may do what (``control.permissions.Permissions``)."""
    access = Access(buckets, permissions)
    writes = ObjectWrites(access, store)
    return Service.of(
        "s3",
        [
            *BucketOperations(access, store).operations(),
            *bucket_documents.operations(access),
            *ListingOperations(access, store).operations(),
            *ObjectReads(access, store).operations(),
            *writes.operations(),
            *MultipartOperations(access, store, writes).operations(),
        ],
    )
