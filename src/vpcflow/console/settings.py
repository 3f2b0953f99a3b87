"""Settings of the console."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

#: Where the console listens when nothing else is said.
DEFAULT_PORT = 4680


class ConsoleSettings(BaseModel):
    """The console in the browser: address, names, sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="Whether `vpcflow run` serves the console.")
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen at. Keys are sent to it when somebody signs in: beyond "
        "loopback, put TLS in front.",
    )
    port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description=f"Port to listen at; 0 takes any free one. The default is {DEFAULT_PORT}, or "
        "a free one where that is taken.",
    )
    hosts: tuple[str, ...] = Field(
        default=(),
        description="Names in the browser's address bar that are this console's, beside localhost "
        "and the address it listens at. Others are refused.",
    )
    trust_proxy: bool = Field(
        default=False,
        description="Whether a proxy in front says in X-Forwarded-Proto and X-Forwarded-For how a "
        "browser came. Only where nobody can pass the proxy by.",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=24 * 365, description="Hours after which one signs in again."
    )
    connections_max: int = Field(
        default=512,
        ge=1,
        le=100_000,
        description="Connections at the same time; the one that is idle longest makes room.",
    )
    head_timeout_s: float = Field(
        default=20.0, gt=0, description="A client that takes longer to send its headers is cut off."
    )
    body_bytes_max: int = Field(
        default=4 << 20, ge=1 << 10, description="Bytes of one request's body."
    )
    body_timeout_s: float = Field(default=60.0, gt=0, description="The longest for a whole body.")
