"""Aim: objects are named as AWS names them. Method: the documented names, read back by collect."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from delivery_desk import BUCKET, plan_of

from vpcflow.collect.object_layout import FileFormat, parse_object_name
from vpcflow.deliver.object_key import name_hash, object_key
from vpcflow.deliver.plan import DeliveryPlan

#: 2018-06-20 16:20 UTC, of the documentation's example.
SLOT_S = 1_529_511_600
PLAN = DeliveryPlan(
    "fl-1234abcd", "123456789012", "us-east-1", plan_of(1, BUCKET).selection, BUCKET
)
NAME = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"
PLAIN = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/"
HIVE = (
    "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
    "year=2018/month=06/day=20/"
)


@pytest.mark.parametrize(
    ("hive", "hourly", "prefix", "folder"),
    [
        (False, False, "", PLAIN),
        (False, True, "", f"{PLAIN}16/"),
        (True, False, "", HIVE),
        (True, True, "", f"{HIVE}hour=16/"),
        (True, True, "a/b", f"a/b/{HIVE}hour=16/"),
        (False, False, "a", f"a/{PLAIN}"),
    ],
)
@pytest.mark.parametrize("parquet", [False, True])
def test_the_documented_names(
    hive: bool, hourly: bool, prefix: str, folder: str, parquet: bool
) -> None:
    to = replace(
        BUCKET,
        prefix=prefix,
        parquet=parquet,
        hive_compatible_partitions=hive,
        per_hour_partition=hourly,
    )
    key = object_key(PLAN, to, SLOT_S, "fe123456")
    assert key == folder + (NAME.replace(".log.gz", ".log.parquet") if parquet else NAME)
    read = parse_object_name(key)
    assert (read.slot_start_s, read.hive, read.hourly) == (SLOT_S, hive, hourly)
    assert read.file_format is (FileFormat.PARQUET if parquet else FileFormat.TEXT)


def test_a_hash_tells_records_apart_and_nothing_else() -> None:
    first = name_hash("fl-1", SLOT_S, 3, 9, 0, ())
    assert re.fullmatch("[0-9a-f]{8}", first)
    assert first == name_hash("fl-1", SLOT_S, 3, 9, 0, set())
    others = {
        name_hash("fl-2", SLOT_S, 3, 9, 0, ()),
        name_hash("fl-1", SLOT_S + 300, 3, 9, 0, ()),
        name_hash("fl-1", SLOT_S, 4, 9, 0, ()),
        name_hash("fl-1", SLOT_S, 3, 8, 0, ()),
        name_hash("fl-1", SLOT_S, 3, 9, 1, ()),
        name_hash("fl-1", SLOT_S, 3, 9, 0, {5}),
    }
    assert len(others | {first}) == 7
