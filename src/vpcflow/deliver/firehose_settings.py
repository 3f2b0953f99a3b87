"""Bounds of delivery streams."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1 << 20


class FirehoseSettings(BaseModel):
    """What bounds the buffers and the requests of delivery streams.

    Units: ``_bytes`` bytes, ``_s`` seconds, ``_max`` the most that is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    buffer_bytes_max: int = Field(
        default=1024 * MIB,
        ge=1,
        description="Most bytes on disk of one stream that wait for its destination; beyond it "
        "records are refused until there is room.",
    )
    request_timeout_s: float = Field(
        default=180.0,
        gt=0,
        le=180,
        description="How long an HTTP endpoint may take to answer.",
    )
    retry_first_s: float = Field(
        default=1.0, gt=0, description="How long to wait after a first failure; then it doubles."
    )
    retry_max_s: float = Field(
        default=120.0, gt=0, description="The longest wait between two attempts."
    )
    retry_jitter: float = Field(
        default=0.15, ge=0, lt=1, description="Share by which a wait is longer or shorter."
    )
    interval_min_s: float = Field(
        default=1.0,
        ge=0,
        description="Records wait at least this long for others, also where a stream's interval is 0.",
    )
    workers_max: int = Field(
        default=4,
        ge=0,
        le=64,
        description="Streams that deliver at the same time; 0: one after the other.",
    )
