"""How far measured round-trip times are from a set delay, over real TCP; needs root.

`python bench/rtt_error.py`: for each delay a wire of two TAP devices, ten connections with
requests of one and of two segments. The bar is an error under 5 %, for the median of the flows'
medians. The wire's own error, by ICMP echoes, stands beside it: no measurement can be better.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

# What the kernel test has: real traffic over a delaying wire.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "kernel"))

from delayed_tcp import Measured, measure

from live_process import require_kernel_tools
from results import Result

DELAYS_MS = (1.0, 20.0, 100.0)
CONNECTIONS = 10
REQUESTS = [100, 2 * 1448] * 5
PINGS = 20
ERROR_PERCENT_MAX = 5.0


def _percent(value: float, wanted: float) -> float:
    return 100 * (value - wanted) / wanted


def rtt(runs: int) -> list[Result]:
    """The error of measured round-trip times against each set delay."""
    require_kernel_tools()
    results = []
    for delay_ms in DELAYS_MS:
        done = [measure(delay_ms / 1e3, CONNECTIONS, REQUESTS, PINGS) for _ in range(runs)]
        errors = [_percent(median(one.client_median), delay_ms) for one in done]
        wires = [_percent(median(one.pings), delay_ms) for one in done]
        results.append(
            Result(
                f"rtt against a set delay of {delay_ms:g} ms: error",
                abs(median(errors)),
                "%",
                "lower",
                bar=ERROR_PERCENT_MAX,
                note=f"with its sign {median(errors):+.2f}; ICMP echoes over the same wire "
                f"{median(wires):+.2f}; {sum(done[0].client_samples)} samples of {CONNECTIONS} "
                "connections",
                runs=[errors, wires],
            )
        )
    return results


def report(delay_ms: float, measured: Measured) -> bool:
    """Print one row; whether it is within the bar."""
    wire = median(measured.pings)
    middle = median(measured.client_median)
    least = min(measured.client_least)
    error = _percent(middle, delay_ms)
    print(
        f"{delay_ms:8.1f} {wire:9.3f} {_percent(wire, delay_ms):7.2f} "
        f"{middle:9.3f} {error:7.2f} {least:9.3f} {_percent(least, delay_ms):7.2f} "
        f"{sum(measured.client_samples):8d} {measured.counts.solid:6d}"
    )
    return abs(error) < ERROR_PERCENT_MAX


def main() -> int:
    """Measure all delays; the exit code says whether all are within the bar."""
    print("  set ms   ping ms     %    rtt ms       %   least ms      %  samples  solid")
    results = [
        report(delay, measure(delay / 1e3, CONNECTIONS, REQUESTS, PINGS)) for delay in DELAYS_MS
    ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
