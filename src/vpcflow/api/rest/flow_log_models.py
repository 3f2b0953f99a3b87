"""Flow logs, their check, plan and preview as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

#: Bounds of what is read at all; AWS's own, which are narrower, are checked with AWS's words.
RESOURCES_READ_MAX = 1_000
TEXT_READ_MAX = 2_048
FORMAT_READ_MAX = 10_000
TAGS_READ_MAX = 200

DestinationWord = Literal["cloud-watch-logs", "s3", "kinesis-data-firehose"]
TrafficWord = Literal["ALL", "ACCEPT", "REJECT"]


class DestinationView(BaseModel):
    """Where a flow log delivers.

    Shape: ``name`` is the log group's, the bucket's or the stream's; ``folder`` within a bucket;
    ``label`` says all of it in words.
    """

    type: DestinationWord
    name: str
    folder: str = ""
    arn: str
    label: str


class FlowLogHead(BaseModel):
    """A flow log in the list.

    Shape: ``status`` is AWS's FlowLogStatus, ``delivery_status`` its DeliverLogsStatus;
    ``delivered_until_s`` is behind the last record that was delivered, None before the first;
    ``lag_s`` how long ago that is; ``lost_records`` became SKIPDATA on the way.
    Units: seconds, seconds since the epoch.
    """

    id: str
    name: str
    resource_id: str
    resource_name: str
    resource_type: Literal["VPC", "Subnet", "NetworkInterface"]
    traffic_type: TrafficWord
    destination: DestinationView
    status: str
    delivery_status: str
    error_message: str | None
    created_s: int
    log_format: str
    fields: int
    interval_s: int
    delivered_until_s: int | None = None
    lag_s: int | None = None
    lost_records: int = 0


class FlowLogList(BaseModel):
    """Flow logs in the order they were made."""

    flow_logs: list[FlowLogHead]
    next_token: str | None = None


class FlowLogProblem(BaseModel):
    """What keeps a flow log from delivering, why, and what to do."""

    message: str
    why: str
    hint: str


class S3Options(BaseModel):
    """Options of an S3 destination."""

    model_config = ConfigDict(extra="forbid")

    parquet: bool = False
    hive_compatible_partitions: bool = False
    per_hour_partition: bool = False


class FlowLogDetail(FlowLogHead):
    """All of one flow log; ``sample`` says where ``sample_line`` is from."""

    tags: dict[str, str]
    options: S3Options | None
    role_arn: str | None
    cross_account_role_arn: str | None
    tag_fields: dict[str, list[str]]
    problems: list[FlowLogProblem]
    header: str
    sample_line: str
    sample: Literal["record", "example"]


class FlowLogOrder(BaseModel):
    """A flow log that is to be created on each of some resources.

    Shape: ``destination`` is a log group's name, or the ARN of a log group, of a bucket with its
    folder, or of a delivery stream; ``log_format`` None is AWS's default.
    """

    model_config = ConfigDict(extra="forbid")

    resource_ids: list[str] = Field(max_length=RESOURCES_READ_MAX)
    traffic_type: str = Field(default="ALL", max_length=16)
    destination_type: str = Field(default="cloud-watch-logs", max_length=64)
    destination: str = Field(default="", max_length=TEXT_READ_MAX)
    role_arn: str | None = Field(default=None, max_length=TEXT_READ_MAX)
    cross_account_role_arn: str | None = Field(default=None, max_length=TEXT_READ_MAX)
    log_format: str | None = Field(default=None, max_length=FORMAT_READ_MAX)
    interval_s: int | None = None
    options: S3Options | None = None
    tag_fields: dict[str, list[str]] = Field(default_factory=dict, max_length=10)
    tags: dict[str, str] = Field(default_factory=dict, max_length=TAGS_READ_MAX)
    client_token: str | None = Field(default=None, max_length=TEXT_READ_MAX)


class FlowLogRefusal(BaseModel):
    """One resource on which no flow log was created."""

    resource_id: str
    code: str
    message: str


class FlowLogsCreated(BaseModel):
    """What was created, and what was not: a part may succeed."""

    flow_log_ids: list[str]
    unsuccessful: list[FlowLogRefusal]
    client_token: str


class CheckFix(BaseModel):
    """A document to copy, and for what."""

    title: str
    document: JsonValue


class CheckStep(BaseModel):
    """One thing that delivery needs: whether it is there, and how to get it.

    Shape: ``ok`` None means that it cannot be said from here.
    """

    what: str
    ok: bool | None
    why: str
    hint: str = ""
    fix: CheckFix | None = None


class FlowLogCheck(BaseModel):
    """Whether a flow log could deliver, step by step."""

    ok: bool
    steps: list[CheckStep]


class PlanOrder(BaseModel):
    """Of which flow logs to tell volume and price; ``hours`` are the last ones that are measured."""

    model_config = ConfigDict(extra="forbid")

    resource_ids: list[str] = Field(min_length=1, max_length=20)
    traffic_type: TrafficWord = "ALL"
    log_format: str | None = Field(default=None, max_length=FORMAT_READ_MAX)
    hours: int = Field(default=24, ge=1, le=24 * 366)


class PlanWay(BaseModel):
    """One way to deliver, for a month; ``usd`` None where no price is known."""

    way: str
    destination_type: DestinationWord
    billed_gb: float
    stored_gb: float
    usd: float | None


class PlanOfResource(BaseModel):
    """What was measured of one resource.

    Shape: ``problem`` says why nothing could be; then the numbers are 0.
    Units: seconds since the epoch, bytes of a record in each form.
    """

    resource_id: str
    problem: str = ""
    from_s: int | None = None
    until_s: int | None = None
    hours: float = 0.0
    coverage: float = 0.0
    interfaces: int = 0
    records: int = 0
    skipdata_records: int = 0
    records_per_hour: float = 0.0
    sample_records: int = 0
    text_bytes: float = 0.0
    gzip_bytes: float = 0.0
    parquet_bytes: float = 0.0


class FlowLogPlan(BaseModel):
    """Volume and price of a month, all resources together.

    Shape: ``certainty`` is high, medium or low, ``doubts`` say why it is not high; ``taken_for_granted``
    and ``not_counted`` are for the small print.
    """

    resources: list[PlanOfResource]
    records_per_hour: float
    records_per_month: float
    ways: list[PlanWay]
    certainty: Literal["high", "medium", "low", "none"]
    doubts: list[str]
    price_date: str
    price_source: str
    price_region: str
    hours_a_month: int
    taken_for_granted: list[str]
    not_counted: list[str]


class PreviewOrder(BaseModel):
    """A log format, perhaps half typed, and the resource whose record may be the example."""

    model_config = ConfigDict(extra="forbid")

    log_format: str = Field(max_length=FORMAT_READ_MAX)
    resource_id: str = Field(default="", max_length=64)


class PreviewField(BaseModel):
    """A field of the format, with its value in the example line."""

    name: str
    known: bool
    version: int | None
    label: str
    summary: str
    value: str


class FormatPreview(BaseModel):
    """What a log format prints.

    Shape: ``error`` is empty for a format that can be used, else ``position`` is its 0-based
    character; the fields before it are told all the same.
    """

    fields: list[PreviewField]
    version: int
    header: str
    line: str
    sample: Literal["record", "example"]
    error: str = ""
    position: int | None = None


class FormatField(BaseModel):
    """A field for the format builder."""

    name: str
    label: str
    summary: str
    unit: str
    default: bool
    example: str


class FormatVersion(BaseModel):
    """The fields that one version brought."""

    version: int
    title: str
    fields: list[FormatField]


class FlowLogFields(BaseModel):
    """All fields that a flow log of a VPC may have, by version; ``default_format`` is AWS's."""

    versions: list[FormatVersion]
    default_format: str


class DestinationChoice(BaseModel):
    """Something to pick; ``note`` says what to know of it."""

    name: str
    arn: str
    note: str = ""


class Destinations(BaseModel):
    """What flow logs of the caller's account may deliver to, and with which roles.

    Shape: a list is empty where the caller may not see it; ``not_allowed`` names the permissions.
    """

    log_groups: list[DestinationChoice]
    buckets: list[DestinationChoice]
    streams: list[DestinationChoice]
    roles: list[DestinationChoice]
    not_allowed: list[str]
