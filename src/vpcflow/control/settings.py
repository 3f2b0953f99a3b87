"""Settings of the control plane: where its state is, and who may ask it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ControlSettings(BaseModel):
    """State and sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str | None = Field(
        default=None,
        description="SQLAlchemy URL of the control plane's database, as "
        "postgresql://user@host/name. The default is SQLite in the data folder.",
    )
    anonymous: bool = Field(
        default=False,
        description="Whether requests without a signature count as the account's root. For "
        "experiments on loopback only.",
    )
