"""The environment of the peers: made once from the lock, apart from vpcflow's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from machine import BENCH, ROOT

VENV = ROOT / ".cache" / "bench-venv"
LOCK = BENCH / "requirements.lock"


def peers_python() -> Path:
    """The interpreter that has the peers installed.

    Errors: SystemExit when uv is not to be found; `make bench` brings it.
    """
    python = VENV / "bin" / "python"
    stamp = VENV / ".made-from"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    uv = os.environ.get("UV") or shutil.which("uv")
    if not uv or not Path(uv).exists():
        raise SystemExit("uv is missing: start the benchmark with `make bench`, or set UV=path")
    print("installing the peers ...", file=sys.stderr)
    subprocess.run(
        [uv, "venv", "-q", "--allow-existing", "--python", sys.executable, VENV], check=True
    )
    subprocess.run(
        [
            uv,
            "pip",
            "sync",
            "-q",
            "--python",
            python,
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--compile-bytecode",
            LOCK,
        ],
        check=True,
    )
    stamp.write_text(wanted)
    return python
