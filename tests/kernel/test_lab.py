"""Aim: the lab is a VPC that works, is enforced, and leaves nothing behind, killed or not.

Method: real namespaces; packets are counted at the router's ports by packet sockets.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packet_tap import PacketTap, TappedPacket

from vpcflow.base.errors import CaptureError, ResourceError, SettingsError
from vpcflow.lab.testbed.lab import Lab
from vpcflow.lab.testbed.namespaces import process_start_time
from vpcflow.lab.testbed.state import LOCK_FILE, LOG_FILE
from vpcflow.lab.testbed.topology import HOSTS, host_address

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

_WEB, _WEB6, _APP, _DB = host_address("web"), host_address("web", 6), "10.0.2.10", "10.0.3.10"
_CLIENT, _ATTACKER, _NAT = host_address("client"), host_address("attacker"), host_address("nat")
_ICMP, _TCP = 1, 6


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab.start(tmp_path_factory.mktemp("lab"), offload=False) as started:
        yield started


def _machine() -> tuple[object, ...]:
    """What a lab could leave behind outside its own namespaces."""

    def lines(*command: str) -> list[str]:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return sorted(line.split("@")[0].split(" mtu ")[0] for line in done.stdout.splitlines())

    names = Path("/run/netns")
    return (
        lines("ip", "-o", "link"),
        lines("nft", "list", "tables"),
        sorted(path.name for path in names.iterdir()) if names.is_dir() else [],
    )


def _processes(pid_namespace: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/ns/pid"):
        try:
            pid = int(path.parts[2])
            # One that is dead, and only waits until init has noticed, is none.
            if path.stat().st_ino == pid_namespace and process_start_time(pid) is not None:
                found.append(pid)
        except FileNotFoundError:
            continue
    return found


def _kill(lab: Lab) -> None:
    handle = os.pidfd_open(lab.state.pid)
    signal.pidfd_send_signal(handle, signal.SIGKILL)
    assert select.select([handle], [], [], 10)[0], "a killed supervisor ends"
    os.close(handle)


def test_down_leaves_nothing_but_the_log(tmp_path: Path) -> None:
    before = _machine()
    lab = Lab.start(tmp_path / "lab", traffic=True, speed=50)
    assert len(_processes(lab.state.pid_namespace)) == len(lab.hosts) + 1
    lab.stop()
    assert _processes(lab.state.pid_namespace) == []
    assert _machine() == before
    assert {path.name for path in (tmp_path / "lab").iterdir()} == {LOCK_FILE, LOG_FILE}
    lab.stop()


def test_kill_of_the_supervisor_ends_everything_and_up_works_again(tmp_path: Path) -> None:
    before = _machine()
    lab = Lab.start(tmp_path)
    _kill(lab)
    assert _processes(lab.state.pid_namespace) == []
    assert _machine() == before
    with pytest.raises(ResourceError, match="no lab is running"):
        Lab.attach(tmp_path)
    with Lab.start(tmp_path) as again:
        assert again.once("pages")["outcomes"] == {"answered": 1}


def test_up_works_while_the_killed_one_is_still_dying(tmp_path: Path) -> None:
    for _ in range(5):
        lab = Lab.start(tmp_path)
        os.kill(lab.state.pid, signal.SIGKILL)
    assert not Lab.is_up(tmp_path)
    Lab.start(tmp_path).stop()


def test_the_lab_ends_when_one_of_its_processes_does(tmp_path: Path) -> None:
    with Lab.start(tmp_path) as lab:
        handle = os.pidfd_open(lab.state.pid)
        os.kill(lab.hosts["db"].pid, signal.SIGKILL)
        assert select.select([handle], [], [], 10)[0]
        os.close(handle)
        assert "the process of db has ended" in lab.log_file.read_text()
        assert _processes(lab.state.pid_namespace) == []


def test_one_lab_a_folder_and_two_folders_do_not_meet(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="is running"):
        Lab.start(lab.folder)
    long = tmp_path / ("a" * 100) / ("b" * 100)
    with Lab.start(long) as other, PacketTap(lab.router.pid, "web") as tap:
        assert other.once("pages")["outcomes"] == {"answered": 1}
        assert tap.packets() == []
    assert lab.once("pages")["outcomes"] == {"answered": 1}


#: From, to, port, and how it ends.
_REACHED = (
    ("client", _WEB, 80, "answered"),
    ("client", _WEB, 443, "answered"),
    ("client", "10.0.1.11", 80, "answered"),
    ("client", _WEB6, 80, "answered"),
    ("attacker", _WEB, 80, "answered"),
    ("client", _WEB, 22, "unanswered"),
    ("client", _WEB, 8081, "unanswered"),
    ("client", host_address("bastion"), 22, "answered"),
    ("client", host_address("bastion", 6), 22, "answered"),
    ("attacker", host_address("bastion"), 22, "unanswered"),
    ("bastion", _APP, 22, "answered"),
    ("bastion", _WEB, 22, "answered"),
    ("bastion", _DB, 5432, "unanswered"),
    ("web", _APP, 8080, "answered"),
    ("web", host_address("app", 6), 8080, "answered"),
    ("web", _APP, 22, "unanswered"),
    ("web", host_address("bastion"), 22, "unanswered"),
    ("web", _DB, 5432, "unanswered"),
    ("web", _CLIENT, 443, "unanswered"),
    ("app", _DB, 5432, "answered"),
    ("app", _CLIENT, 443, "answered"),
    ("app", host_address("client", 6), 443, "answered"),
    ("app", _ATTACKER, 443, "answered"),
    ("app", _CLIENT, 22, "unanswered"),
    ("db", _CLIENT, 443, "unanswered"),
    ("db", _APP, 8080, "unanswered"),
    ("idle", _CLIENT, 80, "unanswered"),
    ("client", _APP, 8080, "unanswered"),
    ("client", _DB, 5432, "unanswered"),
    ("client", "10.0.1.77", 80, "unanswered"),
    ("client", "10.0.1.1", 80, "unanswered"),
    ("app", _CLIENT, 80, "answered"),
    # Nobody listens there, and the rules let it through.
    ("app", _ATTACKER, 80, "refused"),
)


@pytest.fixture(scope="module")
def reached(lab: Lab) -> dict[tuple[str, str, int], dict[str, int]]:
    """How connections end; all tried at once, since no answer takes its time."""

    def outcome(row: tuple[str, str, int, str]) -> dict[str, int]:
        host, to, port, _ = row
        found: dict[str, int] = lab.once("connect", host=host, to=to, port=port)["outcomes"]
        return found

    with ThreadPoolExecutor(len(_REACHED)) as threads:
        return dict(zip((row[:3] for row in _REACHED), threads.map(outcome, _REACHED), strict=True))


@pytest.mark.parametrize(("host", "to", "port", "outcome"), _REACHED)
def test_every_service_is_reached_from_where_the_rules_say(
    reached: dict[tuple[str, str, int], dict[str, int]],
    host: str,
    to: str,
    port: int,
    outcome: str,
) -> None:
    assert reached[host, to, port] == {outcome: 1}


def test_without_the_firewall_what_it_refuses_is_reached(tmp_path: Path) -> None:
    with Lab.start(tmp_path, firewall=False) as lab:
        for host, to, port in (("client", _WEB, 22), ("web", _DB, 5432)):
            connect = lab.once("connect", host=host, to=to, port=port)
            assert connect["outcomes"] == {"answered": 1}


def _of(packets: list[TappedPacket], source: str, destination: str) -> list[TappedPacket]:
    return [one for one in packets if (one.source, one.destination) == (source, destination)]


def test_a_summary_counts_the_packets_that_crossed_the_port(lab: Lab) -> None:
    for scenario in ("pages", "chain", "keepalive"):
        with PacketTap(lab.router.pid, "web") as tap:
            (flow,) = lab.once(scenario, speed=100)["flows"]
            packets = [packet for packet in tap.packets() if packet.protocol == _TCP]
        sent, received = _of(packets, _CLIENT, _WEB), _of(packets, _WEB, _CLIENT)
        assert (len(sent), len(received)) == (flow["packets_sent"], flow["packets_received"])
        # 20 bytes of IP, 32 of TCP, 8 more for the options of SYN and SYN-ACK.
        assert sum(one.length for one in sent) == flow["bytes_sent"] + 52 * len(sent) + 8
        assert (
            sum(one.length for one in received) == flow["bytes_received"] + 52 * len(received) + 8
        )


def test_an_idle_interface_has_no_packet(lab: Lab) -> None:
    with PacketTap(lab.router.pid, "idle") as tap:
        lab.once("pages")
        assert tap.packets() == []


def test_packets_within_a_subnet_cross_the_router(lab: Lab) -> None:
    with PacketTap(lab.router.pid, "web") as tap:
        (flow,) = lab.once("ssh", host="bastion", to=_WEB)["flows"]
        packets = tap.packets()
    assert flow["outcome"] == "answered"
    assert len(_of(packets, host_address("bastion"), _WEB)) == flow["packets_sent"]


def test_the_nat_gateway_is_seen_from_both_sides(lab: Lab) -> None:
    ports = [PacketTap(lab.router.pid, name) for name in ("app", "nat", "internet")]
    (flow,) = lab.once("beacon")["flows"]
    app, nat, internet = (port.packets() for port in ports)
    for port in ports:
        port.__exit__()
    sent, received = flow["packets_sent"], flow["packets_received"]
    assert len(_of(app, _APP, _ATTACKER)) == len(_of(nat, _APP, _ATTACKER)) == sent
    assert len(_of(nat, _NAT, _ATTACKER)) == len(_of(internet, _NAT, _ATTACKER)) == sent
    assert len(_of(internet, _ATTACKER, _NAT)) == len(_of(app, _ATTACKER, _APP)) == received
    assert _of(internet, _APP, _ATTACKER) == []


def test_the_acl_drops_only_the_replies(lab: Lab) -> None:
    bastion = host_address("bastion")
    with PacketTap(lab.router.pid, "app") as app, PacketTap(lab.router.pid, "bastion") as other:
        (flow,) = lab.once("noreply", count=2)["flows"]
        at_app, at_bastion = app.packets(), other.packets()
    assert (flow["packets_sent"], flow["packets_received"]) == (2, 0)
    assert len(_of(at_app, bastion, _APP)) == len(_of(at_app, _APP, bastion)) == 2
    assert len(_of(at_bastion, bastion, _APP)) == 2
    assert _of(at_bastion, _APP, bastion) == []


def test_pings_of_4000_bytes_are_three_fragments_each_way(lab: Lab) -> None:
    with PacketTap(lab.hosts["internet"].pid, "client") as tap:
        (flow,) = lab.once("bigping", count=2, speed=100)["flows"]
        packets = tap.packets()
    assert (flow["packets_sent"], flow["packets_received"]) == (6, 6)
    assert len(_of(packets, _CLIENT, _WEB)) == len(_of(packets, _WEB, _CLIENT)) == 6
    assert all(packet.is_fragment and packet.protocol == _ICMP for packet in packets)
    assert sum(packet.length for packet in _of(packets, _CLIENT, _WEB)) == 2 * (4008 + 3 * 20)


def test_a_scan_finds_what_the_rules_leave_open(lab: Lab) -> None:
    with PacketTap(lab.router.pid, "internet") as tap:
        summary = lab.once("scan", ports="1-300")
        packets = tap.packets()
    assert summary["outcomes"] == {"answered": 1, "unanswered": 299}
    (answered,) = [flow for flow in summary["flows"] if flow["outcome"] == "answered"]
    assert answered["destination_port"] == 80
    assert len(_of(packets, _ATTACKER, _WEB)) == sum(f["packets_sent"] for f in summary["flows"])


def test_the_whole_schedule_runs_in_seconds(lab: Lab) -> None:
    lab.start_traffic(seed=3, speed=100, duration_s=300)
    with pytest.raises(SettingsError, match="already running"):
        lab.start_traffic()
    facts = lab.wait_traffic()
    assert not facts["scheduled"]
    tally = facts["scenarios"]
    assert {"pages", "chain", "scan", "sweep", "bruteforce", "beacon", "exfiltration"} <= set(tally)
    assert not any(one["failed"] or one["outcomes"].get("failed") for one in tally.values())
    assert tally["beacon"]["outcomes"] == {"answered": tally["beacon"]["runs"]}
    assert set(tally["lateral"]["outcomes"]) == {"unanswered"}


def test_services_outlive_nonsense(lab: Lab) -> None:
    nonsense = (
        "import contextlib, os, socket\n"
        "lines = (b'', b' ' * 9, b'GET /bytes/x HTTP/1.1', b'a b c', b'GET / HTTP/1.1')\n"
        "for data in (os.urandom(200_000), *(line + b'\\r\\n\\r\\n' for line in lines)):\n"
        f"  with socket.create_connection(('{_WEB}', 80)) as opened:\n"
        "    with contextlib.suppress(ConnectionError):\n"
        "      opened.sendall(data)\n"
    )
    assert lab.hosts["client"].run([sys.executable, "-c", nonsense]).returncode == 0
    assert lab.once("pages")["outcomes"] == {"answered": 1}
    assert lab.once("chain")["outcomes"] == {"answered": 1}
    assert "Traceback" not in lab.log_file.read_text()


def test_a_host_runs_programs_in_its_network(lab: Lab) -> None:
    done = lab.hosts["web"].run(["ip", "-o", "addr", "show", "eth0"])
    assert done.returncode == 0
    found = {line.split()[3].split("/")[0] for line in done.stdout.splitlines()}
    assert found == {*HOSTS["web"].addresses, "fe80::2"}
    with pytest.raises(ResourceError, match="no such host: mars"):
        lab.host("mars")


def _vpcflow(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("vpcflow")), "--data", str(data), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command(tmp_path: Path) -> None:
    assert _vpcflow(tmp_path, "lab", "status").returncode == 12
    try:
        up = _vpcflow(tmp_path, "lab", "up", "--no-traffic")
        assert (up.returncode, up.stderr) == (0, "")
        assert "already up" in _vpcflow(tmp_path, "lab", "up").stdout
        status = _vpcflow(tmp_path, "lab", "status").stdout
        assert all(text in status for text in (_WEB, HOSTS["web"].interface_id, "traffic: off"))
        facts = json.loads(_vpcflow(tmp_path, "lab", "status", "--json").stdout)
        assert Path(facts["inventory"]).is_file()
        assert [host["host"] for host in facts["hosts"]][:2] == ["router", "web"]
        shell = _vpcflow(tmp_path, "lab", "shell", "app", "--", "sh", "-c", "ip -o addr; exit 7")
        assert shell.returncode == 7
        assert _APP in shell.stdout
        look_up = "import socket; print(socket.gethostbyname('db'))"
        named = _vpcflow(tmp_path, "lab", "shell", "web", "--", sys.executable, "-c", look_up)
        assert named.stdout.strip() == _DB
        once = _vpcflow(tmp_path, "lab", "traffic", "once", "scan", "--ports", "79-81", "--json")
        assert json.loads(once.stdout)["outcomes"] == {"answered": 1, "unanswered": 2}
        assert "no such scenario" in _vpcflow(tmp_path, "lab", "traffic", "once", "x").stderr
    finally:
        down = _vpcflow(tmp_path, "lab", "down")
    assert down.stdout == "the lab is down\n"
    assert _vpcflow(tmp_path, "lab", "down").stdout == "no lab is running\n"
