"""A capture file to flow records: packets for each CPU second of the whole process, with peers."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from machine import BENCH, VPCFLOW, Run, median, one_core, run
from pcap_workload import INTERFACE_ADDRESS, INTERFACE_ID, PcapWorkload
from peers import peers_python
from results import Result

PACKETS = 5_000_000
SMALL_PACKETS = 1_000
FEW, USUAL, MANY = 1_000, 200_000, 1_000_000
SLOW_PEER_RUNS = 3
#: How much slower a million flows may be than a thousand.
MANY_FLOWS_BAR = 2.5
INTERVAL_S = 60


@dataclass(frozen=True)
class Peer:
    """Another meter: its Debian package, its command for a capture file, and the bar at USUAL."""

    name: str
    package: str
    bar: float
    command: Callable[[Path, Path, int], list[str | Path]]
    slow: bool = False


def _argus(source: Path, folder: Path, _: int) -> list[str | Path]:
    """Status reports as far apart as our intervals; -X: no settings of this machine."""
    return ["argus", "-X", "-S", str(INTERVAL_S), "-r", source, "-w", folder / "argus.out"]


def _nfpcapd(source: Path, folder: Path, _: int) -> list[str | Path]:
    return ["nfpcapd", "-r", source, "-w", folder]


def _softflowd(source: Path, folder: Path, port: int) -> list[str | Path]:
    """With room for every flow; its default of 8,192 would end flows early."""
    command: list[str | Path] = ["softflowd", "-r", source, "-c", "none", "-d"]
    return [*command, "-p", folder / "pid", "-n", f"127.0.0.1:{port}", "-m", str(2 * MANY)]


def _nfstream(source: Path, folder: Path, _: int) -> list[str | Path]:
    return [peers_python(), BENCH / "peer_nfstream.py", source, folder / "nfstream.csv"]


PEERS = (
    Peer("argus", "argus-server", 2.5, _argus),
    Peer("nfpcapd", "nfdump", 3, _nfpcapd),
    Peer("softflowd", "softflowd", 3, _softflowd),
    Peer("nfstream", "", 12, _nfstream, slow=True),
)


def compare(folder: Path, runs: int) -> list[Result]:
    """Ours and every peer that is installed, in turns, over captures of few and many flows."""
    versions = installed_peers()
    rates: dict[int, dict[str, list[float]]] = {}
    with one_core(), _collector() as port:
        run(
            _ours(PcapWorkload(SMALL_PACKETS, SMALL_PACKETS // 10).path()), threads_max=1
        )  # compiles the kernels
        for flows in (FEW, USUAL, MANY):
            source = PcapWorkload(PACKETS, flows).path()
            rates[flows] = _take_turns(source, folder, port, runs, versions, flows)
    return [_result(flows, rates[flows], versions) for flows in rates] + _ratios(rates, versions)


def installed_peers() -> dict[str, str]:
    """Versions of the peers that are here; says which are not."""
    found = {}
    for peer in PEERS:
        if not peer.package:
            found[peer.name] = _python_version(peer.name)
        elif shutil.which(peer.name):
            asked = ["dpkg-query", "-W", "-f", "${Version}", peer.package]
            done = subprocess.run(asked, capture_output=True, text=True, check=False)
            found[peer.name] = done.stdout or "of unknown version"
        else:
            print(
                f"{peer.name} is not installed and not compared: apt-get install {peer.package}",
                file=sys.stderr,
            )
    return found


def _take_turns(
    source: Path, folder: Path, port: int, runs: int, versions: Mapping[str, str], flows: int
) -> dict[str, list[float]]:
    """One after the other, so that a noisy neighbour disturbs all alike."""
    rates: dict[str, list[float]] = {"vpcflow": []}
    for number in range(runs):
        done = run(_ours(source), threads_max=1)
        _check(done, flows)
        rates["vpcflow"].append(PACKETS / done.cpu_s)
        for peer in PEERS:
            if peer.name not in versions or (peer.slow and number >= SLOW_PEER_RUNS):
                continue
            if peer.slow and flows != USUAL:
                continue
            target = folder / f"{peer.name}-{number}"
            target.mkdir(exist_ok=True)
            first, *rest = peer.command(source, target, port)
            done = run([shutil.which(first) or first, *rest], threads_max=1)
            rates.setdefault(peer.name, []).append(PACKETS / done.cpu_s)
            shutil.rmtree(target)
    return rates


def _ours(source: Path) -> list[str | Path]:
    command: list[str | Path] = [VPCFLOW, "capture", "--read", source, "--output", "-"]
    return [*command, "--interface-id", INTERFACE_ID, "--address", INTERFACE_ADDRESS]


def _check(done: Run, flows: int) -> None:
    """Every packet is in a record, and there is one for each flow."""
    lines = done.output.splitlines()[1:]
    packets = sum(int(line.split()[8]) for line in lines)
    assert packets == PACKETS, f"{packets} packets in the records, not {PACKETS}"
    assert len(lines) == flows, f"{len(lines)} records, not {flows}"


def _result(flows: int, rates: Mapping[str, list[float]], versions: Mapping[str, str]) -> Result:
    others = ", ".join(
        f"{name} {versions[name]}: {median(rates[name]):,.0f}" for name in versions if name in rates
    )
    return Result(
        f"capture file, {flows} flows",
        median(rates["vpcflow"]),
        "packets/s",
        "higher",
        note=f"{PACKETS} packets, CPU seconds of whole processes; {others}",
        runs=[dict(rates)],
    )


def _ratios(
    rates: Mapping[int, Mapping[str, list[float]]], versions: Mapping[str, str]
) -> list[Result]:
    usual = rates[USUAL]
    results = [
        Result(
            f"capture file, against {peer.name}",
            median(usual["vpcflow"]),
            "packets/s",
            "higher",
            median(usual[peer.name]),
            f"{peer.name} {versions[peer.name]}",
            peer.bar,
        )
        for peer in PEERS
        if peer.name in usual
    ]
    slower = median(rates[FEW]["vpcflow"]) / median(rates[MANY]["vpcflow"])
    what = f"capture file, {MANY} flows slower than {FEW}"
    return [*results, Result(what, slower, "times", "lower", bar=MANY_FLOWS_BAR)]


@contextmanager
def _collector() -> Iterator[int]:
    """A port where exported flows arrive; nobody reads them, so they cost the peer no errors."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        yield taker.getsockname()[1]


def _python_version(name: str) -> str:
    program = f"from importlib.metadata import version; print(version('{name}'))"
    return run([peers_python(), "-c", program]).output.strip()


def start_times(folder: Path, runs: int) -> list[Result]:
    """From the start of the command to the first record of a small capture, warm and cold."""
    source = PcapWorkload(SMALL_PACKETS, SMALL_PACKETS // 10).path()
    _first_record_s(source)
    warm = [_first_record_s(source) for _ in range(runs)]
    cold = [_first_record_s(source, folder / f"kernels-{number}") for number in range(2)]
    return [
        Result("first record of a capture, warm", median(warm), "s", "lower", bar=1, runs=warm),
        Result(
            "first record of a capture, kernels not compiled",
            median(cold),
            "s",
            "lower",
            note="once after an installation; make setup compiles them",
            runs=cold,
        ),
    ]


def _first_record_s(source: Path, kernels: Path | None = None) -> float:
    """Seconds until the header line and one record are printed."""
    environment = {**os.environ, "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if kernels is not None:
        environment["NUMBA_CACHE_DIR"] = str(kernels)
    begun = time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in _ours(source)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(2)]
        elapsed_s = time.perf_counter() - begun
        child.stdout.read()
    if child.returncode or not lines[1].startswith(b"2 "):
        raise RuntimeError(f"vpcflow capture ended with {child.returncode} and printed no record")
    return elapsed_s
