"""Settings of the object store: how much it may hold."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

GIB = 1 << 30


class ObjectStoreSettings(BaseModel):
    """Bounds on objects.

    Units: in the names of the fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objects_bytes_max: int = Field(
        default=64 * GIB,
        ge=1,
        description="Most bytes of all objects and unfinished uploads of all buckets together; "
        "what would go beyond is refused.",
    )
    object_bytes_max: int = Field(
        default=5 * 1024 * GIB,
        ge=1,
        description="Most bytes of one object.",
    )
    uploads_max: int = Field(
        default=10_000,
        ge=1,
        description="Most multipart uploads that are begun and not ended, of all buckets together.",
    )
