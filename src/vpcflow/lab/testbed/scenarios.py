"""What the lab's hosts do: ordinary traffic and attacks, each a named scenario."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from vpcflow.base.errors import SettingsError
from vpcflow.lab.testbed.actor import Actor
from vpcflow.lab.testbed.dns_service import TYPE_A, TYPE_AAAA
from vpcflow.lab.testbed.topology import DNS_DOMAIN, HOSTS, NAMESPACES, host_address

#: Attempts that a scan or a sweep has under way at one time.
ATTEMPTS_AT_ONCE_MAX = 400
PORT_LAST = 65_535
_WEB, _APP, _DB = (host_address(name) for name in ("web", "app", "db"))
_WEB_SECOND = str(HOSTS["web"].ipv4[1].ip)
_CLIENT, _ATTACKER = host_address("client"), host_address("attacker")
_Options = Mapping[str, int | str]
#: Options that are counts; none may be below 0, nor above this.
COUNT_MAX = 100_000_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that happens.

    Shape: ``every_s`` is the mean time between two runs in the schedule, 0 for never;
    ``steady`` ones come at nearly equal intervals, others at random. ``options`` have defaults.
    Units: seconds of the lab's clock.
    """

    name: str
    host: str
    summary: str
    run: Callable[[Actor], Awaitable[None]]
    every_s: float = 0.0
    steady: bool = False
    options: _Options = field(default_factory=dict)

    def settled(self, given: _Options) -> dict[str, int | str]:
        """The options to run with.

        Errors: SettingsError names an option that this scenario has not, or a value out of range.
        """
        settled = dict(self.options)
        for name, value in given.items():
            if name not in settled:
                known = ", ".join(f"--{known}" for known in settled) or "none"
                raise SettingsError(
                    f"the scenario {self.name} has no option --{name}",
                    where="lab traffic",
                    hint=f"its options: {known}",
                )
            if isinstance(settled[name], int) and not 0 <= int(value) <= COUNT_MAX:
                raise SettingsError(f"--{name} {value} is out of range", where="lab traffic")
            settled[name] = value
        if "ports" in settled:
            ports_of(str(settled["ports"]))
        return settled


def ports_of(text: str) -> list[int]:
    """The ports of a list such as ``22,80,8000-8100``.

    Errors: SettingsError.
    """
    ports: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise SettingsError(f"{part!r} is no port and no range", where="--ports")
        if not 1 <= int(first) <= int(last or first) <= PORT_LAST:
            raise SettingsError(f"{part!r} is not within 1-{PORT_LAST}", where="--ports")
        ports.extend(range(int(first), int(last or first) + 1))
    return ports


async def _pages(actor: Actor) -> None:
    source = actor.text("source") or None
    for _ in range(actor.number("count")):
        async with actor.connect(actor.text("to"), actor.number("port"), source=source) as web:
            if web is not None:
                await web.get("/")
                await web.get(f"/bytes/{actor.random.choice((100, 9_000, 120_000, 400_000))}")


async def _fetch(actor: Actor) -> None:
    async with actor.connect(actor.text("to"), actor.number("port")) as server:
        if server is not None:
            for number in range(actor.number("count")):
                if number:
                    await actor.pause(actor.number("interval"))
                await server.get(actor.text("path"))


async def _connect(actor: Actor) -> None:
    await actor.try_port(actor.text("to"), actor.number("port"))


async def _post(actor: Actor) -> None:
    async with actor.connect(actor.text("to"), actor.number("port")) as server:
        if server is not None:
            await server.post("/upload", actor.number("bytes"))


async def _database(actor: Actor) -> None:
    async with actor.connect(actor.text("to"), 5432) as database:
        if database is not None:
            for _ in range(actor.number("count")):
                message = b"q" * actor.number("bytes")
                await database.send(struct.pack("!I", len(message)) + message)
                await database.exactly(4 + len(message))


async def _ssh(actor: Actor) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(actor.number("count")):
            if number:
                await actor.pause(0.8 * actor.random.uniform(0.8, 1.2))
            group.create_task(_ssh_login(actor))


async def _ssh_login(actor: Actor) -> None:
    async with actor.connect(actor.text("to"), 22) as server:
        if server is not None:
            await server.line()
            await server.send(b"SSH-2.0-lab_client\r\npassword\r\n")
            await server.line()


async def _dns(actor: Actor) -> None:
    for _ in range(actor.number("count")):
        name = actor.random.choice(NAMESPACES)
        await actor.ask_dns(f"{name}.{DNS_DOMAIN}", actor.random.choice((TYPE_A, TYPE_AAAA)))


async def _ping(actor: Actor) -> None:
    await actor.ping(actor.text("to"), actor.number("count"), actor.number("bytes"))


async def _datagrams(actor: Actor) -> None:
    data = b"d" * actor.number("bytes")
    for _ in range(actor.number("count")):
        await actor.datagram(actor.text("to"), actor.number("port"), data, wait=False)


async def _scan(actor: Actor) -> None:
    ports = ports_of(actor.text("ports"))
    actor.random.shuffle(ports)
    await _all_at_once([(actor.text("to"), port) for port in ports], actor.try_port)


async def _sweep(actor: Actor) -> None:
    ports = ports_of(actor.text("ports"))
    targets = [
        (str(address), port)
        for network in actor.text("to").split(",")
        for address in ip_network(network).hosts()
        for port in ports
    ]
    actor.random.shuffle(targets)
    await _all_at_once(targets, actor.try_port)


async def _all_at_once(
    targets: list[tuple[str, int]], attempt: Callable[[str, int], Coroutine[Any, Any, None]]
) -> None:
    waiting = iter(targets)

    async def work() -> None:
        for address, port in waiting:
            await attempt(address, port)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(ATTEMPTS_AT_ONCE_MAX, len(targets))):
            group.create_task(work())


_ORDINARY = (
    Scenario(
        "pages",
        "client",
        "a visitor reads pages of the web server",
        _pages,
        2,
        options={"to": _WEB, "port": 80, "count": 1, "source": ""},
    ),
    Scenario(
        "pages6",
        "client",
        "the same over IPv6",
        _pages,
        5,
        options={"to": host_address("web", 6), "port": 80, "count": 1, "source": ""},
    ),
    Scenario(
        "secondary",
        "client",
        "the same at web's secondary address",
        _pages,
        8,
        options={"to": _WEB_SECOND, "port": 80, "count": 1, "source": ""},
    ),
    Scenario(
        "keepalive",
        "client",
        "several requests over one connection",
        _fetch,
        30,
        options={"to": _WEB, "port": 443, "count": 6, "interval": 4, "path": "/"},
    ),
    Scenario(
        "chain",
        "client",
        "a page for which web asks app and app asks db",
        _fetch,
        4,
        options={"to": _WEB, "port": 80, "count": 1, "interval": 0, "path": "/chain"},
    ),
    Scenario(
        "backend",
        "web",
        "web asks app",
        _fetch,
        options={"to": _APP, "port": 8080, "count": 1, "interval": 0, "path": "/bytes/20000"},
    ),
    Scenario(
        "database",
        "app",
        "app asks db",
        _database,
        6,
        options={"to": _DB, "count": 10, "bytes": 600},
    ),
    Scenario(
        "connect",
        "client",
        "one connection, closed at once",
        _connect,
        options={"to": _WEB, "port": 80},
    ),
    Scenario("dns", "web", "web asks the DNS server", _dns, 5, options={"count": 2}),
    Scenario(
        "ping",
        "client",
        "a visitor pings web",
        _ping,
        12,
        options={"to": _WEB, "count": 4, "bytes": 56},
    ),
    Scenario(
        "ping6",
        "client",
        "the same over IPv6",
        _ping,
        20,
        options={"to": host_address("web", 6), "count": 4, "bytes": 56},
    ),
    Scenario(
        "bigping",
        "client",
        "pings that need fragments",
        _ping,
        40,
        options={"to": _WEB, "count": 2, "bytes": 4000},
    ),
    Scenario(
        "noreply",
        "bastion",
        "pings of app, whose replies the network ACL drops",
        _ping,
        30,
        options={"to": _APP, "count": 2, "bytes": 56},
    ),
    Scenario(
        "update",
        "app",
        "app fetches an update through the NAT gateway",
        _fetch,
        25,
        options={
            "to": _CLIENT,
            "port": 80,
            "count": 1,
            "interval": 0,
            "path": "/bytes/300000",
        },
    ),
    Scenario(
        "ssh",
        "client",
        "an administrator logs in to the bastion",
        _ssh,
        50,
        options={"to": host_address("bastion"), "count": 1},
    ),
    Scenario(
        "jump",
        "bastion",
        "and from there to app",
        _ssh,
        50,
        options={"to": _APP, "count": 1},
    ),
)
_ATTACKS = (
    Scenario(
        "scan",
        "attacker",
        "a port scan of web",
        _scan,
        180,
        steady=True,
        options={"to": _WEB, "ports": "1-1000"},
    ),
    Scenario(
        "sweep",
        "attacker",
        "a sweep of three subnets",
        _sweep,
        240,
        steady=True,
        options={"to": "10.0.1.0/27,10.0.2.0/28,10.0.3.0/28", "ports": "22,80,445,3389"},
    ),
    Scenario(
        "bruteforce",
        "attacker",
        "SSH logins at the bastion",
        _ssh,
        150,
        steady=True,
        options={"to": host_address("bastion"), "count": 40},
    ),
    Scenario(
        "beacon",
        "app",
        "app calls home, at nearly equal intervals",
        _post,
        5,
        steady=True,
        options={"to": _ATTACKER, "port": 443, "bytes": 100},
    ),
    Scenario(
        "exfiltration",
        "app",
        "app uploads much to an outside host",
        _post,
        300,
        steady=True,
        options={"to": _CLIENT, "port": 443, "bytes": 6_000_000},
    ),
    Scenario(
        "lateral",
        "web",
        "web tries the database, past app",
        _scan,
        60,
        options={"to": _DB, "ports": "22,5432"},
    ),
    Scenario(
        "egress",
        "web",
        "web tries to reach the outside",
        _scan,
        70,
        options={"to": _CLIENT, "ports": "443"},
    ),
    Scenario(
        "leak",
        "db",
        "db tries to send data out",
        _datagrams,
        200,
        steady=True,
        options={"to": _CLIENT, "port": 9999, "count": 200, "bytes": 1400},
    ),
    Scenario(
        "attackerping",
        "attacker",
        "pings that no group allows",
        _ping,
        60,
        options={"to": _WEB, "count": 2, "bytes": 56},
    ),
)
SCENARIOS = {scenario.name: scenario for scenario in (*_ORDINARY, *_ATTACKS)}
