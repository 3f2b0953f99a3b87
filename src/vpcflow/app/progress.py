"""Progress of long work: a live line in a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from vpcflow.app.output import bytes_text, duration_text, scaled
from vpcflow.base.clock import Clock, SystemClock

if TYPE_CHECKING:
    from rich.live import Live

#: How often a terminal's line is drawn, and how often a plain line is written.
LIVE_INTERVAL_S = 0.25
PLAIN_INTERVAL_S = 10.0


class Progress:
    """Says on standard error how far the work is: files, bytes, records, rate, time left.

    Shape: a live line in a terminal; elsewhere nothing for the first seconds, then plain lines.
    """

    def __init__(
        self,
        verb: str,
        *,
        records_total: int | None = None,
        bytes_total: int | None = None,
        files_total: int | None = None,
        stream: TextIO | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.verb = verb
        self.records_total = records_total
        self.bytes_total = bytes_total
        self.files_total = files_total
        self._stream = stream or sys.stderr
        self._clock = clock or SystemClock()
        self._live: Live | None = None
        self._records = 0
        self._bytes = 0
        self._files = 0
        self._started_s = self._said_s = self._clock.monotonic_s()

    def __enter__(self) -> Progress:
        if self._stream.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream, highlight=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, line: str) -> None:
        """Write a line that stays, above the live one."""
        if self._live:
            self._live.console.print(line, markup=False, soft_wrap=True)
        else:
            self._stream.write(f"{line}\n")

    def expect(self, *, files: int, bytes_total: int) -> None:
        """Tell how much there is to do, once it is known."""
        self.files_total = files
        self.bytes_total = bytes_total

    def update(
        self, *, records: int | None = None, bytes_done: int | None = None, files: int | None = None
    ) -> None:
        """Tell the totals so far; draws at most a few times a second."""
        self._records = self._records if records is None else records
        self._bytes = self._bytes if bytes_done is None else bytes_done
        self._files = self._files if files is None else files
        now_s = self._clock.monotonic_s()
        interval_s = LIVE_INTERVAL_S if self._live else PLAIN_INTERVAL_S
        if now_s - self._said_s < interval_s:
            return
        self._said_s = now_s
        line = self.line(now_s - self._started_s)
        if self._live:
            self._live.update(line, refresh=True)
        else:
            self._stream.write(f"{line}\n")
            self._stream.flush()

    def line(self, elapsed_s: float) -> str:
        """The state in one line."""
        parts = [self.verb]
        if self.files_total is not None:
            parts.append(f"{self._files:,} of {self.files_total:,} files")
        if self.bytes_total:
            parts.append(f"{bytes_text(self._bytes)} of {bytes_text(self.bytes_total)}")
        elif self._bytes:
            parts.append(bytes_text(self._bytes))
        parts.append(f"{self._records:,} records")
        if elapsed_s > 0:
            parts.append(f"{scaled(self._records / elapsed_s)} records/s")
        done = self._share()
        if 0 < done < 1 and elapsed_s > 1:
            parts.append(f"{duration_text(elapsed_s / done - elapsed_s)} left")
        return ", ".join(parts)

    def _share(self) -> float:
        if self.bytes_total:
            return self._bytes / self.bytes_total
        if self.records_total:
            return self._records / self.records_total
        return 0.0
