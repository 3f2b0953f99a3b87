"""Round-trip times of records: only our own capture measures them, others have none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

RTT_COLUMN = "rtt_us"
#: What may be asked of round-trip times.
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def percentiles(values: Any, names: Sequence[str]) -> dict[str, Any]:
    """Percentiles of a column by name; between two values they are on the line between them."""
    return {name: values.quantile(_QUANTILES[name]).cast("float64") for name in names}
