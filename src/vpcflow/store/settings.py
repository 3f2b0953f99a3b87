"""Settings of the store: how data files are written."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1 << 20


class StoreSettings(BaseModel):
    """How records become sorted data files.

    Units: in the names of the fields.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_rows_max: int = Field(
        default=600_000,
        ge=1,
        le=8_000_000,
        description="Most records that are sorted at once; more sort better and take more memory.",
    )
    run_bytes_max: int = Field(
        default=96 * MIB,
        ge=MIB,
        le=2048 * MIB,
        description="Most memory of the records of one sorted run, as they arrive.",
    )
    run_days_max: int = Field(
        default=32,
        ge=1,
        le=10_000,
        description="Most day files that one run makes; records of smaller days wait for the next run, "
        "and are written at the end in any case.",
    )
    row_group_rows: int = Field(
        default=131_072,
        ge=1_024,
        le=1_048_576,
        description="Records of one Parquet row group, the unit that queries skip.",
    )
    zstd_level: int = Field(
        default=1,
        ge=1,
        le=19,
        description="Compression level of new data files; 3 is smaller by about 1% and slower.",
    )
    bloom_false_positive_ratio: float = Field(
        default=0.05,
        ge=0.0001,
        le=0.5,
        description="Share of row groups that the filters on host and peer keep without need.",
    )
    target_file_bytes: int = Field(
        default=256 * MIB,
        ge=64 * 1024,
        le=4096 * MIB,
        description="Size at which compaction starts another data file.",
    )
    merge_rows_max: int = Field(
        default=1_000_000,
        ge=1_024,
        le=8_000_000,
        description="Most records that compaction holds in memory, over all files that it merges.",
    )
    threads: int = Field(
        default=2,
        ge=1,
        le=2,
        description="1 writes data files in the caller's thread, 2 in one of their own.",
    )
