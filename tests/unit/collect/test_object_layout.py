"""Aim: AWS's object names are read in all their forms. Method: names as AWS documents them."""

from __future__ import annotations

import pytest

from vpcflow.collect.object_layout import (
    FileFormat,
    is_other_service,
    parse_object_name,
    parse_prefix,
)

NAME = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"
PLAIN = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/"
HIVE = (
    "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
    "year=2018/month=06/day=20/"
)


@pytest.mark.parametrize("base", ["", "my/prefix/", "/data/logs/"])
@pytest.mark.parametrize(
    ("folder", "hive", "hourly"),
    [
        (PLAIN, False, False),
        (PLAIN + "16/", False, True),
        (HIVE, True, False),
        (HIVE + "hour=16/", True, True),
    ],
)
def test_reads_every_form(base: str, folder: str, hive: bool, hourly: bool) -> None:
    name = parse_object_name(base + folder + NAME)
    assert (name.account_id, name.region, name.flow_log_id) == (
        "123456789012",
        "us-east-1",
        "fl-1234abcd",
    )
    assert name.slot_start_s == 1529511600
    assert name.day == "2018-06-20"
    assert (name.hive, name.hourly, name.file_format) == (hive, hourly, FileFormat.TEXT)


def test_the_name_speaks_alone_and_the_folders_alone() -> None:
    alone = parse_object_name(NAME)
    assert (alone.region, alone.day) == ("us-east-1", "2018-06-20")
    folders = parse_object_name(PLAIN + "renamed.gz")
    assert (folders.account_id, folders.region, folders.day) == (
        "123456789012",
        "us-east-1",
        "2018-06-20",
    )
    assert folders.flow_log_id is None


def test_parquet_and_other_names() -> None:
    parquet = parse_object_name(HIVE + NAME.replace(".log.gz", ".log.parquet"))
    assert parquet.file_format is FileFormat.PARQUET
    other = parse_object_name("/var/log/flows.txt")
    assert other.account_id is other.region is other.day is None
    impossible = parse_object_name(NAME.replace("20180620T1620", "20189999T9999"))
    assert impossible.slot_start_s is None


@pytest.mark.parametrize("day", [PLAIN, HIVE])
def test_a_day_prefix_is_rebuilt_from_its_region(day: str) -> None:
    place = parse_prefix("x/" + day)
    assert place is not None
    assert place.day_prefix(1529452800) == "x/" + day
    region = parse_prefix(place.base)
    assert region is not None
    assert region.base == place.base
    assert region.year is None
    assert place.range_s() == (1529452800, 1529452800 + 86400)


def test_a_month_and_a_year_know_their_time() -> None:
    base = "AWSLogs/123456789012/vpcflowlogs/us-east-1/"
    year, month = parse_prefix(base + "2024/"), parse_prefix(base + "2024/02/")
    assert year is not None
    assert month is not None
    assert year.range_s() == (1704067200, 1735689600)
    assert month.range_s() == (1706745600, 1706745600 + 29 * 86400)
    odd = parse_prefix(base + "2024/13/")
    assert odd is not None
    assert odd.range_s() is None


def test_other_services_are_told_apart() -> None:
    assert is_other_service("p/AWSLogs/123456789012/CloudTrail/us-east-1/2024/01/01/x.json.gz")
    assert is_other_service("AWSLogs/aws-account-id=123456789012/aws-service=elb/x")
    assert not is_other_service(PLAIN + NAME)
    assert not is_other_service(HIVE + NAME)
    assert not is_other_service("AWSLogs/123456789012/vpcflowlogs/")
