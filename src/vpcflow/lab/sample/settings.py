"""What a sample holds: how many records, of which days, in which format."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

#: AWS publishes to S3 every five minutes.
SLOT_S = 300
SLOTS_A_DAY = 86_400 // SLOT_S
#: A sample needs some records a slot to show anything.
RECORDS_MIN = 2_000
RECORDS_A_DAY_MIN = 1_000
HOSTS_MIN = 32
HOSTS_MAX = 2_000
#: How many hosts a sample gets when nobody says: one for each so many records a day.
RECORDS_A_HOST_DAY = 8_000
HOSTS_CHOSEN_MAX = 400


class SampleSettings(BaseModel):
    """The choices for one sample; the same choices give the same bytes.

    Units: ``interval_s`` seconds of an aggregation interval; ``days`` whole UTC days from
    ``start_date``. ``hosts`` None chooses by the number of records.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    records: int = Field(default=1_000_000, ge=RECORDS_MIN, le=10_000_000_000)
    days: int = Field(default=2, ge=1, le=366)
    start_date: date = date(2026, 6, 1)
    seed: int = Field(default=1, ge=0, le=2**63 - 1)
    version: Literal[2, 5] = 2
    interval_s: Literal[60, 600] = 60
    hosts: int | None = Field(default=None, ge=HOSTS_MIN, le=HOSTS_MAX)
    account_id: str = Field(default="123456789012", pattern=r"^[0-9]{12}$")
    region: str = Field(default="eu-west-1", pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")
    flow_log_id: str = Field(default="fl-5a3b1e00000000000", pattern=r"^fl-[0-9a-f]{8,17}$")

    @field_validator("start_date")
    @classmethod
    def _year_has_four_digits(cls, value: date) -> date:
        if not 2015 <= value.year <= 2100:
            raise ValueError("flow logs exist since 2015; choose a year up to 2100")
        return value

    @field_validator("days")
    @classmethod
    def _days_are_not_empty(cls, days: int, others: ValidationInfo) -> int:
        if others.data.get("records", 0) < days * RECORDS_A_DAY_MIN:
            raise ValueError(f"a sample needs at least {RECORDS_A_DAY_MIN} records a day")
        return days

    @property
    def start_s(self) -> int:
        """The first second of the sample, since the epoch."""
        day = self.start_date
        return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())

    @property
    def end_s(self) -> int:
        """The first second after the sample."""
        return self.start_s + self.days * 86_400

    @property
    def slots(self) -> int:
        """How many five-minute slots the sample has."""
        return self.days * SLOTS_A_DAY

    @property
    def hosts_made(self) -> int:
        """How many network interfaces the made-up VPC has."""
        if self.hosts is not None:
            return self.hosts
        wanted = self.records // self.days // RECORDS_A_HOST_DAY
        return max(HOSTS_MIN, min(HOSTS_CHOSEN_MAX, wanted))
