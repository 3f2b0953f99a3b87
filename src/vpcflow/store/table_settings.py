"""Bounds of the table's upkeep: commits, manifests, compaction, retention, the spool."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class TableSettings(BaseModel):
    """How the table is kept small, fast and safe to read.

    Units: seconds, bytes, days, counts, as the names say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grace_s: float = Field(
        default=600.0,
        ge=0,
        description="How long a file that left the table stays on disk for questions that planned it.",
    )
    snapshots_min: int = Field(
        default=10,
        ge=1,
        description="Snapshots that expiry always keeps; recovery finds commits in them.",
    )
    snapshots_max: int = Field(
        default=30, ge=2, description="Snapshots at which a commit expires the oldest by itself."
    )
    manifest_target_bytes: int = Field(
        default=24 * 1024,
        ge=4096,
        description="Size to which manifests are merged; bounds what one commit rewrites.",
    )
    manifest_merge_count: int = Field(
        default=16, ge=2, description="New manifests that are merged into one."
    )
    compaction_files_min: int = Field(
        default=8, ge=2, description="Files of one day and size class that are worth merging."
    )
    compaction_files_max: int = Field(
        default=64, ge=2, description="Files merged in one step; bounds memory and open files."
    )
    compaction_step_bytes_max: int = Field(
        default=1024 * MIB, ge=1, description="The most bytes of data files that one step merges."
    )
    spool_bytes_max: int = Field(
        default=2048 * MIB, ge=1, description="The most bytes that wait in the spool."
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="Days to keep, counted from the end of a record's day."
    )
    retention_bytes_max: int | None = Field(
        default=None, ge=1, description="The most bytes of data files; the oldest days go first."
    )
