"""How vpcflow itself fares, as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

Severity = Literal["critical", "warning", "info"]


class HealthProblem(BaseModel):
    """What does not run as it should, and what to do."""

    severity: Severity
    part: str
    what: str
    hint: str


class Loss(BaseModel):
    """Something that was lost, by reason; ``unit`` says what is counted."""

    reason: str
    label: str
    count: int
    unit: str
    hint: str


class CaptureHealth(BaseModel):
    """Metering; ``running`` is false where only the endpoint runs.

    Units: seconds; ``interval_opened_s`` seconds since the epoch.
    """

    running: bool
    interfaces: int = 0
    namespaces: int = 0
    interval_s: int = 0
    interval_opened_s: int | None = None
    records: int = 0
    nodata_records: int = 0
    skipdata_records: int = 0
    packets: dict[str, int] = {}


class RecordsHealth(BaseModel):
    """The table; ``lag_s`` is from the newest record's start to now."""

    rows: int
    bytes: int
    files: int
    first_s: int | None
    last_s: int | None
    committed_s: float | None
    lag_s: int | None


class DeliveryHealth(BaseModel):
    """Flow logs by status, and what waits."""

    flow_logs: dict[str, int]
    journal_bytes: int
    oldest_waits_s: int
    flow_logs_behind: int
    lost_batches: int
    lost_records: int
    lost_records_of: dict[str, int]


class StorageHealth(BaseModel):
    """The disk of the data folder.

    Shape: ``days_until_full`` follows from the days of the last week, None where nothing grows.
    """

    folder: str
    disk_bytes: int
    used_bytes: int
    free_bytes: int
    table_bytes: int
    bytes_a_day: int
    days_until_full: float | None


class HealthFact(BaseModel):
    """Any other number or word that the status tells."""

    name: str
    value: str | int | float | bool | None


class Health(BaseModel):
    """Everything that the status tells, in groups; ``status`` is of the worst problem."""

    status: Literal["ok", "warning", "critical"]
    problems: list[HealthProblem]
    capture: CaptureHealth
    records: RecordsHealth
    delivery: DeliveryHealth
    endpoint: str
    storage: StorageHealth
    losses: list[Loss]
    facts: list[HealthFact]


class Source(BaseModel):
    """A folder or bucket that records were taken from."""

    name: str
    kind: str
    objects: int
    bytes: int
    lines: int
    bad_lines: int
    problems: int
    incomplete: int
    changed_s: int | None
    lag_s: int | None


class SourceObjectView(BaseModel):
    """One file or object and how far it was read."""

    number: int
    name: str
    bytes: int
    size: int
    lines: int
    bad_lines: int
    complete: bool
    encoding: str
    log_format: str
    changed_s: int | None


class LiveInterface(BaseModel):
    """An interface that is metered now."""

    name: str
    interface_id: str


class Sources(BaseModel):
    """What is metered and what was taken in; ``next_before`` is the next page of objects."""

    live: list[LiveInterface]
    sources: list[Source]
    objects: list[SourceObjectView]
    next_before: int | None


class QuarantineGroup(BaseModel):
    """Lines and problems of one source with one reason."""

    source: str
    reason: str
    lines: int
    lines_kept: int
    problems: int
    first_id: int


class QuarantineLine(BaseModel):
    """One entry; ``text`` is printable, whatever the bytes were."""

    id: int
    source: str
    kind: str
    line_number: int | None
    reason: str
    message: str
    text: str
    length: int
    line_count: int
    hint: str


class QuarantineView(BaseModel):
    """What could not be read.

    Shape: ``next_after`` is the next page of lines; ``retry_command`` is what decodes them again:
    whoever records or ingests holds the data folder's writer lock, so it waits for the end of that.
    """

    lines: int
    lines_kept: int
    problems: int
    sources: int
    groups: list[QuarantineGroup]
    entries: list[QuarantineLine]
    next_after: int | None
    retry_command: str


class SettingView(BaseModel):
    """One setting; ``source`` is default, environment, or file for anything else that set it."""

    name: str
    part: str
    variable: str
    value: str | int | float | bool | list[str] | None
    default: str | int | float | bool | list[str] | None
    is_default: bool
    source: Literal["default", "environment", "file"]
    type: str
    bounds: str
    description: str
    secret: bool


class SettingsView(BaseModel):
    """All settings in the order of their parts."""

    settings: list[SettingView]


class RetentionDay(BaseModel):
    """A day that would go, and why; ``day_s`` None for records without a start."""

    day_s: int | None
    reason: str
    files: int
    rows: int
    bytes: int


class Retention(BaseModel):
    """What would be deleted now, told before it is.

    Shape: with a bound in the settings it goes with the next round of maintenance; without one
    everything is kept.
    """

    retention_days: int | None
    retention_bytes_max: int | None
    days: list[RetentionDay]
    rows: int
    bytes: int
    rows_kept: int
    bytes_kept: int
    bytes_over: int
    command: str
    hint: str


FindingSeverity = Literal["critical", "high", "medium", "low", "info"]


class Finding(BaseModel):
    """Something to look at.

    Shape: ``filter`` shows its records; ``evidence`` is one line with the numbers; ``next`` is what
    to do.
    Units: seconds since the epoch.
    """

    id: str
    severity: FindingSeverity
    kind: Literal["rejected-burst", "coverage-gap", "skipdata", "delivery", "loss", "disk"]
    title: str
    evidence: str
    start_s: int | None
    end_s: int | None
    filter: str
    interface_id: str
    flow_log_id: str
    next: str


class Findings(BaseModel):
    """Findings, the worst first and then the newest; ``notes`` say what could not be looked at.

    Shape: ``interfaces`` and ``records`` are those that were looked at.
    """

    findings: list[Finding]
    notes: list[str]
    interfaces: int = 0
    records: int = 0
