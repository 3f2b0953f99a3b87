"""Runs processes and says what they cost; medians, one core, peak memory."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
CACHE = ROOT / ".cache" / "bench"
PYTHON = ROOT / ".venv" / "bin" / "python"
VPCFLOW = ROOT / ".venv" / "bin" / "vpcflow"
ERROR_LINES_MAX = 30
ONE_THREAD = ("POLARS_MAX_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


@dataclass(frozen=True)
class Run:
    """One finished process.

    Units: ``cpu_s`` user and system time, ``rss_bytes`` the most memory it held.
    """

    wall_s: float
    cpu_s: float
    rss_bytes: int
    output: str


@contextmanager
def one_core() -> Iterator[None]:
    """Processes started inside may use one processor only, ours and theirs alike."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def run(arguments: Sequence[str | Path], *, threads_max: int | None = None, **more: str) -> Run:
    """Run a process to its end; ``more`` are environment variables.

    Errors: RuntimeError with the last lines of its errors when it failed.
    """
    environment = {**os.environ, "NO_COLOR": "1", **more}
    # Some workplaces forbid it; then every start would compile every imported file anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if threads_max:
        environment.update({name: str(threads_max) for name in ONE_THREAD})
    words = [str(word) for word in arguments]
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        begun = time.perf_counter()
        child = os.posix_spawn(
            words[0],
            words,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, errors.fileno(), 2),
            ],
        )
        _, status, usage = os.wait4(child, 0)
        wall_s = time.perf_counter() - begun
        output.seek(0)
        errors.seek(0)
        code = os.waitstatus_to_exitcode(status)
        if code != 0:
            told = errors.read().decode(errors="replace").splitlines()[-ERROR_LINES_MAX:]
            raise RuntimeError("\n".join([f"{' '.join(words)} ended with {code}:", *told]))
        return Run(
            wall_s,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss * 1024,
            output.read().decode(errors="replace"),
        )


def median(values: Sequence[float]) -> float:
    """The middle one: a run that a neighbour disturbed does not count."""
    return statistics.median(values)


def folder_bytes(folder: Path, pattern: str = "*") -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())
