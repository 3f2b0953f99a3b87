"""Aim: `vpcflow top` in a terminal shows the flows of a capture that runs, and says when it ends.

Method: the real command on a pseudo-terminal; two namespaces, a veth, pings.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from firewall_router import anonymous_namespace, needs_root, run_in
from live_harness import PROCESS_SECONDS_MAX, Service, link, ping, quiet, uncut_interval_s

pytestmark = pytest.mark.skipif(needs_root() != "", reason=needs_root() or "root")

_PROGRAM = str(Path(sys.executable).with_name("vpcflow"))
_LEFT, _RIGHT = "10.9.7.10", "10.9.7.20"
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[>=]")


class Terminal:
    """The command on a pseudo-terminal of 80 x 24."""

    def __init__(self, data: Path) -> None:
        self._end, tty = pty.openpty()
        fcntl.ioctl(tty, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            [_PROGRAM, "--data", str(data), "top"],
            stdin=tty,
            stdout=tty,
            stderr=tty,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
        )
        os.close(tty)
        self._text = b""

    def wait_for(self, *texts: str) -> None:
        """Read until all texts have been drawn since the last time."""
        deadline_s = time.monotonic() + PROCESS_SECONDS_MAX
        while missing := [text for text in texts if text.encode() not in self._text]:
            left_s = deadline_s - time.monotonic()
            assert left_s > 0 and select.select([self._end], [], [], left_s)[0], missing
            drawn = os.read(self._end, 1 << 16)
            assert drawn, missing
            self._text += _ESCAPES.sub(b"", drawn)
        self._text = b""

    def press(self, keys: str) -> None:
        os.write(self._end, keys.encode())

    def ended(self) -> int:
        """Read what it still writes, without which it could not end; its exit code."""
        with suppress(OSError):  # the other end of the terminal is closed
            while select.select([self._end], [], [], PROCESS_SECONDS_MAX)[0]:
                if not os.read(self._end, 1 << 16):
                    break
        return self.process.wait(PROCESS_SECONDS_MAX)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        os.close(self._end)
        self.process.wait()


@contextmanager
def _terminal(data: Path) -> Iterator[Terminal]:
    opened = Terminal(data)
    try:
        yield opened
    finally:
        opened.close()


def test_top_follows_a_capture_from_its_start_to_its_end(tmp_path: Path) -> None:
    with anonymous_namespace() as left, anonymous_namespace() as right:
        for namespace in (left, right):
            quiet(namespace)
        link(left, "meter0", right)
        run_in(left, f"ip addr add {_LEFT}/24 dev meter0")
        run_in(right, f"ip addr add {_RIGHT}/24 dev meter0")
        service = Service(
            tmp_path,
            *("--netns", left, "--device", "meter0", "--interval", str(uncut_interval_s())),
            environment={"VPCFLOW_INVENTORY__OWN_NAMESPACE": "false"},
        )
        with service, _terminal(tmp_path) as terminal:
            ping(left, _RIGHT, 5)
            terminal.wait_for(_LEFT, _RIGHT, "icmp", "meter0")
            terminal.press("t")
            terminal.wait_for("Address", "Sent/s")
            service.stop()
            terminal.wait_for("the capture ended at")
            terminal.press("q")
            assert terminal.ended() == 0


def test_top_needs_a_terminal(tmp_path: Path) -> None:
    done = subprocess.run(
        [_PROGRAM, "--data", str(tmp_path), "top"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PROCESS_SECONDS_MAX,
    )
    assert done.returncode == 2
    assert "top needs a terminal" in done.stderr and not done.stdout
