"""Bounds of a question."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class QuerySettings(BaseModel):
    """How much one question may use.

    Units: as the names say; ``threads`` 0 means one per processor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_max: int = Field(
        default=1_000_000, ge=1, description="Rows of one answer; the rest is cut and said so."
    )
    memory_bytes_max: int = Field(
        default=2 * 2**30, ge=64 * 2**20, description="Memory of one question before it spills."
    )
    spill_bytes_max: int = Field(
        default=8 * 2**30, ge=0, description="Temporary files of one question; 0 allows none."
    )
    time_s_max: float = Field(
        default=300.0, gt=0, description="Seconds after which a question is stopped."
    )
    threads: int = Field(default=0, ge=0, le=256, description="Threads; 0 is one per processor.")
    statements_max: int = Field(
        default=500, ge=0, description="Compiled questions kept in the data folder; 0 keeps none."
    )
