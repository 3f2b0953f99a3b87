"""Aim: the inventory follows a real kernel. Method: ip(8) in namespaces of unique names.

Nothing sleeps: the inventory's own descriptors are polled until what is expected is there.
"""

from __future__ import annotations

import itertools
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from vpcflow.inventory.network_interface import Attachment, AttachmentSide, NetworkInterface
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory
from vpcflow.inventory.sources import rtnetlink
from vpcflow.inventory.sources.linux_netlink import LinuxInventory

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces: needs root")

#: A loaded machine may take long; a test that waits so long has failed.
WAIT_S = 20.0
_numbers = itertools.count()


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def ip_batch(namespace: str, lines: list[str]) -> None:
    subprocess.run(
        ["ip", "-n", namespace, "-batch", "-"],
        input="\n".join(lines).encode(),
        check=True,
        capture_output=True,
    )


class Spaces:
    """Namespaces of one test, removed at its end."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def name(self) -> str:
        name = f"vpcflow-inv-{os.getpid()}-{next(_numbers)}"
        self.made.append(name)
        return name

    def add(self) -> str:
        name = self.name()
        ip("netns", "add", name)
        return name


@pytest.fixture
def spaces() -> Iterator[Spaces]:
    made = Spaces()
    yield made
    for name in made.made:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


class Watched:
    """An inventory and the wait for what it is to show."""

    def __init__(
        self, *names: str, base: Inventory | None = None, data: Path | None = None
    ) -> None:
        settings = InventorySettings(own_namespace=False, namespaces=names)
        self.linux = LinuxInventory(settings, base or Inventory(), data)

    def until(self, is_there: Callable[[], bool]) -> None:
        poll = select.poll()
        for fileno in self.linux.filenos():
            poll.register(fileno, select.POLLIN)
        end_s = time.monotonic() + WAIT_S
        while not is_there():
            left_s = end_s - time.monotonic()
            assert left_s > 0, f"not there: {self.linux.inventory}, {self.linux.refused}"
            if poll.poll(left_s * 1000):
                self.linux.read_events()

    def named(self, name: str) -> NetworkInterface | None:
        found = [one for one in self.linux.inventory.interfaces.values() if one.name == name]
        return found[0] if found else None

    def wait(self, name: str, addresses: int = 0) -> NetworkInterface:
        def is_there() -> bool:
            found = self.named(name)
            return found is not None and len(found.ipv4_addresses) >= addresses

        self.until(is_there)
        found = self.named(name)
        assert found is not None
        return found


@pytest.fixture
def watch() -> Iterator[Callable[..., Watched]]:
    opened: list[Watched] = []

    def make(*names: str, base: Inventory | None = None, data: Path | None = None) -> Watched:
        opened.append(Watched(*names, base=base, data=data))
        return opened[-1]

    yield make
    for watched in opened:
        watched.linux.close()


Watch = Callable[..., Watched]


def test_what_exists_is_there_at_the_start(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    ip("-n", a, "link", "add", "v0", "address", "02:00:00:00:01:01", "type", "veth", "peer", "v1")
    ip("-n", a, "addr", "add", "10.7.0.1/24", "dev", "v0")
    ip("-n", a, "addr", "add", "10.7.0.2/24", "dev", "v0")
    ip("-n", a, "addr", "add", "2001:db8::1/64", "dev", "v0", "nodad")
    watched = watch(a)
    v0 = watched.named(f"{a}/v0")
    assert v0 is not None
    assert v0.ipv4_addresses == (ip_address("10.7.0.1"), ip_address("10.7.0.2"))
    assert v0.ipv6_addresses == (ip_address("2001:db8::1"),)
    assert v0.mac == "02:00:00:00:01:01"
    inventory = watched.linux.inventory
    assert inventory.subnets[v0.subnet_id].cidr_blocks == (ip_network("10.7.0.0/24"),)
    assert watched.named(f"{a}/v1") is not None
    assert watched.named(f"{a}/lo") is None
    assert watched.linux.namespaces == {a: 1}
    again = watch(a)
    assert again.linux.inventory == inventory, "a restart finds the same ids"


def test_appear_change_rename_vanish(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    watched = watch(a)
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    first = watched.wait(f"{a}/v0")
    ip("-n", a, "addr", "add", "10.7.0.1/24", "dev", "v0")
    assert watched.wait(f"{a}/v0", 1).interface_id == first.interface_id
    ip("-n", a, "addr", "add", "10.8.0.1/24", "dev", "v0")
    ip("-n", a, "addr", "del", "10.7.0.1/24", "dev", "v0")
    moved = (ip_address("10.8.0.1"),)
    watched.until(lambda: getattr(watched.named(f"{a}/v0"), "ipv4_addresses", ()) == moved)
    ip("-n", a, "link", "set", "v0", "name", "w0")
    renamed = watched.wait(f"{a}/w0")
    assert renamed.interface_id == first.interface_id
    assert renamed.attachment == Attachment("w0", a)
    assert watched.named(f"{a}/v0") is None
    (index,) = (
        index
        for index, binding in watched.linux.bindings(a).items()
        if binding.interface_id == first.interface_id
    )
    ip("-n", a, "link", "del", "w0")
    watched.until(lambda: not watched.linux.inventory.interfaces)
    remembered = watched.linux.remembered.interfaces[first.interface_id]
    assert moved[0] in remembered.ipv4_addresses
    assert watched.linux.bindings(a) == {}
    binding = watched.linux.binding(a, index)
    assert binding is not None
    assert binding.interface_id == first.interface_id
    changed = watched.linux.take_changed_devices()
    assert changed is not None
    assert (a, index) in changed


def test_a_port_that_leaves_its_bridge_stays(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    ip("-n", a, "link", "add", "br0", "type", "bridge")
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    ip("-n", a, "link", "set", "v0", "master", "br0")
    watched = watch(a)
    ip("-n", a, "link", "set", "v0", "nomaster")
    ip("-n", a, "link", "add", "last", "type", "veth", "peer", "last1")
    watched.wait(f"{a}/last")
    assert watched.named(f"{a}/v0") is not None
    assert watched.named(f"{a}/br0") is not None


def test_move_between_namespaces_keeps_the_id(spaces: Spaces, watch: Watch) -> None:
    a, b = spaces.add(), spaces.add()
    watched = watch(a, b)
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    ids = {name: watched.wait(f"{a}/{name}").interface_id for name in ("v0", "v1")}
    # Nothing is read between the two: B's news may be read before A's.
    ip("-n", a, "link", "set", "v1", "netns", b)
    ip("-n", b, "link", "set", "v1", "name", "eth0")
    ip("-n", a, "link", "set", "v0", "netns", b, "name", "up0")
    ip("-n", b, "link", "set", "up0", "netns", a, "name", "v0")
    assert watched.wait(f"{b}/eth0").interface_id == ids["v1"]
    watched.until(lambda: watched.named(f"{b}/up0") is None)
    assert watched.wait(f"{a}/v0").interface_id == ids["v0"]
    assert len(watched.linux.inventory.interfaces) == 2


def test_moved_interface_has_its_id_after_a_restart(
    spaces: Spaces, watch: Watch, tmp_path: Path
) -> None:
    a, b = spaces.add(), spaces.add()
    watched = watch(a, b, data=tmp_path)
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    first = watched.wait(f"{a}/v0").interface_id
    ip("-n", a, "link", "set", "v0", "netns", b, "name", "eth0")
    assert watched.wait(f"{b}/eth0").interface_id == first
    watched.linux.close()
    again = watch(a, b, data=tmp_path).named(f"{b}/eth0")
    assert again is not None
    assert again.interface_id == first


def test_namespaces_come_and_go(spaces: Spaces, watch: Watch) -> None:
    a = spaces.name()
    watched = watch(a)
    assert watched.linux.namespaces == {}
    ip("netns", "add", a)
    watched.until(lambda: a in watched.linux.namespaces)
    first = watched.linux.namespaces[a]
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    watched.wait(f"{a}/v0")
    ip("netns", "del", a)
    watched.until(lambda: a not in watched.linux.namespaces)
    assert not watched.linux.inventory.interfaces
    assert not watched.linux.inventory.instances
    assert len(watched.linux.remembered.interfaces) == 2
    ip("netns", "add", a)
    watched.until(lambda: a in watched.linux.namespaces)
    assert watched.linux.namespaces[a] != first


def test_every_named_namespace_is_watched(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    watched = watch("*")
    assert a in watched.linux.namespaces
    b = spaces.add()
    watched.until(lambda: b in watched.linux.namespaces)
    ip("-n", b, "link", "add", "v0", "type", "veth", "peer", "v1")
    watched.wait(f"{b}/v0")
    ip("netns", "del", b)
    watched.until(lambda: watched.named(f"{b}/v0") is None)


def test_the_kernel_ends_a_namespace_whose_name_went(spaces: Spaces, watch: Watch) -> None:
    a, b = spaces.add(), spaces.add()
    watched = watch(a, b)
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1", "netns", b)
    watched.wait(f"{b}/v1")
    ip("netns", "del", a)
    # v1 goes only when the kernel takes v0 down, so nothing of ours holds the namespace.
    watched.until(lambda: watched.named(f"{b}/v1") is None)


def test_namespace_of_a_process(watch: Watch) -> None:
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link add v0 type veth peer v1; echo; read end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        path = f"/proc/{process.pid}/ns/net"
        watched = watch(path)
        assert watched.named(f"{path}/v0") is not None
        process.stdin.close()
        watched.until(lambda: path not in watched.linux.namespaces)
    assert not watched.linux.inventory.interfaces


def test_one_namespace_under_two_names_is_watched_once(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    watched = watch(a, f"/run/netns/{a}")
    assert list(watched.linux.namespaces) == [a]
    assert watched.linux.refused == {f"/run/netns/{a}": f"is the same namespace as {a}"}
    assert watched.linux.counts()["namespaces-refused"] == 1
    assert len(watched.linux.inventory.interfaces) == 2


def test_the_file_binds_a_port(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    port = NetworkInterface(
        "eni-1",
        "subnet-1",
        "vpc-1",
        "111111111111",
        (ip_address("10.7.0.1"),),
        attachment=Attachment("v1", a, AttachmentSide.PORT),
    )
    watched = watch(base=Inventory(interfaces={"eni-1": port}))
    ip("-n", a, "link", "add", "v0", "type", "veth", "peer", "v1")
    watched.until(lambda: len(watched.linux.bindings(a)) == 1)
    (binding,) = watched.linux.bindings(a).values()
    assert (binding.interface_id, binding.side) == ("eni-1", AttachmentSide.PORT)
    assert watched.linux.inventory.interfaces == {"eni-1": port}


def test_a_burst_of_300_pairs(spaces: Spaces, watch: Watch) -> None:
    a = spaces.add()
    watched = watch(a)
    adds = [f"link add v{n} group 7 type veth peer name p{n}" for n in range(300)]
    adds += [f"addr add 10.{n // 250}.{n % 250}.1/24 dev v{n}" for n in range(300)]
    ip_batch(a, adds)
    watched.until(
        lambda: (
            sum(bool(one.addresses) for one in watched.linux.inventory.interfaces.values()) == 300
        )
    )
    interfaces = watched.linux.inventory.interfaces
    assert len(interfaces) == 600
    assert len(watched.linux.bindings(a)) == 600
    assert len(watched.linux.inventory.subnets) == 301, "one is for those without an address"
    ip("-n", a, "link", "del", "group", "7")
    watched.until(lambda: not watched.linux.inventory.interfaces)
    remembered = watched.linux.remembered.interfaces
    assert {key: one.addresses for key, one in remembered.items()} == {
        key: one.addresses for key, one in interfaces.items()
    }
    assert watched.linux.counts()["netlink-overruns"] == 0


def test_lost_messages_are_made_good_by_another_dump(
    spaces: Spaces, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtnetlink, "RECEIVE_BUFFER_BYTES", 8_192)
    a = spaces.add()
    ip_batch(a, [f"link add old{n} type veth peer name oldp{n}" for n in range(20)])
    watched = watch(a)
    assert len(watched.linux.inventory.interfaces) == 40
    ip_batch(
        a,
        [f"link del old{n}" for n in range(20)]
        + [f"link add v{n} type veth peer name p{n}" for n in range(60)]
        + [f"addr add 10.0.{n}.1/24 dev v{n}" for n in range(60)],
    )
    watched.until(
        lambda: (
            sum(bool(one.addresses) for one in watched.linux.inventory.interfaces.values()) == 60
        )
    )
    watched.until(lambda: len(watched.linux.inventory.interfaces) == 120)
    assert watched.named(f"{a}/old1") is None
    assert watched.linux.counts()["netlink-overruns"] >= 1
