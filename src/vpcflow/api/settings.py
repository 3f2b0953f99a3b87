"""Settings of what listens."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

#: Where `vpcflow run` listens when nothing else is said.
DEFAULT_PORT = 4600


class ApiSettings(BaseModel):
    """The endpoint for AWS's clients: address and bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen at. Requests are signed, not encrypted: beyond loopback, "
        "put TLS in front.",
    )
    port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description=f"Port to listen at; 0 takes any free one. The default is {DEFAULT_PORT}, or "
        "a free one where that is taken.",
    )
    connections_max: int = Field(
        default=1_000, ge=1, le=100_000, description="More connections are turned away with 503."
    )
    workers: int = Field(
        default=16, ge=1, le=256, description="Requests that are worked on at the same time."
    )
    bodies_bytes_max: int = Field(
        default=512 << 20,
        ge=64 << 20,
        description="Bytes of all request bodies in memory; more wait for their turn.",
    )
    head_timeout_s: float = Field(
        default=20.0, gt=0, description="A client that takes longer to send its headers is cut off."
    )
    body_timeout_s: float = Field(default=120.0, gt=0, description="The same for a whole body.")
