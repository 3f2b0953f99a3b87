"""What the measures work on, made once and kept in .cache/bench: samples, tables, AWS's Parquet."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from machine import BENCH, CACHE, PYTHON, VPCFLOW, folder_bytes, run
from peers import peers_python

START_DATE = "2026-06-01"
SEED = 20


@dataclass(frozen=True)
class Workload:
    """One sample: how many records, over how many days, in which version."""

    records: int
    days: int
    version: int

    @property
    def name(self) -> str:
        """Names the folders that belong to it."""
        return f"v{self.version}-{self.records}-{self.days}d"

    def sample(self) -> Path:
        """The AWSLogs tree."""
        folder = CACHE / f"sample-{self.name}"
        report = CACHE / f"sample-{self.name}.json"
        if not report.exists():
            _say(f"writing sample {self.name} ...")
            shutil.rmtree(folder, ignore_errors=True)
            arguments = ["--records", str(self.records), "--days", str(self.days), "--json"]
            arguments += ["--version", str(self.version), "--start", START_DATE]
            done = run([VPCFLOW, "sample", folder, "--seed", str(SEED), *arguments])
            _keep(report, done.output)
        return folder / "AWSLogs"

    def facts(self) -> dict[str, object]:
        """What the sample's writer reported."""
        self.sample()
        facts: dict[str, object] = json.loads((CACHE / f"sample-{self.name}.json").read_text())
        return facts

    def gzip_bytes(self) -> int:
        """Bytes of the objects."""
        return folder_bytes(self.sample(), "*.gz")

    def table(self) -> Path:
        """A data folder that holds the sample, compacted."""
        folder = CACHE / f"table-{self.name}"
        done = CACHE / f"table-{self.name}.done"
        if not done.exists():
            sample = self.sample()
            _say(f"ingesting {self.name} ...")
            shutil.rmtree(folder, ignore_errors=True)
            run([VPCFLOW, "--data", folder, "ingest", sample])
            run([VPCFLOW, "--data", folder, "table", "maintain", "--full"])
            _keep(done, "")
        return folder

    def aws_parquet(self, files: str) -> Path:
        """The same records in Parquet as AWS delivers it; ``files`` is slot, hour or day."""
        folder = CACHE / f"parquet-{files}-{self.name}"
        done = CACHE / f"parquet-{files}-{self.name}.done"
        if not done.exists():
            sample = self.sample()
            _say(f"writing AWS-like Parquet {self.name}, one file a {files} ...")
            shutil.rmtree(folder, ignore_errors=True)
            run([peers_python(), BENCH / "peer_aws_parquet.py", sample, folder, files])
            _keep(done, "")
        return folder


def _keep(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


__all__ = ["PYTHON", "Workload"]
