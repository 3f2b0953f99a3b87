"""Aim: a live run that is stopped, killed, starved, moved or fed garbage counts right or says so.

Method: real devices in anonymous namespaces; the meter in a thread, or the real process.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from firewall_router import anonymous_namespace, made_in, needs_root, run_in
from live_harness import Service, vpcflow

from vpcflow.base.clock import SystemClock
from vpcflow.capture.exclusions import address_words
from vpcflow.capture.live_capture import LiveCapture
from vpcflow.capture.packet_sources.nflog import NflogSource
from vpcflow.capture.packet_sources.ring_settings import RingSettings
from vpcflow.capture.parsed_columns import VERDICT_SHIFT, VERDICT_UNKNOWN
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources.linux_netlink import LinuxInventory

pytestmark = pytest.mark.skipif(bool(needs_root()), reason=needs_root() or "can run")

#: The longest that anything may take; a bound, not a wait.
SECONDS_MAX = 60.0
_NEAR, _FAR = "10.55.0.1", "10.55.0.2"
_PACKETS_MASK = np.uint64((1 << 40) - 1)


@dataclass
class Wire:
    """Two namespaces, a veth between them. Shape: device ``near`` is metered, ``far`` is not."""

    near: str
    far: str

    def send(self, packets: int, port: int, *, first_port: int = 0) -> None:
        """UDP to the far end; with ``first_port`` each packet is a flow of its own."""
        opened = made_in(self.near, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with closing(opened):
            opened.bind((_NEAR, 0))
            for number in range(packets):
                opened.sendto(b"x" * 100, (_FAR, first_port + number if first_port else port))

    def inject(self, frames: list[bytes]) -> None:
        """Raw frames, as they come, from the far end."""
        opened = made_in(self.far, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        with closing(opened):
            made_in(self.far, lambda: opened.bind(("far", 0)))
            for frame in frames:
                opened.send(frame)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with anonymous_namespace() as near, anonymous_namespace() as far:
        for namespace in (near, far):
            run_in(namespace, "sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
        run_in(near, f"ip link add near type veth peer name far netns {far.split('/')[2]}")
        run_in(near, f"ip addr add {_NEAR}/24 dev near; ip link set near up")
        run_in(far, f"ip addr add {_FAR}/24 dev far; ip link set far up")
        # A sink, so that nothing is answered; and the neighbour is known.
        run_in(
            far,
            "nft add table inet t; nft 'add chain inet t i { type filter hook input "
            "priority 0; policy drop; }'",
        )
        mac = run_in(far, "cat /sys/class/net/far/address 2>/dev/null || true").strip()
        mac = mac or json.loads(run_in(far, "ip -j link show far"))[0]["address"]
        run_in(near, f"ip neigh replace {_FAR} lladdr {mac} dev near nud permanent")
        yield Wire(near, far)


class SetClock(SystemClock):
    """The machine's clock as somebody has set it. Units: seconds."""

    ahead_s = 0.0

    def now_s(self) -> float:
        return super().now_s() + self.ahead_s


@dataclass
class Metering:
    """A meter that runs in a thread."""

    live: LiveCapture
    windows: list[ClosedWindow] = field(default_factory=list)
    failed: list[BaseException] = field(default_factory=list)

    def until(self, reached: Callable[[], bool]) -> None:
        """Wait until the meter is there."""
        end = time.monotonic() + SECONDS_MAX
        while not reached():
            assert time.monotonic() < end, f"{self.live.counts} {self.live.meter.counts.by_name()}"
            assert not self.failed, self.failed
            select.select([], [], [], 0.005)

    def metered(self) -> int:
        return self.live.meter.counts.by_name()["metered"]

    def packets(self, address: str = _NEAR) -> int:
        """Packets of all closed intervals from one address."""
        return sum(_packets_from(window, address) for window in self.windows)


def _packets_from(window: ClosedWindow, address: str) -> int:
    first, second = address_words(IPv4Address(address))
    rows = window.rows
    rows = rows[(rows[:, 0] == np.uint64(first)) & (rows[:, 1] == np.uint64(second))]
    return int((rows[:, 5] & _PACKETS_MASK).sum())


@contextmanager
def metering(
    *namespaces: str,
    ring: RingSettings | None = None,
    ahead_s: float = 0.0,
    devices: tuple[str, ...] = ("*",),
    **settings: Any,
) -> Iterator[Metering]:
    """Meter these namespaces; at the end of the block the open interval is closed.

    Shape: the clock is set right once everything is open, before the first packet.
    """
    clock = SetClock()
    clock.ahead_s = ahead_s
    chosen = InventorySettings(own_namespace=False, namespaces=namespaces, include_devices=devices)
    inventory = LinuxInventory(chosen, Inventory(), None, clock)
    windows: list[ClosedWindow] = []
    live = LiveCapture(
        CaptureSettings(**{"interval_s": 600, "rtt": False, "hold_ms": 0, **settings}),
        ring or RingSettings(block_bytes=1 << 16, block_count=64, retire_ms=1),
        inventory,
        clock,
        on_window=windows.append,
    )
    stop = threading.Event()
    running = Metering(live, windows)

    def run() -> None:
        try:
            live.run(stop)
        except BaseException as error:  # noqa: BLE001 - the test's thread raises it
            running.failed.append(error)

    with closing(inventory), closing(live):
        live.open()
        clock.ahead_s = 0.0
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield running
        finally:
            stop.set()
            thread.join()
    assert not running.failed, running.failed


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0])
def test_a_clock_that_is_set_by_an_hour(wire: Wire, ahead_s: float) -> None:
    with metering(wire.near, ahead_s=ahead_s) as running:
        now_ns = time.time_ns()
        wire.send(50, 9000)
        running.until(lambda: running.metered() >= 50)
    assert running.packets() == 50
    assert len(running.windows) == 2, [(w.start_ns, w.end_ns, len(w.rows)) for w in running.windows]
    last = running.windows[-1]
    assert abs(last.start_ns - now_ns) < 600 * 10**9
    assert all(window.start_ns <= window.end_ns for window in running.windows)
    assert _packets_from(last, _NEAR) == 50


def test_malformed_frames_are_counted_and_harm_nobody(wire: Wire) -> None:
    rng = random.Random(20261127)
    ethernet = b"\xff" * 6 + b"\x02" + b"\x00" * 5
    endless = ethernet + b"\x86\xdd" + b"\x60\0\0\0\x05\x00\x00\x40" + b"\1" * 32
    endless += b"\x00\x00" * 640  # hop-by-hop headers, one after the other
    truncated = ethernet + b"\x08\x00" + b"\x45\x00\x00\x54\0\0\0\0"
    frames = [endless, truncated, ethernet + b"\x81\x00\x00\x00" * 20]
    for kind in (b"\x08\x00", b"\x86\xdd", b"\x81\x00", b"\x88\x47"):
        frames += [ethernet + kind + rng.randbytes(rng.randrange(20, 400)) for _ in range(200)]
    with metering(wire.near) as running:
        wire.inject(frames)
        wire.send(50, 9000)
        counts = running.live.meter.counts
        running.until(lambda: int(counts.packets.sum()) >= len(frames) + 50)
    assert int(counts.packets.sum()) == len(frames) + 50, "every frame has one status"
    assert counts.by_name()["malformed"] + counts.by_name()["truncated"] > 300
    assert running.packets() == 50


def test_a_full_flow_table_says_so(wire: Wire) -> None:
    with metering(wire.near, flows_max=16) as running:
        wire.send(100, 0, first_port=20_000)
        running.until(lambda: running.metered() >= 100)
    (window,) = running.windows
    assert len(window.rows) == 16
    assert list(window.skipped_packets.values()) == [84]
    assert running.live.meter.counts.skipped == 84


def test_an_overrun_ring_is_told_and_goes_on(wire: Wire) -> None:
    ring = RingSettings(block_bytes=1 << 14, block_count=2, retire_ms=1)
    with metering(wire.near, ring=ring) as running:

        def flood() -> bool:
            wire.send(5_000, 9000)
            return running.live.counts["ring-dropped"] > 0

        running.until(flood)
    assert running.windows[-1].lost_namespaces == {wire.near}
    assert running.packets() > 0


def test_where_nobody_reads_the_log_no_action_is_guessed(wire: Wire) -> None:
    # Our rules are in force, but another program reads what they log.
    group = CaptureSettings().firewall_group
    with closing(NflogSource(wire.near, [group])), metering(wire.near) as running:
        ids = frozenset(one.interface.interface_id for one in running.live.book.points())
        running.live.cover({wire.near: ids})
        wire.send(5, 9000)
        running.until(lambda: running.metered() >= 5)
    (window,) = running.windows
    assert ids and running.live.problems
    verdicts = window.rows[:, 4] >> np.uint64(VERDICT_SHIFT) & np.uint64(3)
    assert running.packets() == 5 and set(verdicts.tolist()) == {VERDICT_UNKNOWN}


def test_devices_change_while_they_are_metered(wire: Wire) -> None:
    with metering(wire.near) as running:
        (before,) = running.live.book.points()
        wire.send(10, 9000)
        running.until(lambda: running.metered() >= 10)
        run_in(
            wire.near, "ip link set near down; ip link set near name other; ip link set other up"
        )
        run_in(wire.near, f"ip addr add 10.56.0.1/24 dev other; ip addr del {_NEAR}/24 dev other")
        running.until(
            lambda: (
                [str(a) for a in running.live.book.points()[0].interface.ipv4_addresses]
                == ["10.56.0.1"]
            )
        )
        (after,) = running.live.book.points()
    assert (before.slot, before.interface.interface_id) == (
        after.slot,
        after.interface.interface_id,
    )
    assert running.packets() == 10


def test_a_device_moves_to_another_metered_namespace(wire: Wire) -> None:
    with anonymous_namespace() as third, metering(wire.near, third) as running:
        (before,) = running.live.book.points()
        wire.send(10, 9000)
        running.until(lambda: running.metered() >= 10)
        run_in(wire.near, f"ip link set near netns {third.split('/')[2]}")
        running.until(
            lambda: (
                [p.namespace for p in running.live.book.points() if p.until_s is None] == [third]
            )
        )
    ids = {point.interface.interface_id for point in running.windows[-1].points}
    assert ids == {before.interface.interface_id}, "it stays the same interface"
    assert running.packets() == 10


def test_a_deleted_namespace_dies_although_it_is_metered(wire: Wire) -> None:
    name = f"vpcflow-robust-{os.getpid()}"
    with ExitStack() as stack:
        running = stack.enter_context(metering(wire.near, name))
        subprocess.run(["ip", "netns", "add", name], check=True)
        try:
            run_in(wire.near, f"ip link add peer type veth peer name inner netns {name}")
            running.until(lambda: name in running.live.namespaces)
        finally:
            subprocess.run(["ip", "netns", "del", name], check=True)
        # The kernel takes the veth away when nothing holds the namespace any more.
        running.until(
            lambda: (
                "peer" not in run_in(wire.near, "ip -o link")
                and running.live.namespaces == (wire.near,)
            )
        )


def test_hundreds_of_interfaces_come_and_go(wire: Wire) -> None:
    count = 100
    with metering(wire.near, devices=("s*", "near")) as running:
        run_in(
            wire.near,
            f"seq {count} | sed 's/.*/link add s& type veth peer name sp&/' | ip -b -\n"
            f"seq {count} | sed 's/.*/link del s&/' | ip -b -",
        )
        wire.send(10, 9000)
        points = running.live.book.points
        running.until(lambda: sum(p.until_s is None for p in points()) == 1)
        running.until(lambda: running.metered() >= 10)
    assert running.packets() == 10
    window = running.windows[-1]
    assert len(window.points) <= 2 * count + 1
    left = tuple(p for p in running.live.book.points() if p.until_s is None)
    assert left == tuple(p for p in window.points if p.until_s is None)


def test_more_interfaces_than_slots_do_not_end_the_run(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vpcflow.capture.observation_point.SLOTS_MAX", 1)
    with metering(wire.near) as running:
        run_in(wire.near, "ip link add more type veth peer name still-more")
        running.until(lambda: bool(running.live.problems))
        wire.send(10, 9000)
        running.until(lambda: running.metered() >= 10)
    assert "more than" in running.live.problems[0]
    assert running.packets() == 10


class Run(Service):
    """``vpcflow run`` on the near namespace, as a process that can be killed."""

    def __init__(self, data: Path, wire: Wire, interval_s: int = 600) -> None:
        super().__init__(
            data, "--netns", wire.near, "--device", "near*", "--interval", str(interval_s)
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        self._process.kill()
        self._process.wait()

    def interrupt(self) -> list[str]:
        """Ctrl-C; what it said since it started."""
        self._process.send_signal(signal.SIGINT)
        _, rest = self._process.communicate(timeout=SECONDS_MAX)
        assert self._process.returncode == 0, rest
        return rest.splitlines()

    def said(self, start: str) -> str:
        """The next line that starts so."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if line.startswith(start):
                return line
        raise AssertionError(f"it ended and never said: {start}")


def _rows(data: Path, columns: str, where: str) -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM flow_records WHERE {where} ORDER BY ALL"
    lines = vpcflow(data, "query", sql, "--json").splitlines()
    return [tuple(json.loads(line).values()) for line in lines]


def _command(data: Path, *arguments: str, before: tuple[str, ...] = ()) -> tuple[int, str]:
    """Exit code and stderr of a command that may fail."""
    program = str(Path(sys.executable).with_name("vpcflow"))
    done = subprocess.run(
        [*before, program, "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_signal_loses_nothing_and_questions_go_on_beside(wire: Wire, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Run(data, wire) as service:
        threads = Path(f"/proc/{service.pid}/task").glob("*/status")
        masks = {
            int(line.split()[1], 16)
            for path in threads
            for line in path.read_text().splitlines()
            if line.startswith(("CapPrm:", "CapEff:"))
        }
        # Other namespaces are metered: CAP_NET_ADMIN, NET_RAW, SYS_PTRACE and SYS_ADMIN, no more.
        assert max(masks) == 1 << 12 | 1 << 13 | 1 << 19 | 1 << 21
        assert masks <= {0, max(masks)}, "threads of libraries have none"
        for second in (("run",), ("ingest", str(tmp_path))):
            code, said = _command(data, *second)
            assert (code, "another vpcflow process" in said) == (9, True), said
        assert '"OK"' not in vpcflow(data, "flows", "--json")
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as silent:
            silent.connect(str(data / "capture.sock"))
            assert service.status()["interfaces"] == 1
            wire.send(777, 9000)
            service.stop()
    assert _rows(data, "srcaddr, dstport, packets", "dstport = 9000") == [(_NEAR, 9000, 777)]
    assert not (data / "open-interval.json").exists()


def test_a_kill_loses_the_open_interval_and_says_so(wire: Wire, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Run(data, wire, interval_s=1) as service:
        wire.send(500, 9000)
        kept = 0
        while kept < 500:
            line = service.said("")
            kept += sum(int(count) for count in re.findall(r", (\d+) packets", line))
        run_in(wire.near, "ip link add near2 type veth peer name elsewhere")
        mark = json.loads((data / "open-interval.json").read_text())
        while len(mark["interfaces"]) < 2:
            service.said("")
            mark = json.loads((data / "open-interval.json").read_text())
        service.kill()
    mark = json.loads((data / "open-interval.json").read_text())
    with Run(data, wire, interval_s=600) as service:
        said = service.interrupt()
    assert any("was killed" in line for line in [*service.lines, *said])
    assert _rows(data, "sum(packets)", "dstport = 9000") == [(500,)]
    lost = _rows(data, "interface_id, start", "log_status = 'SKIPDATA'")
    ids = {interface["interface_id"] for interface in mark["interfaces"]}
    assert {row[0] for row in lost} == ids
    assert len(lost) == len(ids), "each is told once"
    assert {int(row[1]) for row in lost} == {mark["since_ns"] // 10**9}
    assert not list((data / "spool").glob("*.arrow"))


def test_a_full_disk_is_told_and_capture_goes_on(wire: Wire, tmp_path: Path) -> None:
    data = tmp_path / "small"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(data)], check=True)
    try:
        with Run(data, wire, interval_s=1) as service:
            while "UTC" not in service.said(""):
                pass
            filler = data / "filler"
            with pytest.raises(OSError, match="No space left"), filler.open("wb", 0) as file:
                while True:
                    file.write(b"\0" * 4096)
            assert "No space left" in service.said("problem:")
            # The table may have been refused first, while the spool still had room.
            while not service.status()["lost"]["intervals-skipped"]:
                pass
            filler.unlink()
            while "SKIPDATA" not in service.said(""):
                pass
            wire.send(100, 9000)
            service.interrupt()
        assert _rows(data, "packets", "dstport = 9000") == [(100,)]
        assert _rows(data, "count(DISTINCT interface_id)", "log_status = 'SKIPDATA'") == [(1,)]
    finally:
        subprocess.run(["umount", "-l", str(data)], check=True)


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [("-all", "CAP_NET_ADMIN, CAP_NET_RAW"), ("-all,+net_raw", "CAP_NET_ADMIN")],
)
def test_what_is_not_allowed_is_told_with_the_command(
    tmp_path: Path, allowed: str, missing: str
) -> None:
    code, said = _command(tmp_path, "run", before=("setpriv", "--bounding-set", allowed))
    assert code == 6
    assert f"{missing} is missing" in said
    assert "sudo setcap cap_net_admin,cap_net_raw+ep" in said
    assert f"sudo {Path(sys.executable).with_name('vpcflow')} --data {tmp_path} run" in said
    assert not (tmp_path / "lock").exists()
