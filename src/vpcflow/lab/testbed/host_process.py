"""The process of one namespace: it makes it, wires it, runs its services and its scenarios."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from vpcflow.base.errors import CaptureError, FlowLogError
from vpcflow.lab.testbed.actor import Actor
from vpcflow.lab.testbed.messages import (
    MESSAGE_BYTES_MAX,
    Message,
    receive_message,
    send_message,
)
from vpcflow.lab.testbed.namespaces import CLONE_NEWNET, set_process_name, unshare
from vpcflow.lab.testbed.offload import switch_offload_off
from vpcflow.lab.testbed.scenarios import SCENARIOS
from vpcflow.lab.testbed.services import start_services
from vpcflow.lab.testbed.summary import ScenarioSummary
from vpcflow.lab.testbed.topology import HOSTS
from vpcflow.lab.testbed.wiring import kernel_settings

_SYSTEM_FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"
_OPEN_FILES = 4096
_COMMAND_TIMEOUT_S = 30


def program(name: str) -> str:
    """Where a program is, also when ``PATH`` lacks the system's folders.

    Errors: CaptureError names the package to install.
    """
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_FOLDERS}"
    if (found := shutil.which(name, path=path)) is None:
        package = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux"}[name]
        raise CaptureError(
            f"the program {name} is missing",
            where="lab",
            hint=f"install the package {package}, for example: sudo apt-get install {package}",
        )
    return found


def run_host(name: str, channel: socket.socket) -> NoReturn:
    """Be the process of a namespace until the supervisor closes the channel; never returns."""
    code = 1
    try:
        set_process_name(f"lab-{name}")
        unshare(CLONE_NEWNET)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(_OPEN_FILES, most), most))
        asyncio.run(_HostProcess(name).serve(channel))
        code = 0
    finally:
        os._exit(code)


class _HostProcess:
    def __init__(self, name: str) -> None:
        self._name = name
        self._runs: set[asyncio.Task[None]] = set()

    async def serve(self, channel: socket.socket) -> None:
        reader, self._writer = await asyncio.open_connection(sock=channel, limit=MESSAGE_BYTES_MAX)
        # The /proc that this process sees is still the host's: this is our id out there.
        hello: Message = {"pid": int(Path("/proc/self").readlink().name)}
        try:
            # Before the uplink's process puts a device here, which takes them over.
            _write_settings(kernel_settings(self._name))
        except OSError as error:
            hello |= {"error": f"kernel settings: {error}", "hint": ""}
        await send_message(self._writer, hello)
        while (message := await receive_message(reader)) is not None:
            if message["op"] == "run":
                run = asyncio.create_task(self._run(message))
                self._runs.add(run)
                run.add_done_callback(self._runs.discard)
            else:
                await send_message(self._writer, await self._prepare(message))

    async def _prepare(self, message: Message) -> Message:
        try:
            if message["op"] == "wire":
                _wire(message)
            else:
                self._listeners = await start_services(HOSTS[self._name])
        except FlowLogError as error:
            return {"error": error.what, "hint": error.hint}
        except (OSError, subprocess.SubprocessError) as error:
            return {"error": f"{message['op']}: {error}", "hint": ""}
        return {}

    async def _run(self, message: Message) -> None:
        scenario = SCENARIOS[message["scenario"]]
        summary = ScenarioSummary(scenario.name, self._name, time.time())
        actor = Actor(summary, message["options"], seed=message["seed"], speed=message["speed"])
        answer: Message = {"id": message["id"]}
        try:
            await scenario.run(actor)
            summary.ended_s = time.time()
            answer["summary"] = summary.as_dict()
        except (OSError, ValueError, ExceptionGroup) as error:
            answer["error"] = str(error)
        await send_message(self._writer, answer)


def _wire(message: Message) -> None:
    _pipe([program("ip"), "-batch", "-"], "\n".join(message["commands"]))
    _write_settings(message["settings"])
    if not message["offload"]:
        switch_offload_off()
    if message["ruleset"]:
        _pipe([program("nft"), "-f", "-"], message["ruleset"])


def _write_settings(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        Path("/proc/sys/net", name).write_text(value, encoding="ascii")


def _pipe(command: Sequence[str], text: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own commands
        command, input=text, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise CaptureError(f"{Path(command[0]).name}: {done.stderr.strip()[:500]}", where="lab")
