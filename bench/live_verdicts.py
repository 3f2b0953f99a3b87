"""Verdicts at a set rate: ``vpcflow run`` beside our own firewall, which refuses all that comes. Root.

``live_verdicts.py [--rate 200000] [--seconds 5] [--flows 1]``; prints one JSON object. Every packet
must be in a REJECT record; one whose verdict was lost must at least be known to be lost, by SKIPDATA.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from live_process import LiveProcess, received, require_kernel_tools, veth
from live_rate import HEADER_BYTES, SETTLE_S, send
from machine import VPCFLOW, run
from results import Result

RATE = 200_000
PAYLOAD_BYTES = 64
TARGET = "10.9.0.2"
#: One alone does not reach the rate where our rules are met by its own processor.
SENDERS = 2
MANY_FLOWS = 65_536
#: The addresses of the veth are not those that AWS reserves in a VPC and never logs.
INVENTORY = """
[[vpc]]
name = "bench"
cidr_blocks = ["10.8.0.0/15"]
[[subnet]]
name = "bench"
cidr_blocks = ["10.8.0.0/15"]
[[security_group]]
name = "closed"
rule = [{ direction = "ingress", protocol = "tcp", ports = "443", peer = "0.0.0.0/0" }]
[[interface]]
name = "far"
addresses = ["10.9.0.2"]
security_groups = ["closed"]
attachment = { device = "far", namespace = "NAMESPACE", side = "interface" }
"""


def measure(folder: Path, seconds: float, rate: float, flows: int) -> dict[str, Any]:
    """One run of the service under one flood."""
    file = folder / "inventory.toml"
    with veth() as (near, far):
        file.write_text(INVENTORY.replace("NAMESPACE", far))
        run([VPCFLOW, "firewall", "apply", "--netns", far, "--file", file])
        with LiveProcess(folder / "data", "--inventory", str(file)) as service:
            time.sleep(SETTLE_S)
            before, begun = received(far), service.cpu_s()
            sent, sender_cpu_s = send(
                near,
                seconds,
                PAYLOAD_BYTES,
                max(flows, SENDERS),
                senders=SENDERS,
                target=TARGET,
                rate=rate / SENDERS,
            )
            time.sleep(SETTLE_S)
            cpu_s = service.cpu_s() - begun
            status, arrived = service.status(), received(far) - before
            service.stop()
            kept = service.query(
                "SELECT log_status, action, action_source, count(*) AS records, "
                "coalesce(sum(packets), 0) AS packets, coalesce(sum(bytes), 0) AS bytes "
                "FROM flow_records GROUP BY log_status, action, action_source"
            )
    packets = {"REJECT": 0, "ACCEPT": 0, None: 0}
    for row in kept:
        if row["log_status"] == "OK":
            packets[row["action"]] += row["packets"]
            assert row["bytes"] == row["packets"] * (PAYLOAD_BYTES + HEADER_BYTES)
    lost = status["lost"]
    return {
        "sent": sent,
        "packets_per_s": round(sent / seconds),
        "arrived": arrived,
        "rejected": packets["REJECT"],
        "accepted": packets["ACCEPT"],
        "unknown": packets[None],
        "dropped": lost["ring-dropped"],
        "verdicts_lost": lost["verdicts-lost"],
        "skipdata": sum(row["records"] for row in kept if row["log_status"] == "SKIPDATA"),
        "records": sum(row["records"] for row in kept if row["log_status"] == "OK"),
        "unaccounted": arrived - sum(packets.values()) - lost["ring-dropped"],
        "meter_cpu_s": round(cpu_s, 3),
        "sender_cpu_s": round(sender_cpu_s, 3),
    }


def verdicts(runs: int, seconds: float = 5.0) -> list[Result]:
    """What became of packets that our firewall refuses at a high rate."""
    require_kernel_tools()
    results = []
    for name, flows in (("two flows", SENDERS), (f"{MANY_FLOWS:,} flows", MANY_FLOWS)):
        done = []
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                done.append(measure(Path(folder), seconds, RATE, flows))
        results.append(_result(name, done))
    return results


def _result(name: str, done: list[dict[str, Any]]) -> Result:
    """Lost and not told: packets without REJECT where no SKIPDATA says so, in the worst run."""
    silent = [0 if one["skipdata"] else one["arrived"] - one["rejected"] for one in done]
    last = sorted(done, key=lambda one: one["rejected"] / one["arrived"])[len(done) // 2]
    note = (
        f"{last['packets_per_s']:,} packets/s; arrived {last['arrived']:,}, REJECT "
        f"{last['rejected']:,}, ACCEPT {last['accepted']:,}, action unknown {last['unknown']:,}, "
        f"ring dropped {last['dropped']:,}, verdicts lost {last['verdicts_lost']:,}, SKIPDATA "
        f"records {last['skipdata']}; CPU of the meter {last['meter_cpu_s']:.2f} s, of the sender "
        f"with our rules {last['sender_cpu_s']:.2f} s; rate reached in each run "
        f"{', '.join(format(one['packets_per_s'], ',') for one in done)}"
    )
    return Result(
        f"verdicts at {RATE:,} packets/s, {name}: lost and not told",
        max(abs(value) for value in silent),
        "packets",
        "lower",
        bar=0,
        note=note,
        runs=done,
    )


def main() -> int:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--flows", type=int, default=1)
    chosen = parser.parse_args()
    require_kernel_tools()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), chosen.seconds, chosen.rate, chosen.flows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
