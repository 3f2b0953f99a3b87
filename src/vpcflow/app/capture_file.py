"""``vpcflow capture --read``: a capture file becomes flow records, in the table or as lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING

from vpcflow.app.record_sinks import RecordSink
from vpcflow.app.window_records import RecorderCounts, flow_batches
from vpcflow.base.errors import ResourceError
from vpcflow.capture.aggregation import aggregate
from vpcflow.capture.exclusions import Exclusions
from vpcflow.capture.file_capture import FileCapture
from vpcflow.capture.meter import Meter, MeterCounts
from vpcflow.capture.nflog_file import WAITING_MAX, NflogFile
from vpcflow.capture.observation_point import SLOTS_MAX, ObservationPoint, PointBook
from vpcflow.capture.packet_sources.pcap_file import PcapFileSource
from vpcflow.capture.packet_sources.vxlan_mirror import Decapsulator
from vpcflow.capture.settings import CaptureSettings
from vpcflow.capture.verdict import RuleNumbers, VerdictSet
from vpcflow.capture.window import ClosedWindow
from vpcflow.inventory.network_interface import Address, AttachmentSide, NetworkInterface
from vpcflow.inventory.settings import InventorySettings
from vpcflow.inventory.snapshot import Inventory

if TYPE_CHECKING:
    from vpcflow.capture.policy_judge import PolicyJudge
    from vpcflow.policy.rule_set import RuleSet

#: VNIs without a mirror session that are named.
VNIS_TOLD_MAX = 8


@dataclass(frozen=True)
class FileCaptureChoices:
    """What is read, and whose interface it is.

    Shape: ``addresses`` primary first; with an inventory file the interface's own are added.
    ``nflog`` is a capture file of link type NFLOG with the firewall's refusals; ``mirror`` says
    that the packets are mirrored traffic in VXLAN, and the inventory's mirror sessions whose.
    """

    path: str
    interface_id: str = ""
    addresses: tuple[Address, ...] = ()
    mac: str = ""
    inventory: Path | None = None
    nflog: str = ""
    mirror: bool = False


@dataclass
class FileCaptureReport:
    """What a capture file held and what became of it.

    Units: ``malformed`` are damaged places and records of it and of the firewall's log.
    """

    meter: MeterCounts
    records: RecorderCounts = field(default_factory=RecorderCounts)
    malformed: int = 0
    warnings: list[str] = field(default_factory=list)


def read_capture(
    choices: FileCaptureChoices,
    capture: CaptureSettings,
    inventory_settings: InventorySettings,
    sink: RecordSink,
) -> FileCaptureReport:
    """Meter a file into a sink.

    Errors: CaptureError for what is no capture file, ResourceError for an interface that the
    inventory does not have, StoreError from the sink.
    """
    rules = _rules(choices, inventory_settings)
    inventory = _with_interface(
        choices, rules.inventory if rules else Inventory(), inventory_settings
    )
    judge = _judge(rules) if rules and (rules.security_groups or rules.network_acls) else None
    verdicts, numbers = VerdictSet(WAITING_MAX) if choices.nflog else None, RuleNumbers()
    meter = Meter(capture, PointBook(), verdicts, numbers)
    report = FileCaptureReport(meter.counts)
    exclusions = Exclusions(capture.never_logged)
    with ExitStack() as stack:
        source = stack.enter_context(_opened(choices.path))
        log = None
        if verdicts is not None:
            log = stack.enter_context(closing(NflogFile(choices.nflog, verdicts, numbers)))
        if choices.mirror:
            windows = _mirror_windows(source, inventory, meter, report.warnings)
        else:
            windows = _make_run(choices, inventory, meter, log).windows(source)
        try:
            for window in windows:
                judged = judge(window) if judge else window
                made = aggregate(judged, exclusions, nodata=capture.nodata)
                sink.write(flow_batches(judged, made))
                report.records.add(made)
            sink.finish()
        except BaseException:
            sink.abort()
            raise
        report.malformed = source.counts.malformed + (log.malformed if log else 0)
        report.warnings.extend(source.warnings)
    return report


def _make_run(
    choices: FileCaptureChoices, inventory: Inventory, meter: Meter, log: NflogFile | None
) -> FileCapture:
    interface = inventory.interfaces[choices.interface_id]
    feed = meter.feed()
    addresses = (*choices.addresses, *interface.addresses)
    feed.own_addresses([(addresses, choices.mac or interface.mac)])

    def place(devices: list[int], time_ns: int) -> None:
        point = _bind(meter, inventory, choices.interface_id, time_ns)
        for device in devices:
            feed.devices.put(device, point.slot, AttachmentSide.INTERFACE)
        if log is not None:
            log.update(point, _others(inventory, point))

    return FileCapture(meter, feed, place, log)


def _bind(meter: Meter, inventory: Inventory, interface_id: str, time_ns: int) -> ObservationPoint:
    return meter.book.bind(
        interface_id,
        inventory,
        side=AttachmentSide.INTERFACE,
        namespace="",
        at_s=time_ns / 1e9,
    )


def _others(inventory: Inventory, captured: ObservationPoint) -> Iterator[ObservationPoint]:
    """Interfaces that are known and not captured, in slots that no captured one has."""
    slot = SLOTS_MAX
    for interface in inventory.interfaces.values():
        if interface.interface_id != captured.interface.interface_id and slot > captured.slot + 1:
            slot -= 1
            yield ObservationPoint(slot, interface, AttachmentSide.INTERFACE)


def _mirror_windows(
    source: PcapFileSource, inventory: Inventory, meter: Meter, warnings: list[str]
) -> Iterator[ClosedWindow]:
    """Mirrored traffic: each VNI of the inventory is an interface of its own."""
    sessions = inventory.mirror_sessions
    if not sessions:
        raise ResourceError(
            "no mirror session is known", hint="name them in --inventory: [[mirror_session]]"
        )
    interfaces = [inventory.interfaces[session.interface_id] for session in sessions]
    feed = meter.feed()
    feed.own_addresses([(interface.addresses, interface.mac) for interface in interfaces])

    def place(_devices: list[int], time_ns: int) -> None:
        for device, interface in enumerate(interfaces):
            point = _bind(meter, inventory, interface.interface_id, time_ns)
            feed.devices.put(device, point.slot, AttachmentSide.INTERFACE)

    run = FileCapture(meter, feed, place)
    outside = Decapsulator({session.vni: device for device, session in enumerate(sessions)})
    for batch in source.batches():
        for inner in outside.decapsulate(batch):
            if len(inner):
                yield from run.take(inner)
    yield from run.end()
    if outside.unknown_vni:
        vnis = ", ".join(map(str, outside.unknown_vnis[:VNIS_TOLD_MAX]))
        warnings.append(
            f"{outside.unknown_vni:,} mirrored packets of VNIs without a mirror session: {vnis}"
        )


@contextmanager
def _opened(path: str) -> Iterator[PcapFileSource]:
    source = PcapFileSource(path)
    try:
        yield source
    finally:
        source.close()


def _rules(choices: FileCaptureChoices, settings: InventorySettings) -> RuleSet | None:
    path = choices.inventory or settings.file
    if path is None:
        return None
    from vpcflow.policy.file import read_rule_set

    return read_rule_set(path, settings)


def _judge(rules: RuleSet) -> PolicyJudge:
    from vpcflow.capture.policy_judge import PolicyJudge
    from vpcflow.policy.resolve import compile_rules

    return PolicyJudge(compile_rules(rules))


def _with_interface(
    choices: FileCaptureChoices, inventory: Inventory, settings: InventorySettings
) -> Inventory:
    """The inventory with the interface that the command line names, if it does not have it."""
    if choices.mirror or choices.interface_id in inventory.interfaces:
        return inventory
    if inventory.interfaces and not choices.addresses:
        raise ResourceError(
            f"the inventory has no interface {choices.interface_id}",
            where=str(choices.inventory or settings.file),
            hint=f"it has {', '.join(list(inventory.interfaces)[:5])}; or give --address",
        )
    made = NetworkInterface(
        choices.interface_id,
        "",
        "",
        settings.account_id,
        tuple(a for a in choices.addresses if isinstance(a, IPv4Address)),
        tuple(a for a in choices.addresses if isinstance(a, IPv6Address)),
        choices.mac,
    )
    return replace(inventory, interfaces={**inventory.interfaces, made.interface_id: made})
