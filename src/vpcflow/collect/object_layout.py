"""Names of the objects that AWS delivers: plain, Hive-compatible and hourly.

Source: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from vpcflow.record.batch import Origin

SECONDS_A_DAY = 86_400

_NAME = re.compile(
    r"(?P<account>\d{12})_vpcflowlogs_(?P<region>[a-z0-9-]+)_(?P<flow_log>fl-[0-9a-z]+)_"
    r"(?P<slot>\d{8}T\d{4})Z_(?P<hash>[0-9a-zA-Z]+)\.(?P<suffix>log\.gz|log\.parquet|log)\Z"
)
_PLAIN = re.compile(
    r"(?:^|/)AWSLogs/(?P<account>\d{12})/vpcflowlogs/(?P<region>[a-z0-9-]+)/"
    r"(?:(?P<year>\d{4})/(?:(?P<month>\d\d)/(?:(?P<day>\d\d)/(?:(?P<hour>\d\d)/)?)?)?)?"
)
_HIVE = re.compile(
    r"(?:^|/)AWSLogs/aws-account-id=(?P<account>\d{12})/aws-service=vpcflowlogs/"
    r"aws-region=(?P<region>[a-z0-9-]+)/"
    r"(?:year=(?P<year>\d{4})/(?:month=(?P<month>\d\d)/(?:day=(?P<day>\d\d)/"
    r"(?:hour=(?P<hour>\d\d)/)?)?)?)?"
)
_OTHER_SERVICE = re.compile(
    r"(?:^|/)AWSLogs/(?:(?:o-[a-z0-9]+/)?\d{12}/(?!vpcflowlogs/)[A-Za-z][^/]*/"
    r"|aws-account-id=\d{12}/aws-service=(?!vpcflowlogs/)[^/]*/)"
)


class FileFormat(StrEnum):
    """The file formats that AWS delivers."""

    TEXT = "plain-text"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class ObjectName:
    """What the name of an object tells; None for what it does not.

    Units: ``slot_start_s`` is epoch seconds, the start of the slot that the records' ends are in.
    """

    account_id: str | None = None
    region: str | None = None
    flow_log_id: str | None = None
    slot_start_s: int | None = None
    day: str | None = None
    file_format: FileFormat | None = None
    hive: bool = False
    hourly: bool = False

    def origin(self, kind: str, uri: str) -> Origin:
        """The origin of the records of an object with this name."""
        return Origin(kind, uri, self.account_id, self.region, self.flow_log_id)


def parse_object_name(key: str) -> ObjectName:
    """Read an S3 key or a path; the file's own name speaks before its folders."""
    folders, _, name = key.rpartition("/")
    place = parse_prefix(f"{folders}/")
    found = _NAME.match(name)
    if not found:
        return ObjectName(
            account_id=place.account if place else None,
            region=place.region if place else None,
            day=place.day if place else None,
            hive=bool(place and place.hive),
            hourly=bool(place and place.hour is not None),
        )
    slot_start_s = _slot_start_s(found["slot"])
    day = place.day if place and place.day else None
    if day is None and slot_start_s is not None:
        day = datetime.fromtimestamp(slot_start_s, UTC).strftime("%Y-%m-%d")
    return ObjectName(
        account_id=found["account"],
        region=found["region"],
        flow_log_id=found["flow_log"],
        slot_start_s=slot_start_s,
        day=day,
        file_format=FileFormat.PARQUET if found["suffix"].endswith("parquet") else FileFormat.TEXT,
        hive=bool(place and place.hive),
        hourly=bool(place and place.hour is not None),
    )


def _slot_start_s(text: str) -> int | None:
    try:
        return int(datetime.strptime(text, "%Y%m%dT%H%M").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in AWS's tree a prefix is: ``base`` ends after the region."""

    base: str
    account: str
    region: str
    hive: bool
    rest: str
    year: int | None
    month: int | None
    day_of_month: int | None
    hour: int | None

    @property
    def day(self) -> str | None:
        """The day as YYYY-MM-DD where the prefix names it."""
        if self.year is None or self.month is None or self.day_of_month is None:
            return None
        return f"{self.year:04d}-{self.month:02d}-{self.day_of_month:02d}"

    def day_prefix(self, day_start_s: int) -> str:
        """The prefix of the day that starts at ``day_start_s``."""
        day = datetime.fromtimestamp(day_start_s, UTC)
        if self.hive:
            return f"{self.base}year={day:%Y}/month={day:%m}/day={day:%d}/"
        return f"{self.base}{day:%Y}/{day:%m}/{day:%d}/"

    def range_s(self) -> tuple[int, int] | None:
        """The time that the prefix covers, epoch seconds, the end not included; None: all time."""
        if self.year is None or not 1970 <= self.year < 9999:
            return None
        month = self.month or 1
        day = self.day_of_month or 1
        try:
            start = datetime(self.year, month, day, self.hour or 0, tzinfo=UTC)
        except ValueError:
            return None
        start_s = int(start.timestamp())
        if self.hour is not None:
            return start_s, start_s + 3600
        if self.day_of_month is not None:
            return start_s, start_s + SECONDS_A_DAY
        if self.month is not None:
            days = calendar.monthrange(self.year, self.month)[1]
            return start_s, start_s + days * SECONDS_A_DAY
        return start_s, int(datetime(self.year + 1, 1, 1, tzinfo=UTC).timestamp())


def parse_prefix(prefix: str) -> Place | None:
    """Read a prefix that ends with ``/`` and reaches the region at least; None when it does not."""
    for pattern, hive in ((_PLAIN, False), (_HIVE, True)):
        found = pattern.search(prefix)
        if found is None:
            continue
        numbers = [int(found[name]) if found[name] else None for name in _TIME_PARTS]
        base_end = found.end() if numbers[0] is None else found.start("year") - (5 if hive else 0)
        rest = prefix[found.end() :]
        return Place(prefix[:base_end], found["account"], found["region"], hive, rest, *numbers)
    return None


_TIME_PARTS = ("year", "month", "day", "hour")


def is_other_service(key: str) -> bool:
    """Whether a key lies in the part of AWS's tree that belongs to another service."""
    return _OTHER_SERVICE.search(key) is not None
