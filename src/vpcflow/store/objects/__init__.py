"""Buckets and their objects: content as files, names and metadata in one small database."""

from vpcflow.store.object_store_settings import ObjectStoreSettings
from vpcflow.store.objects.multipart import MultipartUploads
from vpcflow.store.objects.object_store import ObjectStore
from vpcflow.store.objects.stored_object import ObjectHeaders, StoredObject

__all__ = [
    "MultipartUploads",
    "ObjectHeaders",
    "ObjectStore",
    "ObjectStoreSettings",
    "StoredObject",
]
