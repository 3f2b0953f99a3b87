"""The measures: each makes a workload, runs ours and the peer side by side, and says the figures."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from machine import BENCH, CACHE, PYTHON, VPCFLOW, Run, folder_bytes, median, one_core, run
from peers import peers_python
from results import Result
from workload import Workload

MIB = 1 << 20
#: The built front end.
STATIC = BENCH.parent / "src/vpcflow/console/static"
#: Of measures that take long.
LONG_RUNS = 3
#: Hours, and seconds before the newest record: the third begins and ends within a day and an hour.
OVERVIEW_RANGES = (
    ("24 hours", 24, 0),
    ("last hour", 1, 0),
    ("24 hours from mid-day", 24, 12 * 3_600 - 900),
    ("7 days", 168, 0),
)
#: Minutes of 20,000 records a second.
LAG_INTERVALS, LAG_RECORDS = 8, 1_200_000
#: Records a second of the console's live tail, and for how long.
TAIL_RECORDS, TAIL_SECONDS = "5000", "120"


@dataclass(frozen=True)
class Options:
    """What the command line chose."""

    records: int
    days: int
    runs: int
    files: int
    moments: int
    parquet_files: str

    def workload(self, version: int = 2) -> Workload:
        """The sample that most measures work on."""
        return Workload(self.records, self.days, version)


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder on the same disk as everything else, gone afterwards."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE, prefix="run-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def ingest(options: Options) -> list[Result]:
    """Gzip text to committed table on one core; memory of the same runs."""
    work = options.workload()
    sample = work.sample()
    python = peers_python()
    ours: list[Run] = []
    peer: list[Run] = []
    with one_core(), scratch() as folder:
        one_file = [VPCFLOW, "ingest", next(sample.rglob("*.gz"))]
        run(one_file, threads_max=1, VPCFLOW_DATA=str(folder / "warm"))
        small = run(one_file, threads_max=1, VPCFLOW_DATA=str(folder / "small"))
        # One after the other, so that a noisy neighbour disturbs both alike.
        for number in range(options.runs):
            data = folder / f"data-{number}"
            ours.append(run([VPCFLOW, "--data", data, "ingest", sample], threads_max=1))
            stored = _table_info(data)["rows"]
            assert stored == work.records, f"{stored} records in the table, not {work.records}"
            shutil.rmtree(data)
            target = folder / "polars.parquet"
            arguments = [BENCH / "peer_polars.py", "ingest", sample, target]
            peer.append(run([python, *arguments], threads_max=1))
            assert _records(peer[-1]) == work.records
        arguments = [BENCH / "peer_flowlogs_reader.py", sample, "20", folder / "reader.parquet"]
        reader = run([python, *arguments], threads_max=1)
    ours_rate = work.records / median([one.cpu_s for one in ours])
    net_rate = work.records / (median([one.cpu_s for one in ours]) - small.cpu_s)
    told = json.loads(reader.output)
    note = (
        f"{work.records} records, whole processes, CPU seconds on one core; by the clock "
        f"{work.records / median([one.wall_s for one in ours]):,.0f} against "
        f"{work.records / median([one.wall_s for one in peer]):,.0f}; "
        f"Polars held {max(one.rss_bytes for one in peer) / MIB:,.0f} MiB"
    )
    return [
        Result(
            "ingest, one core",
            ours_rate,
            "records/s",
            "higher",
            work.records / median([one.cpu_s for one in peer]),
            "Polars",
            1.5,
            note,
            [[one.cpu_s for one in ours], [one.cpu_s for one in peer]],
        ),
        Result(
            "ingest without the process's start",
            net_rate,
            "records/s",
            "higher",
            note=f"ingest of one file costs {small.cpu_s:.1f} s of CPU; a large ingest hides it",
        ),
        Result(
            "ingest, against flowlogs-reader",
            ours_rate,
            "records/s",
            "higher",
            told["records"] / told["seconds"],
            "flowlogs-reader",
            20,
            f"the peer read {told['records']} records to unsorted Parquet",
        ),
        Result(
            "ingest, peak memory",
            max(one.rss_bytes for one in ours) / MIB,
            "MiB",
            "lower",
            bar=1024,
            note=f"{work.records} records",
        ),
    ]


def parse(options: Options) -> list[Result]:
    """Inflate and parse alone, one core."""
    work = options.workload()
    sample = work.sample()
    python = peers_python()
    ours, peer = [], []
    with one_core():
        for _ in range(options.runs):
            told = json.loads(run([PYTHON, BENCH / "our_parse.py", sample], threads_max=1).output)
            assert (told["records"], told["bad"]) == (work.records, 0)
            ours.append(work.records / told["seconds"])
            done = run([python, BENCH / "peer_polars.py", "parse", sample], threads_max=1)
            assert _records(done) == work.records
            peer.append(work.records / json.loads(done.output)["seconds"])
    figures = (median(ours), "records/s", "higher")
    against = Result("inflate and parse, against Polars", *figures, median(peer), "Polars read_csv")
    alone = Result("inflate and parse, one core", *figures, bar=3e6, runs=[ours, peer])
    return [alone, against]


def size(options: Options) -> list[Result]:
    """Bytes a record in the table, after compaction."""
    results = []
    for version, bar in ((2, 10.0), (5, 11.5)):
        work = options.workload(version)
        info = _table_info(work.table())
        parquet = folder_bytes(work.aws_parquet(options.parquet_files), "*.parquet")
        results.append(
            Result(
                f"bytes a record, version {version}",
                info["bytes_a_record"],
                "B",
                "lower",
                bar=bar,
                note=f"{info['bytes'] / info['rows']:.2f} of it records, the rest rollups; gz text {work.gzip_bytes() / work.records:.1f}, AWS-like Parquet "
                f"{parquet / work.records:.1f} ({options.parquet_files} files), "
                f"{info['files']} files in the table",
            )
        )
    return results


def start(options: Options) -> list[Result]:
    """Whole processes: `vpcflow talkers` from start to answer, `--help`, a capture's first record."""
    from compare_pcap import start_times

    table = options.workload().table()
    ask = [VPCFLOW, "--data", table, "talkers", "--json"]
    run(ask)
    talkers = [run(ask).wall_s for _ in range(options.runs)]
    run([VPCFLOW, "--help"])
    helps = [run([VPCFLOW, "--help"]).cpu_s * 1000 for _ in range(options.runs)]
    with scratch() as folder:
        captures = start_times(folder, options.runs)
    return [
        *captures,
        Result(
            "vpcflow talkers, whole process",
            median(talkers),
            "s",
            "lower",
            bar=2,
            note=f"{options.records} records, warm",
            runs=talkers,
        ),
        Result("vpcflow --help, CPU", median(helps), "ms", "lower", bar=150, runs=helps),
    ]


def files(options: Options) -> list[Result]:
    """A table of many files: one commit more, and the plan of a one-hour question."""
    done = run([PYTHON, BENCH / "many_files.py", "--files", str(options.files)])
    told = {figure["what"]: figure for figure in map(json.loads, done.output.splitlines())}
    commit, plan = told["commit"], told["plan one hour"]
    return [
        Result(
            f"commit to {options.files} files",
            commit["median_ms"],
            "ms",
            "lower",
            bar=150,
            note=f"95th percentile {commit['p95_ms']} ms, {commit['cpu_median_ms']} ms of CPU",
        ),
        Result(
            f"plan one hour of {options.files} files",
            plan["median_ms"],
            "ms",
            "lower",
            bar=150,
            note=f"a new index takes {told['make the index anew']['median_ms']} ms",
        ),
    ]


def kill(options: Options) -> list[Result]:
    """kill -9 at random moments of ingest and of compaction; then every record is counted."""
    from kill_command import kill_at_random

    with scratch() as folder:
        told = kill_at_random(folder, moments=options.moments)
    return [
        Result(
            f"kill -9, {told.moments} moments: records lost or doubled",
            told.wrong_records,
            "records",
            "lower",
            bar=0,
            note=f"{told.in_ingest} in ingest, {told.in_compaction} in compaction, "
            f"{told.unreadable} times unreadable, {told.orphans} orphans at the end",
        )
    ]


def questions(options: Options) -> list[Result]:
    """The nine questions and flows of an address, against DuckDB on AWS's Parquet."""
    from compare_questions import compare

    return compare(options.workload(), options.parquet_files, options.runs)


def pcap(options: Options) -> list[Result]:
    """A capture file to flow records, against the meters of others."""
    from compare_pcap import compare

    with scratch() as folder:
        return compare(folder, options.runs)


def account(options: Options) -> list[Result]:
    """Every packet of a capture file is somewhere."""
    from account_packets import account as of_packets

    return of_packets()


def kernels(options: Options) -> list[Result]:
    """Packet parsing and the flow table alone."""
    from meter_kernels import kernels as of_meter

    with one_core():
        return of_meter(min(options.runs, LONG_RUNS))


def live(options: Options) -> list[Result]:
    """`vpcflow run` over veth at the highest rate: drops, and CPU against the sender's."""
    from live_rate import live as over_veth

    return over_veth(options.runs)


def verdicts(options: Options) -> list[Result]:
    """`vpcflow run` beside our firewall that refuses 200,000 packets a second."""
    from live_verdicts import verdicts as of_firewall

    return of_firewall(min(options.runs, LONG_RUNS))


def first_packet(options: Options) -> list[Result]:
    """`vpcflow run` from its start to the first packet metered."""
    from live_start import start_times

    return start_times(options.runs)


def delay(options: Options) -> list[Result]:
    """What the firewall adds to forwarded packets."""
    from firewall_delay import delay as of_firewall

    return of_firewall(min(options.runs, LONG_RUNS))


def rtt(options: Options) -> list[Result]:
    """Round-trip times against a set delay."""
    from rtt_error import rtt as against_set_delay

    return against_set_delay(options.runs)


def endpoint(options: Options) -> list[Result]:
    """The AWS endpoint over HTTP: start, signed requests, and batches of log events."""
    import endpoint_rates

    with scratch() as folder:
        started = endpoint_rates.start(folder, options.runs)
        signed = endpoint_rates.signed_requests(folder)
        return [*started, *signed, *endpoint_rates.puts(folder, min(options.runs, LONG_RUNS))]


def describe(options: Options) -> list[Result]:
    """DescribeFlowLogs of 10,000 flow logs, against moto's server."""
    import endpoint_rates

    with scratch() as folder:
        return endpoint_rates.describe(folder, min(options.runs, LONG_RUNS))


def events(options: Options) -> list[Result]:
    """First pages of FilterLogEvents over HTTP, one hour in the sample's table."""
    import endpoint_rates

    table = options.workload(5).table()
    with scratch() as folder:
        return endpoint_rates.first_pages(folder, table, min(options.runs, LONG_RUNS))


def overview(options: Options) -> list[Result]:
    """All panels of the console's overview together: cold, and warm without a cache of answers."""
    table = options.workload(5).table()
    results = []
    for what, hours, back_s in OVERVIEW_RANGES:
        script = [PYTHON, BENCH / "overview_panels.py", table]
        done = run([*script, str(hours), str(back_s), str(options.runs)])
        told = json.loads(done.output)
        cold, *warm = told["seconds"]
        slowest = sorted(told["alone_ms"].items(), key=lambda one: -one[1])[:3]
        note = (
            f"{options.records} records, load {told['load']:.1f}; slowest alone: "
            f"{', '.join(f'{name} {ms} ms' for name, ms in slowest)}"
        )
        dropped = "all caches dropped" if told["caches_dropped"] else "its files dropped"
        results += [
            Result(
                f"overview, {what}, warm", median(warm), "s", "lower", bar=1, note=note, runs=warm
            ),
            Result(f"overview, {what}, cold", cold, "s", "lower", bar=3, note=dropped),
        ]
    return results


def users(options: Options) -> list[Result]:
    """20 users refreshing the overview over HTTP."""
    from console_users import refresh

    return refresh(options.workload(5).table(), min(options.runs, LONG_RUNS))


def lag(options: Options) -> list[Result]:
    """A minute at 20,000 records a second: its end to readable through FilterLogEvents."""
    import endpoint_rates

    with scratch() as folder:
        return endpoint_rates.lag(folder, LAG_INTERVALS, LAG_RECORDS)


def live_tail(_: Options) -> list[Result]:
    """The console's live tail in Chromium at 5,000 records a second, through a kill of its server."""
    with scratch() as folder:
        script = [PYTHON, BENCH / "live_tail.py", folder, TAIL_RECORDS, TAIL_SECONDS]
        told = json.loads(run(script).output)
    clicks = sorted(told["click_ms"])
    share = told["long_tasks_ms"] / (told["seconds"] * 1_000)
    return [
        Result("live-tail-missed", told["missed"] + told["twice"], "records", "lower", bar=0),
        Result("live-tail-rate", told["records"] / told["seconds"], "records/s", "higher"),
        Result("live-tail-long-tasks", share, "of the time", "lower", note="tasks over 50 ms"),
        Result("live-tail-click", clicks[len(clicks) // 2], "ms", "lower"),
    ]


def first_paint(options: Options) -> list[Result]:
    """First contentful paint of the console's overview on loopback, and what its scripts weigh."""
    table = options.workload(5).table()
    done = run([PYTHON, BENCH / "first_paint.py", table, str(options.runs)])
    visits = json.loads(done.output)
    paints = [one["paint_ms"] / 1_000 for one in visits]
    weight = max(one["script_bytes"] for one in visits) / 1_000
    note = f"{visits[0]['scripts']} scripts, brotli; cold browser cache"
    shipped = sum(path.stat().st_size for path in STATIC.rglob("*.js.gz")) / 1_000
    return [
        Result("first-paint", median(paints), "s", "lower", bar=1, runs=paints),
        Result("first-paint-scripts", weight, "kB", "lower", bar=450, note=note),
        Result("scripts-of-all-pages", shipped, "kB", "lower", note="gzip; loaded page by page"),
    ]


MEASURES: dict[str, Callable[[Options], list[Result]]] = {
    "parse": parse,
    "ingest": ingest,
    "size": size,
    "questions": questions,
    "start": start,
    "files": files,
    "kill": kill,
    "pcap": pcap,
    "account": account,
    "kernels": kernels,
    "live": live,
    "verdicts": verdicts,
    "first-packet": first_packet,
    "delay": delay,
    "rtt": rtt,
    "endpoint": endpoint,
    "describe": describe,
    "events": events,
    "lag": lag,
    "overview": overview,
    "users": users,
    "live-tail": live_tail,
    "first-paint": first_paint,
}


def _records(done: Run) -> int:
    return int(json.loads(done.output)["records"])


def _table_info(data: Path) -> dict[str, float]:
    told: dict[str, float] = json.loads(
        run([VPCFLOW, "--data", data, "table", "info", "--json"]).output
    )
    return told
