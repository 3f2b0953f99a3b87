"""``vpcflow capture --read FILE``."""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import settings_of

if TYPE_CHECKING:
    from vpcflow.app.capture_file import FileCaptureChoices, FileCaptureReport
    from vpcflow.app.record_sinks import RecordSink
    from vpcflow.app.settings import Settings

_INTERFACE = re.compile(r"eni-[0-9a-f]{8,17}\Z")
_MAC = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}\Z")


@click.command()
@click.option(
    "--read", "path", required=True, metavar="FILE", help="Capture file, - for standard input."
)
@click.option(
    "--interface-id", metavar="ENI", default="", help="Network interface that was captured."
)
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="IP",
    help="Its addresses, the primary first; may be repeated.",
)
@click.option("--mac", default="", help="Its MAC.  [default: learned from its packets]")
@click.option(
    "--inventory",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Inventory file: interfaces, and rules that judge where no firewall told.",
)
@click.option("--nflog", default="", metavar="FILE", help="Capture of what the firewall refused.")
@click.option("--mirror", is_flag=True, help="Mirrored traffic in VXLAN: interfaces by VNI.")
@click.option(
    "--interval", "interval_s", type=click.IntRange(1, 600), help="Seconds.  [default: 60]"
)
@click.option("--output", metavar="-", help="- prints text lines instead of filling the table.")
@click.option(
    "--log-format", "format_text", metavar="FORMAT", help="Of --output: '${version} ...'."
)
@click.option("--wait", "wait_s", default=0.0, help="Seconds to wait for another writer to end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with what was done.")
@click.pass_context
def capture(ctx: click.Context, /, as_json: bool, wait_s: float, **chosen: Any) -> None:
    """Make flow records of a packet capture.

    Reads pcap and pcapng, plain, .gz or .zst. The records go into the table, once for the same
    file and choices, or with --output - to standard output in any log format. Intervals start at
    multiples of their length. The action is what the firewall's log says (--nflog), else what the
    rules of the inventory say, else -.
    """
    from vpcflow.app.capture_file import read_capture
    from vpcflow.record.log_format import LogFormat, default_format

    settings = settings_of(ctx)
    choices = _choices(chosen)
    capture_settings = settings.capture
    if chosen["interval_s"]:
        capture_settings = capture_settings.model_copy(update={"interval_s": chosen["interval_s"]})
    log_format = LogFormat.parse(chosen["format_text"]) if chosen["format_text"] else None
    if chosen["output"] not in (None, "-"):
        raise click.UsageError("--output takes only -, standard output")
    if log_format is not None and chosen["output"] is None:
        raise click.UsageError("--log-format is for --output -")
    with ExitStack() as stack:
        sink: RecordSink | None
        if chosen["output"] == "-":
            from vpcflow.app.record_sinks import LineSink

            sink = LineSink(sys.stdout.buffer, log_format or default_format())
        else:
            sink = _table_sink(stack, settings, choices, chosen, wait_s)
            if sink is None:
                click.echo("this capture was taken before, in the same way", err=True)
                return
        report = read_capture(choices, capture_settings, settings.inventory, sink)
    _print_report(report, as_json=as_json, to_error=chosen["output"] == "-")


def _choices(chosen: dict[str, Any]) -> FileCaptureChoices:
    from ipaddress import ip_address

    from vpcflow.app.capture_file import FileCaptureChoices

    mac = chosen["mac"].lower()
    if mac and not _MAC.match(mac):
        raise click.BadParameter("write it as 02:00:0a:01:00:10", param_hint="--mac")
    if not chosen["mirror"]:
        if not _INTERFACE.match(chosen["interface_id"]):
            raise click.BadParameter(
                "name the interface that was captured, as eni- and 8 or 17 hex digits",
                param_hint="--interface-id",
            )
        if not chosen["addresses"] and not chosen["inventory"]:
            raise click.UsageError("give the interface's addresses: --address IP, or --inventory")
    try:
        addresses = tuple(ip_address(text) for text in chosen["addresses"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--address") from error
    return FileCaptureChoices(
        chosen["path"],
        chosen["interface_id"],
        addresses,
        mac,
        chosen["inventory"],
        chosen["nflog"],
        chosen["mirror"],
    )


def _table_sink(
    stack: ExitStack,
    settings: Settings,
    choices: FileCaptureChoices,
    chosen: dict[str, Any],
    wait_s: float,
) -> RecordSink | None:
    """The table, under the writer lock; None when the same capture is in it."""
    from vpcflow.app.record_sinks import TableSink, commit_id_of
    from vpcflow.app.upkeep import open_for_writing

    names = [f"{name}={value}" for name, value in sorted(chosen.items()) if name != "path"]
    names.append(settings.capture.model_dump_json())
    beside = (choices.inventory or settings.inventory.file, choices.nflog)
    commit_id = commit_id_of(choices.path, names, [str(path) for path in beside if path])
    table = stack.enter_context(open_for_writing(settings, wait_s))
    if table.has_commit(commit_id):
        return None
    return TableSink(table, settings.store, commit_id)


def _print_report(report: FileCaptureReport, *, as_json: bool, to_error: bool) -> None:
    records, meter = report.records, report.meter
    excluded = {str(kind): count.packets for kind, count in records.excluded.items()}
    by_status = {name: count for name, count in meter.by_name().items() if count}
    if as_json:
        import json

        facts = {
            "records": records.flows,
            "packets": records.packets,
            "bytes": records.bytes,
            "nodata": records.nodata,
            "skipdata": records.skipdata,
            "skipped_packets": meter.skipped,
            "packets_by_status": by_status,
            "ip_bytes_by_status": {
                name: int(meter.ip_bytes[number])
                for number, name in enumerate(meter.by_name())
                if meter.packets[number]
            },
            "excluded_packets": excluded,
            "damaged": report.malformed,
        }
        click.echo(json.dumps(facts), err=to_error)
        return
    for warning in report.warnings:
        click.echo(f"note: {warning}", err=True)
    parts = [
        f"{records.flows:,} records of {records.packets:,} packets, {records.bytes:,} bytes",
        *(f"{count:,} packets {name}" for name, count in by_status.items() if name != "metered"),
        *(f"{count:,} packets of {name} excluded" for name, count in excluded.items()),
    ]
    if report.malformed:
        parts.append(f"{report.malformed:,} damaged records passed over")
    if meter.skipped:
        parts.append(f"{meter.skipped:,} packets skipped: raise capture.flows_max")
    click.echo(", ".join(parts), err=to_error)
