"""A boto3 S3 client over the real service, its store and its permissions."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from boto_over_services import BotoOverServices

from vpcflow.api.aws.s3 import service
from vpcflow.base.clock import ManualClock
from vpcflow.control.buckets import Buckets
from vpcflow.control.permissions import Permissions
from vpcflow.control.state import Database, State
from vpcflow.store.objects import ObjectStore


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Any]:
    """The endpoint; ``buckets`` and ``store`` are what is behind it."""
    clock = ManualClock()
    database = Database.in_folder(tmp_path)
    state = State(database)
    store = ObjectStore(tmp_path / "objects", clock=clock)
    buckets = Buckets(state)
    made: Any = BotoOverServices({"s3": service(buckets, store, Permissions(state, clock))}, clock)
    made.buckets, made.store = buckets, store
    yield made
    store.close()
    database.close()


@pytest.fixture
def s3(endpoint: Any) -> Any:
    """A client with the bucket ``logs``."""
    client = endpoint.client("s3")
    client.create_bucket(Bucket="logs")
    return client
