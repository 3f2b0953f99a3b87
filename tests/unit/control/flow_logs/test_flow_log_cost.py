"""Aim: the arithmetic of a month's cost is right at the edges of the tiers, and says what it does not
know. Method: hand-computed figures, price tables that are wrong in one place."""

from __future__ import annotations

from importlib import resources

import pytest

from vpcflow.base.errors import SettingsError
from vpcflow.control.flow_logs.cost import (
    HOURS_A_MONTH,
    Measured,
    PriceTable,
    estimate,
    read_prices,
    tiered_usd,
)

TIERS = ((10.0, 0.5), (30.0, 0.25), (0.0, 0.1))
TABLE = """
date = 2025-09-01
source = "somewhere"
gb_bytes = 1000000000
[regions.here]
cloudwatch_standard = [[10, 0.5], [0, 0.25]]
s3 = [[0, 0.25]]
parquet_conversion = [[0, 0.03]]
"""


def own_prices() -> PriceTable:
    place = resources.files("vpcflow.control.flow_logs") / "prices.toml"
    return read_prices(place.read_text(encoding="utf-8"), "prices.toml")


@pytest.mark.parametrize(
    ("gb", "usd"),
    [(0, 0), (1, 0.5), (10, 5), (11, 5.25), (30, 10), (130, 20)],
)
def test_every_gigabyte_has_the_price_of_its_tier(gb: float, usd: float) -> None:
    assert tiered_usd(gb, TIERS) == pytest.approx(usd)


def test_the_table_of_the_package() -> None:
    prices = own_prices()
    assert prices.source
    standard = prices.regions["us-east-1"]["cloudwatch_standard"]
    # 10 TB at 0.50, 20 TB at 0.25, 20 TB at 0.10, the rest at 0.05.
    assert tiered_usd(61_440, standard) == pytest.approx(
        10_240 * 0.5 + 20_480 * 0.25 + 20_480 * 0.1 + 10_240 * 0.05
    )
    for product in ("cloudwatch_infrequent_access", "s3", "firehose"):
        assert tiered_usd(1, prices.regions["us-east-1"][product]) == 0.25
    assert tiered_usd(1, prices.regions["ap-northeast-1"]["cloudwatch_standard"]) == 0.76


def test_a_month_of_a_measured_rate() -> None:
    # 1,000 records an hour of 100 bytes: 73 MB a month.
    measured = Measured(1_000, 10, 1_000, 100, 200)
    found = {one.way: one for one in estimate(measured, read_prices(TABLE, "test"), "here")}
    gb = 1_000 * HOURS_A_MONTH * 100 / 1e9
    assert found["CloudWatch Logs, Standard"].billed_gb == pytest.approx(gb)
    assert found["CloudWatch Logs, Standard"].usd == pytest.approx(gb * 0.5)
    assert found["S3, text"].usd == pytest.approx(gb * 0.25)
    assert found["S3, text"].stored_gb == pytest.approx(gb / 10)
    assert found["S3, Parquet"].usd == pytest.approx(gb * 0.28)
    assert found["S3, Parquet"].billed_gb == pytest.approx(gb)
    assert found["S3, Parquet"].stored_gb == pytest.approx(gb / 5)
    assert found["Firehose"].usd is None


def test_no_price_is_made_up_for_a_region_that_the_table_does_not_have() -> None:
    measured = Measured(1_000, 10, 1_000, 100, 200)
    assert {one.usd for one in estimate(measured, own_prices(), "mars-north-1")} == {None}


def test_nothing_costs_nothing() -> None:
    found = estimate(Measured(0, 0, 0, 0, 0), own_prices(), "us-east-1")
    assert {one.usd for one in found} == {0}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("date =", "not valid TOML"),
        (TABLE.replace("gb_bytes", "gib_bytes"), "gb_bytes"),
        (TABLE.replace("[0, 0.25]]\ns3", "[20, 0.25]]\ns3"), "cloudwatch_standard"),
        (TABLE.replace("[10, 0.5]", "[0, 0.5]"), "cloudwatch_standard"),
        (TABLE.replace("0.03", "-0.03"), "below 0"),
        (TABLE.replace("2025-09-01", '"yesterday"'), "date"),
    ],
)
def test_a_wrong_table_says_where(text: str, part: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_prices(text, "my.toml")
    assert part in str(caught.value)
    assert "my.toml" in str(caught.value)
