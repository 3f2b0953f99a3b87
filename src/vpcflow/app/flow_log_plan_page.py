"""Prints what a flow log would produce and cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from vpcflow.api.flow_log_estimate import RecentTraffic
from vpcflow.app.output import duration_text, make_console, scaled, time_text
from vpcflow.control.flow_logs.cost import HOURS_A_MONTH, NOT_COUNTED, Estimate, PriceTable
from vpcflow.record.flow_log_selection import FlowLogSelection

_NO_PRICE = "no price known"
_SHORT_HOURS = 1.0


def plan_facts(
    selection: FlowLogSelection,
    traffic: RecentTraffic,
    estimates: Sequence[Estimate],
    prices: PriceTable,
    region: str,
) -> dict[str, Any]:
    """All of a plan, for programs.

    Units: gigabytes are the price table's; money is USD.
    """
    measured = traffic.measured
    each = max(measured.sample_records, 1)
    return {
        "resource_id": selection.resource_id,
        "traffic_type": selection.traffic_type.value,
        "log_format": str(selection.log_format),
        "window": {
            "from": time_text(traffic.from_s),
            "until": time_text(traffic.until_s),
            "hours": round(traffic.hours, 2),
            "coverage": round(traffic.coverage, 4),
            "interfaces": traffic.interfaces,
            "records": traffic.records,
            "skipdata_records": traffic.skipdata,
        },
        "records_per_hour": round(measured.records_per_hour, 1),
        "records_per_month": round(measured.records_per_hour * HOURS_A_MONTH),
        "sample": {
            "records": measured.sample_records,
            "text_bytes_per_record": round(measured.text_bytes / each, 2),
            "gzip_bytes_per_record": round(measured.gzip_bytes / each, 2),
            "parquet_bytes_per_record": round(measured.parquet_bytes / each, 2),
        },
        "ways": [
            {
                "way": one.way,
                "billed_gb_per_month": round(one.billed_gb, 4),
                "stored_gb_per_month": round(one.stored_gb, 4),
                "usd_per_month": None if one.usd is None else round(one.usd, 2),
            }
            for one in estimates
        ],
        "prices": {"date": prices.date.isoformat(), "source": prices.source, "region": region},
        "not_counted": list(NOT_COUNTED),
    }


def print_plan(
    selection: FlowLogSelection,
    traffic: RecentTraffic,
    estimates: Sequence[Estimate],
    prices: PriceTable,
    region: str,
    *,
    as_json: bool,
) -> None:
    """Print a plan: a table for people, one JSON object for programs."""
    facts = plan_facts(selection, traffic, estimates, prices, region)
    if as_json:
        import orjson

        sys.stdout.write(f"{orjson.dumps(facts).decode()}\n")
        return
    console = make_console()
    for line in _head(facts, traffic):
        console.print(line, markup=False)
    console.print(_table(estimates))
    console.print(
        f"\nprices of {prices.date}, {region}: {prices.source}\n"
        f"a month is {HOURS_A_MONTH} hours; taken for granted, since AWS's pages do not say it: a "
        f"gigabyte is {prices.gb_bytes:,} bytes, and the uncompressed lines are billed\nnot counted:",
        markup=False,
    )
    for item in NOT_COUNTED:
        console.print(f"  - {item}", markup=False)


def _head(facts: dict[str, Any], traffic: RecentTraffic) -> list[str]:
    window, sample = facts["window"], facts["sample"]
    lines = [
        f"{facts['resource_id']}, {facts['traffic_type']}, {facts['log_format'].count('$')} fields",
        f"measured: {window['from']} to {window['until']} UTC "
        f"({duration_text(traffic.until_s - traffic.from_s)}), {window['interfaces']:,} "
        f"interface(s), {window['coverage']:.1%} of their minutes known",
        f"records:  {window['records']:,} in that time, {facts['records_per_hour']:,} an hour, "
        f"{scaled(facts['records_per_month'])} a month",
        f"sizes:    of the newest {sample['records']:,} records in this format: "
        f"{sample['text_bytes_per_record']} bytes a record as text, "
        f"{sample['gzip_bytes_per_record']} gzipped, {sample['parquet_bytes_per_record']} Parquet; "
        "smaller objects compress less",
    ]
    if traffic.hours < _SHORT_HOURS:
        lines.append("note:     less than an hour was measured: a month will differ")
    if window["skipdata_records"]:
        lines.append(
            f"note:     {window['skipdata_records']:,} SKIPDATA records: there was more traffic"
        )
    return [*lines, ""]


def _table(estimates: Sequence[Estimate]) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
    table.add_column("To")
    for title in ("GB billed a month", "GB that arrive", "USD a month"):
        table.add_column(title, justify="right", no_wrap=True)
    for one in estimates:
        usd = _NO_PRICE if one.usd is None else f"{one.usd:,.2f}"
        table.add_row(one.way, f"{one.billed_gb:,.3f}", f"{one.stored_gb:,.3f}", usd)
    return table
