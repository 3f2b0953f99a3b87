"""Bounds and time-outs of taking records in."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1 << 20
GIB = 1 << 30


class CollectSettings(BaseModel):
    """What bounds reading from files, folders, standard input and S3.

    Units: ``_bytes`` bytes, ``_s`` seconds, ``_max`` the most that is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    read_bytes: int = Field(
        default=MIB,
        ge=4096,
        le=64 * MIB,
        description="How much of a file is read at a time.",
    )
    chunk_bytes: int = Field(
        default=2 * MIB,
        ge=4096,
        le=64 * MIB,
        description="The most decompressed bytes that are decoded at a time.",
    )
    inflate_ratio_max: int = Field(
        default=1000,
        ge=10,
        description="Decompressed bytes for each compressed byte, above which a file is refused.",
    )
    inflate_ratio_after_bytes: int = Field(
        default=64 * MIB,
        ge=0,
        description="Decompressed bytes before the ratio is looked at.",
    )
    decoded_bytes_max: int = Field(
        default=1024 * GIB,
        ge=4096,
        description="The most decompressed bytes taken from one compressed object.",
    )
    zstd_window_bytes_max: int = Field(
        default=128 * MIB,
        ge=MIB,
        description="The most memory that a zstd frame may ask for.",
    )
    object_bytes_max: int = Field(
        default=64 * GIB,
        ge=1,
        description="The largest S3 object, standard input or inner file that is kept on disk.",
    )
    folder_levels_max: int = Field(default=64, ge=1, description="How deep folders may be nested.")
    problems_max: int = Field(
        default=10_000,
        ge=1,
        description="Problems of one source that are kept with their text; all are counted.",
    )
    quarantine_lines_per_object_max: int = Field(
        default=100_000,
        ge=0,
        description="Bad lines kept with their bytes for one object; all are counted.",
    )
    s3_connect_timeout_s: float = Field(
        default=10.0, gt=0, description="How long to wait for a connection to S3."
    )
    s3_read_timeout_s: float = Field(
        default=60.0, gt=0, description="How long to wait for the next bytes from S3."
    )
    s3_attempts_max: int = Field(
        default=4, ge=1, le=20, description="How often one S3 request or download is tried."
    )
    s3_days_max: int = Field(
        default=400,
        ge=1,
        description="Days of a time range that are listed one by one; longer ranges look first.",
    )
    s3_levels_max: int = Field(
        default=4,
        ge=0,
        description="Levels of prefixes above AWSLogs/ that are searched when a time range is given.",
    )
