"""A wire with a set delay between two network namespaces, for kernels without netem.

Each namespace gets a TAP device; a process of its own reads the frames of one and writes them to
the other when their time has come. Frames that would wait in too long a queue are dropped, as a
router does, and counted.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from vpcflow.base.errors import CaptureError
from vpcflow.capture.packet_sources.namespace_socket import open_in_namespace

#: Frames that wait in one direction; more are dropped.
QUEUE_FRAMES_MAX = 20_000
#: How long to wait for the process to start or to end.
PROCESS_WAIT_S = 10.0

_TUNSETIFF = 0x4004_54CA
_IFF_TAP = 0x0002
_IFF_NO_PI = 0x1000
_FRAME_BYTES_MAX = 65_535
#: Frames that are read before those that are due are written.
_READ_AT_ONCE = 64
#: Sleeping ends some tens of microseconds late, so it ends this much before a frame is due, and
#: does not begin while an answer to what was just written may come.
_AWAKE_NS = 400_000


@dataclass(frozen=True, slots=True)
class DelayCounts:
    """What a delay line did. Units: frames of both directions."""

    forwarded: int
    dropped: int


class DelayLine:
    """Two TAP devices of one name, one in each namespace, ``delay_s`` apart each way.

    A namespace is a name below /run/netns or a path. The caller sets addresses and brings the
    devices up. Both vanish with ``close``, or when the
    process that made them ends, however it ends.
    Errors: CaptureError when a device cannot be made.
    """

    def __init__(
        self,
        namespace_a: str,
        namespace_b: str,
        delay_s: float,
        device: str = "delay0",
    ) -> None:
        ends: list[int] = []
        try:
            for namespace in (namespace_a, namespace_b):
                ends.append(_open_device(namespace, device))
            command = [sys.executable, "-m", __name__, *map(str, ends), str(round(delay_s * 1e9))]
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=ends,
                start_new_session=True,
            )
        finally:
            for end in ends:
                os.close(end)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            self._process.wait()
            raise CaptureError("the delay line's process did not start", where=device)

    def close(self) -> DelayCounts:
        """End the process and with it both devices."""
        try:
            told, _ = self._process.communicate(timeout=PROCESS_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            told, _ = self._process.communicate()
        counts = json.loads(told) if told else {"forwarded": 0, "dropped": 0}
        return DelayCounts(**counts)

    def __enter__(self) -> DelayLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _open_device(namespace: str, device: str) -> int:
    """A new TAP device's descriptor; the device is where the descriptor was opened."""

    def make() -> int:
        handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            request = struct.pack("16sH22x", device.encode(), _IFF_TAP | _IFF_NO_PI)
            fcntl.ioctl(handle, _TUNSETIFF, request)
        except OSError:
            os.close(handle)
            raise
        return handle

    try:
        return open_in_namespace(namespace, make)
    except OSError as error:
        raise CaptureError(
            f"no TAP device can be made: {error.strerror}",
            where=f"{device} in {namespace}",
            hint="Run it as root, on a kernel that has /dev/net/tun.",
        ) from error


class _Forwarder:
    """Moves frames between two descriptors until its standard input ends."""

    def __init__(self, ends: tuple[int, int], delay_ns: int) -> None:
        self._ends = ends
        self._delay_ns = delay_ns
        self._queues: tuple[deque[tuple[int, bytes]], ...] = (deque(), deque())
        self._forwarded = 0
        self._dropped = 0

    def run(self, parent: int) -> DelayCounts:
        """Forward until nobody holds the other end of ``parent``."""
        watched = [*self._ends, parent]
        sleep_from = 0
        wait_s: float | None = None
        while True:
            ready, _, _ = select.select(watched, [], [], wait_s)
            if parent in ready and not os.read(parent, 1):
                return DelayCounts(self._forwarded, self._dropped)
            busy = False
            for end, queue in zip(self._ends, self._queues, strict=True):
                busy = (end in ready and self._read(end, queue)) or busy
            for end, queue in zip(self._ends[::-1], self._queues, strict=True):
                busy = self._write(end, queue) or busy
            now = time.monotonic_ns()
            if busy:
                sleep_from = now + _AWAKE_NS
            due = min((queue[0][0] for queue in self._queues if queue), default=None)
            if now < sleep_from:
                wait_s = 0.0
            elif due is None:
                wait_s = None
            else:
                wait_s = max(0, due - now - _AWAKE_NS) / 1e9

    def _read(self, end: int, queue: deque[tuple[int, bytes]]) -> bool:
        """Queue frames that wait at an end, with the time at which each is due."""
        for count in range(_READ_AT_ONCE):
            try:
                frame = os.read(end, _FRAME_BYTES_MAX)
            except OSError:
                return count > 0  # nothing more waits, or the device is down
            if len(queue) < QUEUE_FRAMES_MAX:
                queue.append((time.monotonic_ns() + self._delay_ns, frame))
            else:
                self._dropped += 1
        return True

    def _write(self, end: int, queue: deque[tuple[int, bytes]]) -> bool:
        """Write the frames that are due to an end."""
        wrote = False
        while queue and queue[0][0] <= time.monotonic_ns():
            _, frame = queue.popleft()
            wrote = True
            try:
                os.write(end, frame)
                self._forwarded += 1
            except OSError:
                self._dropped += 1  # the device is down
        return wrote


def _main(first: str, second: str, delay_ns: str) -> None:
    output = sys.stdout.fileno()
    os.write(output, b"ready\n")
    counts = _Forwarder((int(first), int(second)), int(delay_ns)).run(sys.stdin.fileno())
    told = json.dumps({"forwarded": counts.forwarded, "dropped": counts.dropped})
    with suppress(BrokenPipeError):  # whoever made the line is gone
        os.write(output, told.encode())


if __name__ == "__main__":
    _main(*sys.argv[1:])
