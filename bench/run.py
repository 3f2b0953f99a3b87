"""The benchmark: ``bench/run.py [MEASURE...]``; medians side by side with peers.

``--full`` measures 20 million records as the figures of the project are stated; the default is
a tenth of that. Downloads nothing but its peers, into an environment of their own.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict

from measures import MEASURES, Options
from results import Result, print_table, write_results

QUICK_RECORDS, FULL_RECORDS = 2_000_000, 20_000_000


def main() -> int:
    """Run the chosen measures; exit 1 when one could not be run, 0 whatever the figures say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=", ".join(MEASURES))
    parser.add_argument("--records", type=int, default=QUICK_RECORDS)
    parser.add_argument("--full", action="store_true", help="20 million records over 7 days")
    parser.add_argument("--days", type=int, default=None)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--files", type=int, default=10_000, help="files of the large table")
    parser.add_argument("--moments", type=int, default=50, help="how often to kill")
    parser.add_argument("--parquet-files", choices=["slot", "hour", "day"], default="slot")
    chosen = parser.parse_args()
    names = chosen.measures or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        parser.error(f"no measure {unknown[0]}; there are {', '.join(MEASURES)}")
    records = FULL_RECORDS if chosen.full else chosen.records
    days = chosen.days or (7 if records >= FULL_RECORDS // 2 else 2)
    options = Options(
        records, days, chosen.runs, chosen.files, chosen.moments, chosen.parquet_files
    )
    results: list[Result] = []
    failed = []
    for name in names:
        begun = time.perf_counter()
        try:
            results.extend(MEASURES[name](options))
        except (RuntimeError, AssertionError, OSError) as error:
            failed.append(name)
            print(f"{name} could not be measured: {error}", file=sys.stderr)
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print_table(results)
    print(f"\nkept in {write_results(results, {'names': names, **asdict(options)})}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
