"""What a delivery stream does with its records, handed out by whoever keeps the streams."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BucketTarget:
    """Objects in a bucket.

    Shape: prefixes as they were configured, ``!{timestamp:yyyy}`` and all; ``gzip`` compresses
    each object; ``file_extension`` ends its name, ``.gz`` if it is empty. ``problem`` says why the
    bucket may not be written now; then records wait.
    """

    bucket: str
    prefix: str = ""
    error_prefix: str = ""
    gzip: bool = False
    file_extension: str = ""
    time_zone: str = "UTC"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class HttpTarget:
    """An HTTP endpoint, and the bucket for what it does not take, or for everything."""

    url: str
    backup: BucketTarget
    access_key: str = field(default="", repr=False)
    gzip: bool = False
    common_attributes: tuple[tuple[str, str], ...] = ()
    retry_duration_s: int = 300
    backup_all: bool = False


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """One stream; ``delimiter`` is put behind each record.

    Units: ``buffer_bytes`` and ``interval_s`` are the hints that decide when records go.
    """

    arn: str
    name: str
    version: str
    target: BucketTarget | HttpTarget
    buffer_bytes: int = 5 << 20
    interval_s: int = 300
    delimiter: bytes = b""
