"""Start a lab, look into it, have its hosts do things, stop it."""

from __future__ import annotations

import fcntl
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from vpcflow.base.clock import SystemClock
from vpcflow.base.errors import CaptureError, ResourceError, SettingsError
from vpcflow.lab.testbed.host_process import program
from vpcflow.lab.testbed.messages import MESSAGE_BYTES_MAX
from vpcflow.lab.testbed.namespaces import bind_file, enter_network, network_namespace
from vpcflow.lab.testbed.state import (
    INVENTORY_FILE,
    LOCK_FILE,
    LOG_FILE,
    RESOLV_FILE,
    LabState,
    remove_state,
    running_state,
    socket_path,
)
from vpcflow.lab.testbed.topology import HOSTS, NAMESPACES, ROUTER

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
#: The longest that one scenario or the wait for the schedule's end may take.
CONTROL_TIMEOUT_S = 3600.0
#: The longest that any other answer may take.
ANSWER_TIMEOUT_S = 10.0
_LOCK_POLL_S = 0.05


class LabHost:
    """One host, or the router, of a running lab."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self.pid = pid
        host = HOSTS.get(name)
        #: The port's device in the namespace of its uplink.
        self.device = host.device if host else ""
        self.interface_id = host.interface_id if host else ""
        self.addresses = host.addresses if host else ()

    @property
    def network_namespace(self) -> str:
        """The path by which the host's network namespace is opened."""
        return network_namespace(self.pid)

    def run(
        self, command: Sequence[str], *, input_text: str | None = None, timeout_s: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the host's network namespace and wait for it.

        Errors: CaptureError without nsenter, subprocess.TimeoutExpired.
        """
        return subprocess.run(  # noqa: S603 - the caller's own command
            [program("nsenter"), f"--net={self.network_namespace}", "--", *command],
            input=input_text,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


class Lab:
    """A lab that runs; as a context manager it is stopped at the end."""

    def __init__(self, folder: Path, state: LabState) -> None:
        self.folder = folder
        self.state = state
        self.hosts = {name: LabHost(name, pid) for name, pid in state.pids.items()}
        self.router = self.hosts[ROUTER]

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        firewall: bool = True,
        offload: bool = True,
        traffic: bool = False,
        seed: int = 1,
        speed: float = 1.0,
    ) -> Self:
        """Build a lab whose state is kept in ``folder``; returns when all of it answers.

        Shape: ``firewall`` enforces the rules; without ``offload`` no packet is longer than the
        MTU; ``traffic`` starts the schedule.
        Errors: CaptureError without the permission or a program, or when a lab of this folder
        runs already.
        """
        require_root()
        for name in ("ip", "nft", "nsenter"):
            program(name)
        folder = folder.absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CaptureError(f"cannot keep state: {error.strerror}", where=str(folder)) from error
        try:
            # The supervisor inherits the lock and holds it as long as it lives.
            cls._take_lock(lock, folder)
            remove_state(folder)
            plan = {"seed": seed, "speed": speed, "duration_s": 0.0} if traffic else None
            settings = {"firewall": firewall, "offload": offload, "traffic": plan}
            _start_supervisor(folder, lock, settings)
        finally:
            os.close(lock)
        return cls.attach(folder)

    @classmethod
    def is_up(cls, folder: Path) -> bool:
        """Whether a lab of this folder runs and answers; one that is being killed does not."""
        with suppress(ResourceError):
            lab = cls.attach(folder)
            with suppress(CaptureError):
                lab.traffic_facts()
                return True
        return False

    @classmethod
    def _take_lock(cls, lock: int, folder: Path) -> None:
        clock = SystemClock()
        deadline_s = clock.monotonic_s() + STOP_TIMEOUT_S
        while not _is_locked(lock):
            # After a kill the lock is held until the last process has gone, some milliseconds.
            if cls.is_up(folder) or clock.monotonic_s() >= deadline_s:
                raise CaptureError(
                    "a lab of this folder is running",
                    where=str(folder),
                    hint="stop it with vpcflow lab down, or use another folder with --data DIR",
                )
            clock.wait(threading.Event(), _LOCK_POLL_S)

    @classmethod
    def attach(cls, folder: Path) -> Self:
        """The lab that runs from this folder.

        Errors: ResourceError when none does, CaptureError when it is another user's.
        """
        try:
            state = running_state(folder.absolute())
        except PermissionError as error:
            raise _not_permitted(folder) from error
        if state is None:
            raise ResourceError(
                "no lab is running", where=str(folder), hint="start one: sudo vpcflow lab up"
            )
        return cls(folder.absolute(), state)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def inventory_file(self) -> Path:
        """The inventory and policy file, for ``vpcflow run --inventory``."""
        return self.folder / INVENTORY_FILE

    @property
    def log_file(self) -> Path:
        """What the supervisor had to say."""
        return self.folder / LOG_FILE

    def host(self, name: str) -> LabHost:
        """A host by name.

        Errors: ResourceError.
        """
        if name not in self.hosts:
            raise ResourceError(
                f"no such host: {name}", where="lab", hint=f"there are: {', '.join(NAMESPACES)}"
            )
        return self.hosts[name]

    def stop(self) -> None:
        """End all processes of the lab and wait for that; nothing to do when it has ended."""
        try:
            handle = os.pidfd_open(self.state.pid)
        except ProcessLookupError:
            remove_state(self.folder)
            return
        except PermissionError as error:
            raise _not_permitted(self.folder) from error
        try:
            # Opened first and looked at then: it cannot become another process in between.
            if self.state.is_running():
                for number in (signal.SIGTERM, signal.SIGKILL):
                    signal.pidfd_send_signal(handle, number)
                    if select.select([handle], [], [], STOP_TIMEOUT_S)[0]:
                        break
        except PermissionError as error:
            raise _not_permitted(self.folder) from error
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)
        remove_state(self.folder)

    def once(
        self,
        scenario: str,
        *,
        host: str = "",
        seed: int = 1,
        speed: float = 1.0,
        **options: int | str,
    ) -> dict[str, Any]:
        """Run one scenario to its end, on another host than its own if one is named; its summary.

        Shape: see ``ScenarioSummary.as_dict``.
        Errors: SettingsError for what does not exist, CaptureError when it failed or the lab ended.
        """
        request = {"scenario": scenario, "host": host, "seed": seed, "speed": speed}
        answer = self._ask("once", **request, options=options)
        summary: dict[str, Any] = answer["summary"]
        return summary

    def start_traffic(
        self, *, seed: int = 1, speed: float = 1.0, duration_s: float = 0.0
    ) -> dict[str, Any]:
        """Start the schedule; ``duration_s`` of the lab's clock, 0 without end.

        Errors: SettingsError when it runs already.
        """
        return self._ask("start", seed=seed, speed=speed, duration_s=duration_s)

    def stop_traffic(self) -> dict[str, Any]:
        """Start nothing new."""
        return self._ask("stop")

    def wait_traffic(self) -> dict[str, Any]:
        """Wait until the schedule has ended and all that it started; the tally by scenario."""
        return self._ask("wait")

    def traffic_facts(self) -> dict[str, Any]:
        """The schedule and the tally by scenario."""
        return self._ask("status")

    def become(self, host: str, command: Sequence[str]) -> None:
        """Turn this process into a program in the host's network namespace, the lab's DNS in use.

        Errors: ResourceError, CaptureError; else it does not return.
        """
        require_root()
        try:
            enter_network(self.host(host).pid)
            bind_file(str(self.folder / RESOLV_FILE), "/etc/resolv.conf")
        except OSError as error:
            raise CaptureError(f"cannot enter: {error.strerror}", where=f"host {host}") from error
        os.environ["VPCFLOW_LAB_HOST"] = host
        try:
            os.execvp(command[0], list(command))  # noqa: S606 - what was asked for
        except OSError as error:
            raise CaptureError(f"{command[0]}: {error.strerror}", where=f"host {host}") from error

    def _ask(self, operation: str, **request: Any) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            is_long = operation in ("once", "wait")
            control.settimeout(CONTROL_TIMEOUT_S if is_long else ANSWER_TIMEOUT_S)
            folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                control.connect(socket_path(folder))
                control.sendall(json.dumps({"op": operation, **request}).encode() + b"\n")
                line = _read_line(control)
            except PermissionError as error:
                raise _not_permitted(self.folder) from error
            except OSError as error:
                raise CaptureError(f"the lab does not answer: {error}", where="lab") from error
            finally:
                os.close(folder)
        if not line:
            raise CaptureError("the lab has ended", where="lab", hint=f"see {self.log_file}")
        answer: dict[str, Any] = json.loads(line)
        if "where" in answer:
            raise SettingsError(answer["error"], where=answer["where"], hint=answer["hint"])
        if "error" in answer:
            raise CaptureError(answer["error"], where=f"scenario {request.get('scenario')}")
        return answer


def _is_locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def require_root() -> None:
    """Refuse when this process is not root.

    Errors: CaptureError with the command to run instead.
    """
    if os.geteuid() == 0:
        return
    variables = [f"{name}={os.environ[name]}" for name in ("VPCFLOW_DATA",) if name in os.environ]
    raise CaptureError(
        "the lab makes network namespaces, and only root may",
        where="lab",
        hint=f"run: {shlex.join(['sudo', *variables, *sys.argv])}",
    )


def _not_permitted(folder: Path) -> CaptureError:
    return CaptureError(
        "this lab belongs to root", where=str(folder), hint=f"run: sudo {shlex.join(sys.argv)}"
    )


def _read_line(control: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n") and (data := control.recv(65_536)):
        line += data
        if len(line) > MESSAGE_BYTES_MAX:
            raise CaptureError("the lab's answer is too long", where="lab")
    return bytes(line)


def _start_supervisor(folder: Path, lock: int, settings: dict[str, Any]) -> None:
    readable, writable = os.pipe()
    log = os.open(folder / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    argument = json.dumps({**settings, "folder": str(folder), "ready": writable})
    try:
        with subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "vpcflow.lab.testbed.supervisor", argument],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writable, lock),
            start_new_session=True,
            cwd="/",
            umask=0o077,
        ):
            os.close(writable)
            writable = -1
            answer = _read_answer(readable)
    finally:
        for handle in (readable, writable, log):
            with suppress(OSError):
                os.close(handle)
    if "error" in answer:
        hint = answer["hint"] or f"see {folder / LOG_FILE}"
        raise CaptureError(answer["error"], where="lab up", hint=hint)


def _read_answer(readable: int) -> dict[str, Any]:
    text = b""
    while select.select([readable], [], [], START_TIMEOUT_S)[0]:
        data = os.read(readable, 65_536)
        text += data
        if not data or text.endswith(b"\n"):
            break
    else:
        return {"error": f"the lab was not up after {START_TIMEOUT_S:g} seconds", "hint": ""}
    if not text:
        return {"error": "the lab ended while it was being built", "hint": ""}
    answer: dict[str, Any] = json.loads(text)
    return answer
