"""What is known of an object beside its content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ObjectHeaders:
    """What the maker of an object says of it, given back as it was said.

    Shape: ``headers`` by the API's member name (``ContentType``, ``CacheControl``), ``metadata``
    the user's own, ``tags`` of the object, ``checksums`` by member name (``ChecksumCRC32``), in
    base64; ``checksum_type`` is FULL_OBJECT or COMPOSITE.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    checksum_type: str = ""

    def to_json(self) -> str:
        """As the index keeps it."""
        return json.dumps({name: value for name, value in asdict(self).items() if value})

    @classmethod
    def from_json(cls, text: str) -> ObjectHeaders:
        """As the index keeps it."""
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object.

    Shape: ``etag`` without quotes; ``file`` is the name of its content; ``part_sizes`` those of a
    multipart upload, in order.
    Units: ``modified_s`` whole seconds since the epoch, as the HTTP header has them.
    """

    bucket: str
    key: str
    file: str
    size: int
    etag: str
    modified_s: int
    described: ObjectHeaders = field(default_factory=ObjectHeaders)
    part_sizes: tuple[int, ...] = ()

    @classmethod
    def from_row(cls, bucket: str, row: Any) -> StoredObject:
        """From ``key, file, size, etag, modified_s, described, part_sizes`` of the index."""
        key, file, size, etag, modified_s, described, parts = row
        sizes = tuple(int(part) for part in parts.split(",")) if parts else ()
        text = ObjectHeaders.from_json(described)
        return cls(bucket, bytes(key).decode(), file, size, etag, modified_s, text, sizes)


ROW = "key, file, size, etag, modified_s, described, part_sizes"
