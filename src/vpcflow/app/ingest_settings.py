"""Settings of the way from a source to the table."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class IngestSettings(BaseModel):
    """When records that were read become a commit, and how a source is watched.

    Units: seconds, records, as the names say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit_records_max: int = Field(
        default=4_000_000, ge=1, description="Records after which what was read is committed."
    )
    commit_s: float = Field(
        default=60.0, gt=0, description="Seconds after which what was read is committed."
    )
    follow_interval_s: float = Field(
        default=5.0, gt=0, description="Seconds between two looks at a source that is followed."
    )
    live_batch_s: float = Field(
        default=2.0, gt=0, description="Seconds between two commits of what is piped in live."
    )
    maintenance_steps_max: int = Field(
        default=4, ge=0, description="Compaction steps after a run or a look; 0 leaves it to you."
    )
