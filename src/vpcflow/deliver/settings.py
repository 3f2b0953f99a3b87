"""Bounds and time-outs of delivery, and where destinations elsewhere are."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


class DeliverySettings(BaseModel):
    """What bounds delivery to log groups, S3 and Firehose.

    Units: ``_bytes`` bytes, ``_s`` seconds, ``_max`` the most that is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    journal_bytes_max: int = Field(
        default=4 * GIB,
        ge=KIB,
        description="Records on disk that wait for delivery; beyond it the oldest become SKIPDATA.",
    )
    journal_segments_max: int = Field(
        default=100_000,
        ge=2,
        description="Batches on disk that wait for delivery; beyond it the oldest become SKIPDATA.",
    )
    poll_s: float = Field(
        default=0.5, gt=0, le=60, description="How often new records are looked for."
    )
    segments_per_step_max: int = Field(
        default=64, ge=1, description="Batches that go to a destination before others have a turn."
    )
    workers_max: int = Field(
        default=4,
        ge=0,
        le=64,
        description="Threads for S3 and Firehose; 0: they share the thread of the log groups.",
    )
    publish_interval_s: int = Field(
        default=300, ge=1, le=86_400, description="How often objects are written to a bucket."
    )
    publish_lateness_s: int = Field(
        default=90,
        ge=0,
        description="How long after the interval's end objects are written, so that late records "
        "are in them.",
    )
    publish_bytes_max: int = Field(
        default=128 * MIB,
        ge=1,
        description="Journal that one publication reads; a longer backlog is published in parts.",
    )
    object_bytes_max: int = Field(
        default=75_000_000, ge=KIB, description="The largest object; more records make a new one."
    )
    firehose_records_max: int = Field(
        default=500, ge=1, le=500, description="Records of one PutRecordBatch."
    )
    firehose_batch_bytes_max: int = Field(
        default=4_000_000, ge=KIB, le=4 * MIB, description="Bytes of one PutRecordBatch."
    )
    retry_first_s: float = Field(
        default=1.0, gt=0, description="How long to wait after a first failure; then it doubles."
    )
    retry_max_s: float = Field(
        default=120.0, gt=0, description="The longest wait between two attempts."
    )
    gate_interval_s: float = Field(
        default=10.0, ge=0, description="How long a permission that was checked is trusted."
    )
    status_interval_s: float = Field(
        default=30.0, ge=0, description="How often an unchanged status is told again."
    )
    deleted_drain_s: float = Field(
        default=180.0,
        ge=0,
        description="How long records from before its deletion are still delivered to a flow log.",
    )
    s3_endpoint_url: str | None = Field(
        default=None, description="The S3 endpoint of buckets elsewhere; empty: AWS."
    )
    s3_path_style: bool = Field(
        default=False, description="Whether the bucket stands in the path, not in the host's name."
    )
    firehose_endpoint_url: str | None = Field(
        default=None, description="The endpoint of delivery streams elsewhere; empty: AWS."
    )
    aws_region: str | None = Field(
        default=None, description="The region of buckets elsewhere; empty: the flow log's."
    )
    aws_profile: str | None = Field(
        default=None, description="The AWS profile for destinations elsewhere; empty: the SDK's."
    )
    connect_timeout_s: float = Field(
        default=5.0, gt=0, description="How long to wait for a connection to a destination."
    )
    read_timeout_s: float = Field(
        default=30.0, gt=0, description="How long to wait for a destination's answer."
    )
