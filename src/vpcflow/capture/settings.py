"""Settings of capture: intervals, bounds, what is never logged."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from vpcflow.capture.exclusions import Exclusion


class CaptureSettings(BaseModel):
    """How packets become flow records.

    Units: seconds, milliseconds, counts, as the names say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: int = Field(
        default=60,
        ge=1,
        le=600,
        description="Aggregation interval; AWS has 60 and 600. Intervals start at its multiples.",
    )
    flows_max: int = Field(
        default=1_000_000,
        ge=16,
        le=16_000_000,
        description="Flows of one interval that are kept apart; packets of more become SKIPDATA.",
    )
    never_logged: tuple[Exclusion, ...] = Field(
        default=tuple(Exclusion),
        description="Traffic that makes no records, as AWS has it; it is counted instead.",
    )
    nodata: bool = Field(
        default=True,
        description="Whether an interface without traffic gets a NODATA record each interval.",
    )
    rtt: bool = Field(default=True, description="Whether TCP round-trip times are measured.")
    rtt_connections_max: int = Field(
        default=262_144,
        ge=1024,
        description="TCP connections whose round-trip times are followed; the oldest make room.",
    )
    rtt_samples_max: int = Field(
        default=2_000_000, ge=1024, description="Round-trip times that are kept of one interval."
    )
    windows_waiting_max: int = Field(
        default=4,
        ge=1,
        description="Closed intervals that wait for the disk; later ones become SKIPDATA.",
    )
    hold_ms: int = Field(
        default=60,
        ge=0,
        le=1000,
        description="How long packets wait for the firewall's word on them.",
    )
    reject_groups: tuple[int, ...] = Field(
        default=(),
        description="NFLOG groups to which a firewall of yours logs every packet that it refuses.",
    )
    accept_groups: tuple[int, ...] = Field(
        default=(),
        description="NFLOG groups to which a firewall of yours logs packets that it accepts.",
    )
    firewall_group: int = Field(
        default=64, ge=0, le=65_535, description="NFLOG group of `vpcflow firewall apply`."
    )
