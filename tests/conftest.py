"""Servers that several kinds of tests need, started when the first test asks for them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _postgres_program(name: str) -> str | None:
    """Debian keeps them out of the way, by version."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of its own, on a Unix socket; as root it runs as the user that the package made."""
    initdb, pg_ctl = _postgres_program("initdb"), _postgres_program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed: scripts/test_packages.sh says how")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    as_user = []
    user = "postgres"
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", user, "--"]
        shutil.chown(folder, user)
    data = folder / "data"

    def run(*command: str) -> None:
        done = subprocess.run(
            [*as_user, *command], capture_output=True, text=True, timeout=120, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run(initdb, "--no-sync", "--auth=trust", f"--username={user}", "-D", str(data))
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=200"
        run(pg_ctl, "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql://{user}@/postgres?host={folder}"
    finally:
        if (data / "postmaster.pid").exists():
            run(pg_ctl, "-w", "-m", "immediate", "-D", str(data), "stop")
        shutil.rmtree(folder, ignore_errors=True)
