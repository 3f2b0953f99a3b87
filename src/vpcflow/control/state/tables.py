"""The tables of the control plane's database; migrations make them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, MetaData, String, Table, Text

METADATA = MetaData()

#: Every resource of every kind: its body is JSON of the kind's dataclass.
RESOURCES = Table(
    "resources",
    METADATA,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("id", String(2048), primary_key=True),
    Column("body", Text, nullable=False),
)

#: Counts the changes of a kind at a place, so that a reader knows whether its copy is current.
GENERATIONS = Table(
    "generations",
    METADATA,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("generation", BigInteger, nullable=False),
)

#: Log streams; a deleted one stays as a tombstone (``is_there`` false) while its group is there.
LOG_STREAMS = Table(
    "log_streams",
    METADATA,
    Column("account_id", String(12), primary_key=True),
    Column("region", String(64), primary_key=True),
    Column("group_name", String(512), primary_key=True),
    Column("stream_name", String(512), primary_key=True),
    Column("is_there", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("first_ms", BigInteger),
    Column("last_ms", BigInteger),
    Column("ingested_ms", BigInteger),
    Column("visible_from_s", BigInteger, nullable=False),
)

#: What is measured; ``dimensions`` is JSON, ``last_s`` the newest minute.
METRIC_SERIES = Table(
    "metric_series",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("account_id", String(12), nullable=False),
    Column("region", String(64), nullable=False),
    Column("namespace", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("dimensions", Text, nullable=False),
    Column("unit", String(32), nullable=False),
    Column("last_s", BigInteger, nullable=False),
)

#: The samples of a series in a minute; ``default_value`` counts while there is none.
METRIC_MINUTES = Table(
    "metric_minutes",
    METADATA,
    Column("series_id", String(32), primary_key=True),
    Column("minute_s", BigInteger, primary_key=True),
    Column("samples", Double, nullable=False),
    Column("total", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("default_value", Double),
)
