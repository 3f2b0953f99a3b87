"""The process that holds a lab: ``python -m vpcflow.lab.testbed.supervisor``, started by ``up``.

It is the init of a PID namespace of its own, so that the kernel ends all processes of the lab
when it ends, also by SIGKILL.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from vpcflow.base.errors import CaptureError, FlowLogError, SettingsError
from vpcflow.lab.testbed.firewall import firewall_ruleset, write_inventory
from vpcflow.lab.testbed.host_process import run_host
from vpcflow.lab.testbed.messages import (
    MESSAGE_BYTES_MAX,
    Message,
    receive_message,
    send_message,
)
from vpcflow.lab.testbed.namespaces import (
    CLONE_NEWPID,
    process_start_time,
    set_process_name,
    unshare,
)
from vpcflow.lab.testbed.state import RESOLV_FILE, LabState, remove_state, socket_path
from vpcflow.lab.testbed.topology import DNS_ADDRESS, DNS_DOMAIN, INTERNET, NAMESPACES, ROUTER
from vpcflow.lab.testbed.traffic import Traffic
from vpcflow.lab.testbed.wiring import (
    link_commands,
    nat_ruleset,
    port_settings,
    router_ruleset,
)


def main() -> NoReturn:
    """Start and hold a lab.

    Shape: one argument, a JSON object with ``folder``, the descriptor ``ready`` to answer on,
    ``firewall``, ``offload`` and, to start the schedule, ``traffic``.
    """
    settings = json.loads(sys.argv[1])
    ready = settings["ready"]
    code = 1
    try:
        unshare(CLONE_NEWPID)
        if os.fork():
            os._exit(0)
        set_process_name("vpcflow-lab")
        asyncio.run(_Supervisor(settings).hold())
        code = 0
    except FlowLogError as error:
        _answer(ready, {"error": error.what, "hint": error.hint})
    except PermissionError as error:
        hint = "the lab needs CAP_SYS_ADMIN and CAP_NET_ADMIN; a container must grant them"
        _answer(ready, {"error": f"the kernel refused: {error.strerror}", "hint": hint})
    os._exit(code)


def _answer(ready: int, message: Message) -> None:
    try:
        os.write(ready, json.dumps(message).encode() + b"\n")
        os.close(ready)
    except OSError:
        # Whoever asked for the lab has gone: nobody to hold it for.
        os._exit(1)


class _HostChannel:
    """The supervisor's end of one host process."""

    def __init__(self, name: str, others: list[socket.socket], ready: int) -> None:
        self.name = name
        self.socket, theirs = socket.socketpair()
        self._next_id = 0
        self._pending: dict[int, asyncio.Future[Message]] = {}
        self.process = os.fork()
        if not self.process:
            for other in (*others, self.socket):
                other.close()
            os.close(ready)
            run_host(name, theirs)
        theirs.close()

    async def open(self) -> int:
        """The process's id outside, once its namespace exists."""
        self._reader, self._writer = await asyncio.open_connection(
            sock=self.socket, limit=MESSAGE_BYTES_MAX
        )
        return int((await self._prepared())["pid"])

    async def prepare(self, message: Message) -> None:
        """Have something done before the lab is up."""
        await send_message(self._writer, message)
        await self._prepared()

    async def _prepared(self) -> Message:
        answer = await self._receive()
        if error := answer.get("error"):
            raise CaptureError(f"{self.name}: {error}", where="lab", hint=answer["hint"])
        return answer

    async def run(self, message: Message) -> Message:
        """Have a scenario run; the answer."""
        self._next_id += 1
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._pending[self._next_id] = answer
        await send_message(self._writer, {**message, "id": self._next_id})
        return await answer

    async def listen(self) -> NoReturn:
        """Hand out answers; the end of the process is an error."""
        while True:
            message = await self._receive()
            self._pending.pop(message["id"]).set_result(message)

    async def _receive(self) -> Message:
        try:
            message = await receive_message(self._reader)
        except ConnectionError:
            message = None
        if message is None:
            raise CaptureError(f"the process of {self.name} has ended", where="lab")
        return message


class _Supervisor:
    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._folder = Path(settings["folder"])
        # The hosts are forked before there is a loop, which must not be shared.
        self._channels: dict[str, _HostChannel] = {}
        for name in NAMESPACES:
            others = [channel.socket for channel in self._channels.values()]
            self._channels[name] = _HostChannel(name, others, settings["ready"])

    async def hold(self) -> None:
        """Build the lab, say so, hold it until SIGTERM or until one of its processes ends."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        pids = await self._build()
        self._traffic = Traffic(lambda host, message: self._channels[host].run(message))
        control = await self._open_control()
        listeners = [asyncio.create_task(one.listen()) for one in self._channels.values()]
        try:
            self._write_state(pids)
            if self._settings.get("traffic"):
                self._traffic.start(**self._settings["traffic"])
            _answer(self._settings["ready"], {"pid": pids["supervisor"]})
            _log(f"up, supervisor {pids['supervisor']}")
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([stopped, *listeners], return_when=asyncio.FIRST_COMPLETED)
            for listener in listeners:
                if listener.done():
                    _log(str(listener.exception()))
        finally:
            control.close()
            remove_state(self._folder)
            _log("down")

    async def _build(self) -> dict[str, int]:
        channels = self._channels
        pids = {name: await channel.open() for name, channel in channels.items()}
        rulesets = {"nat": nat_ruleset(), ROUTER: router_ruleset()}
        if self._settings["firewall"]:
            rulesets[ROUTER] += firewall_ruleset(pids[ROUTER])

        async def wire(name: str) -> None:
            await channels[name].prepare(
                {
                    "op": "wire",
                    "settings": port_settings(name),
                    "commands": link_commands(name, pids),
                    "ruleset": rulesets.get(name, ""),
                    "offload": self._settings["offload"],
                }
            )

        # A host's device is made by its uplink's namespace: first the router, then the internet.
        await wire(ROUTER)
        await wire(INTERNET)
        hosts = [name for name in channels if name not in (ROUTER, INTERNET)]
        await asyncio.gather(*(wire(name) for name in hosts))
        serving = [*hosts, INTERNET]
        await asyncio.gather(*(channels[name].prepare({"op": "serve"}) for name in serving))
        return {**pids, "supervisor": int(Path("/proc/self").readlink().name)}

    def _write_state(self, pids: dict[str, int]) -> None:
        write_inventory(self._folder, pids[ROUTER])
        resolv = f"nameserver {DNS_ADDRESS}\nsearch {DNS_DOMAIN}\n"
        (self._folder / RESOLV_FILE).write_text(resolv, encoding="ascii")
        pid = pids.pop("supervisor")
        start_time = process_start_time(pid)
        assert start_time is not None, "this process exists"
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        LabState(pid, start_time, namespace, time.time(), pids).write(self._folder)
        pids["supervisor"] = pid

    async def _open_control(self) -> asyncio.Server:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        remove_state(self._folder)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"/proc/self/fd/{folder}/{Path(socket_path(folder)).name}")
        os.close(folder)
        return await asyncio.start_unix_server(
            self._serve_control, sock=listener, limit=MESSAGE_BYTES_MAX
        )

    async def _serve_control(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            if (request := await receive_message(reader)) is not None:
                await send_message(writer, await self._control(request))
        except (OSError, ValueError):
            # The asker has gone, or asked nonsense.
            pass
        finally:
            writer.close()

    async def _control(self, request: Message) -> Message:
        operation = request.pop("op", "")
        try:
            if operation == "once":
                name, options = request.pop("scenario"), request.pop("options")
                return await self._traffic.once(name, options, **request)
            if operation == "start":
                self._traffic.start(**request)
            elif operation == "stop":
                self._traffic.stop()
            elif operation == "wait":
                await self._traffic.wait()
        except SettingsError as error:
            return {"error": error.what, "where": error.where, "hint": error.hint}
        return self._traffic.facts()


def _log(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
