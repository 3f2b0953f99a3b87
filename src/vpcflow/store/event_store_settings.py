"""Bounds of the store of text events."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EventStoreSettings(BaseModel):
    """How much text clients may put, and in files of what size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes_max: int = Field(
        default=64 * 2**30,
        ge=2**20,
        description="Disk space of the text events that clients put; then they are refused. Flow "
        "records do not count, they are in the table.",
    )
    segment_bytes_max: int = Field(
        default=64 * 2**20,
        ge=4096,
        description="Size of one file of text events; retention removes whole files.",
    )
    open_files_max: int = Field(
        default=128, ge=1, description="Files of text events that are open to be written."
    )
