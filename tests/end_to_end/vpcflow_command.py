"""Runs the real command in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "flow_logs"
COMMAND = [sys.executable, "-c", "from vpcflow.app.cli.main import main; main()"]


@dataclass
class Vpcflow:
    """The command with a data folder of its own."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*COMMAND, "--data", str(self.data), *arguments],
            env=os.environ | {"NO_COLOR": "1"} | self.environment,
            **options,
        )

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        process = self.start(
            *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = process.communicate(stdin, timeout=120)
        return subprocess.CompletedProcess(
            arguments, process.returncode, out.decode(), err.decode()
        )

    def ok(self, *arguments: str, stdin: bytes = b"") -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str, stdin: bytes = b"") -> Any:
        return json.loads(self.ok(*arguments, "--json", stdin=stdin))

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.ok(*arguments, "--json").splitlines()]

    def records(self, columns: Sequence[str] = ("srcaddr", "start", "bytes")) -> list[Any]:
        """Some columns of every record, sorted, so that two tables can be compared."""
        rows = self.rows("query", f"SELECT {', '.join(columns)} FROM flow_records")
        return sorted(tuple(map(str, row.values())) for row in rows)


def default_lines(count: int, *, first: int = 0) -> bytes:
    """Records of the default format, each with bytes of its own."""
    return b"".join(
        b"2 123456789012 eni-0000000000000000a 10.0.0.%d 10.0.1.1 %d 443 6 1 %d %d %d ACCEPT OK\n"
        % (
            number % 250,
            1024 + number % 60_000,
            number,
            1_700_000_000 + number,
            1_700_000_060 + number,
        )
        for number in range(first, first + count)
    )
