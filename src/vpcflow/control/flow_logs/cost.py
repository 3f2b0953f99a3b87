"""What a flow log would produce and cost in a month: arithmetic over measured rates and sizes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from vpcflow.base.errors import SettingsError

#: A month, as AWS's own calculator counts it.
HOURS_A_MONTH = 730

#: What no row of an estimate holds.
NOT_COUNTED = (
    "storage in CloudWatch Logs and S3, and S3's requests",
    "Firehose's own ingestion, and what it delivers to",
    "queries: Logs Insights, Athena, metric and subscription filters",
    "KMS keys, transfer between regions, taxes",
    "the free tier, and the tiers that other logs of the account have used up already",
    "SKIPDATA records, which AWS bills, beyond those that were measured",
)

Tiers = tuple[tuple[float, float], ...]


class PriceTable(BaseModel):
    """Prices by region and product.

    Shape: tiers as (upper end in GB a month, USD per GB), in order; 0 has no upper end.
    Units: ``gb_bytes`` is the size of a billed gigabyte.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    source: str
    gb_bytes: int = Field(ge=1)
    regions: Mapping[str, Mapping[str, Tiers]]

    @field_validator("regions")
    @classmethod
    def _tiers_go_up(
        cls, regions: Mapping[str, Mapping[str, Tiers]]
    ) -> Mapping[str, Mapping[str, Tiers]]:
        for region, products in regions.items():
            for product, tiers in products.items():
                ends = [end for end, _ in tiers]
                if not tiers or ends[-1] != 0 or 0 in ends[:-1] or ends[:-1] != sorted(ends[:-1]):
                    raise ValueError(f"{region} {product}: tiers go up, and the last one ends at 0")
                if any(usd < 0 for _, usd in tiers):
                    raise ValueError(f"{region} {product}: a price is below 0")
        return regions


def read_prices(text: str, where: str) -> PriceTable:
    """A price table from TOML.

    Errors: SettingsError that says what is wrong with it.
    """
    try:
        return PriceTable.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"not valid TOML: {error}", where=where) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{key}: {first['msg'].lower()}", where=where) from error


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a resource's recent traffic, in the format that was chosen.

    Shape: ``text_bytes``, ``gzip_bytes`` and ``parquet_bytes`` are of the ``sample_records``
    records that were printed, without line ends in the text.
    """

    records_per_hour: float
    sample_records: int
    text_bytes: int
    gzip_bytes: int
    parquet_bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """One way to deliver, for a month.

    Shape: ``stored_gb`` is what arrives there, compressed where it is; ``usd`` is None where the
    price table has no price for the region.
    """

    way: str
    billed_gb: float
    stored_gb: float
    usd: float | None


@dataclass(frozen=True, slots=True)
class _Way:
    name: str
    products: tuple[str, ...]
    stored: str


_WAYS = (
    _Way("CloudWatch Logs, Standard", ("cloudwatch_standard",), "text_bytes"),
    _Way("CloudWatch Logs, Infrequent Access", ("cloudwatch_infrequent_access",), "text_bytes"),
    _Way("S3, text", ("s3",), "gzip_bytes"),
    _Way("S3, Parquet", ("s3", "parquet_conversion"), "parquet_bytes"),
    _Way("Firehose", ("firehose",), "text_bytes"),
)


def tiered_usd(gb: float, tiers: Tiers) -> float:
    """The price of so many gigabytes, each at the price of the tier that it falls into."""
    usd, begin = 0.0, 0.0
    for end, price in tiers:
        here = gb if end == 0 else min(gb, end)
        usd += max(here - begin, 0.0) * price
        begin = end
    return usd


def estimate(measured: Measured, prices: PriceTable, region: str) -> tuple[Estimate, ...]:
    """Every way to deliver, for a month.

    Shape: billed are the uncompressed bytes of the lines, whatever the destination stores; no
    source of AWS's confirms it.
    """
    records = measured.records_per_hour * HOURS_A_MONTH

    def gb(sample_bytes: int) -> float:
        each = sample_bytes / measured.sample_records if measured.sample_records else 0.0
        return records * each / prices.gb_bytes

    known = prices.regions.get(region, {})
    found = []
    for way in _WAYS:
        billed_gb = gb(measured.text_bytes)
        there = all(product in known for product in way.products)
        usd = sum(tiered_usd(billed_gb, known[product]) for product in way.products if there)
        stored_gb = gb(getattr(measured, way.stored))
        found.append(Estimate(way.name, billed_gb, stored_gb, usd if there else None))
    return tuple(found)
