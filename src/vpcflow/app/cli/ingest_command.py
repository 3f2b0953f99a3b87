"""``vpcflow ingest PATH...``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from vpcflow.app.cli.context import settings_of

if TYPE_CHECKING:
    from vpcflow.app.ingest import Ingest, IngestReport
    from vpcflow.app.settings import Settings
    from vpcflow.collect.source_object import RecordSource

S3_SCHEME = "s3://"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--follow", is_flag=True, help="Keep watching for what is new, until Ctrl-C.")
@click.option(
    "--log-format",
    "format_text",
    metavar="FORMAT",
    help="Log format of files without a header: '${version} ${srcaddr} ...'.",
)
@click.option("--endpoint-url", metavar="URL", help="S3 endpoint other than AWS.")
@click.option("--since", metavar="TIME", help="S3: only objects of this time and later.")
@click.option("--until", metavar="TIME", help="S3: only objects before this time.")
@click.option("--wait", "wait_s", default=0.0, help="Seconds to wait for another writer to end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with what was done.")
@click.pass_context
def ingest(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    follow: bool,
    wait_s: float,
    as_json: bool,
    **chosen: Any,
) -> None:
    """Take flow records from files, folders, S3 or stdin.

    PATH is a file, a folder (with all below it), s3://BUCKET/PREFIX, or - for standard input.
    Plain, .gz, .zst and Parquet files may be mixed. What was taken before is skipped; a file that
    grew is read on. Lines that are no records go to quarantine. Ends with 0 when all that could
    be read is committed and durable.
    """
    from vpcflow.app.ingest import Ingest
    from vpcflow.app.progress import Progress
    from vpcflow.app.signals import stop_on_signals
    from vpcflow.record.log_format import LogFormat

    settings = settings_of(ctx)
    log_format = LogFormat.parse(chosen["format_text"]) if chosen["format_text"] else None
    if follow and "-" in paths:
        from vpcflow.app.live import follow_standard_input

        if len(paths) > 1:
            raise click.UsageError("--follow - takes no other path beside it")
        follow_standard_input(settings, log_format, wait_s=wait_s)
        return
    with (
        settings.folder.writer_lock(wait_s=wait_s),
        stop_on_signals() as stop,
        Progress("ingest") as progress,
        Ingest(
            settings,
            log_format=log_format,
            take_unterminated=not follow,
            progress=progress,
            stop=stop,
        ) as run,
    ):
        sources = make_sources(paths, settings, chosen)
        report = _follow(run, sources, settings, stop) if follow else run.run(sources)
        if not report.interrupted:
            run.maintain()
    _print_report(report, as_json)
    if report.interrupted and not follow:
        raise KeyboardInterrupt
    if not follow:
        _raise_if_nothing_was_read(report)


def make_sources(
    paths: tuple[str, ...], settings: Settings, chosen: dict[str, Any]
) -> list[RecordSource]:
    """The sources for what was named on the command line."""
    sources: list[RecordSource] = []
    local = [path for path in paths if not path.startswith(S3_SCHEME) and path != "-"]
    if local:
        from vpcflow.collect.files import FileSource

        sources.append(FileSource(local, settings.collect))
    for path in paths:
        if path.startswith(S3_SCHEME):
            from vpcflow.base.clock import SystemClock
            from vpcflow.collect.s3_listing import TimeSpan
            from vpcflow.collect.s3_objects import S3Source
            from vpcflow.query.time_range import parse_time_range

            span = parse_time_range(
                now_s=SystemClock().now_s(), since=chosen["since"], until=chosen["until"]
            )
            sources.append(
                S3Source(
                    path,
                    settings.folder.tmp,
                    settings.collect,
                    span=TimeSpan(span.start_s, span.end_s),
                    endpoint_url=chosen["endpoint_url"],
                )
            )
        elif path == "-":
            import sys

            from vpcflow.collect.standard_input import StdinSource

            sources.append(StdinSource(sys.stdin.buffer, settings.folder.tmp, settings.collect))
    return sources


def _follow(
    run: Ingest, sources: list[RecordSource], settings: Settings, stop: Any
) -> IngestReport:
    from vpcflow.base.clock import SystemClock

    clock = SystemClock()
    while True:
        report = run.run(sources)
        for error in report.source_errors:
            click.echo(f"problem: {error}", err=True)
        if stop.is_set():
            return report
        run.maintain()
        if clock.wait(stop, settings.ingest.follow_interval_s):
            return report


def _raise_if_nothing_was_read(report: IngestReport) -> None:
    """What could be read is committed by now; what is left to say is said by the exit code."""
    from vpcflow.base.errors import CollectError

    if report.source_errors:
        raise report.source_errors[0]
    if report.objects_failed and not report.objects and not report.objects_skipped:
        raise CollectError(
            "nothing could be read",
            where=f"{report.objects_failed} files",
            hint="`vpcflow quarantine list` says why",
        )


def _print_report(report: IngestReport, as_json: bool) -> None:
    if as_json:
        import json

        facts = {
            "files": report.objects,
            "files_skipped": report.objects_skipped,
            "files_failed": report.objects_failed,
            "records": report.records,
            "quarantined_lines": report.bad_lines,
            "bytes": report.bytes,
            "commits": report.commits,
        }
        click.echo(json.dumps(facts))
        return
    parts = [f"{report.objects:,} files, {report.records:,} records"]
    parts.append(f"{report.bad_lines:,} lines quarantined")
    if report.objects_skipped:
        parts.append(f"{report.objects_skipped:,} files taken before")
    if report.objects_failed:
        parts.append(f"{report.objects_failed:,} files with problems")
    click.echo(", ".join(parts))
    if report.bad_lines or report.objects_failed:
        click.echo("see `vpcflow quarantine list`", err=True)
