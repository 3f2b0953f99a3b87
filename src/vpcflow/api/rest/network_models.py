"""What the routes about networks and interfaces answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from vpcflow.query.answer import Answer

NameKind = Literal[
    "interface", "subnet", "vpc", "group", "instance", "network", "service", "several"
]


class NamedThing(BaseModel):
    """What an address or an id is called.

    Shape: ``kind`` is ``several`` where more than one VPC has an interface with the address; it has
    no ``interface_id`` then. A ``network`` or ``service`` is what holds the address.
    """

    name: str
    kind: NameKind
    interface_id: str | None = None
    vpc_id: str | None = None


class ScanCost(BaseModel):
    """What was read for an answer, as in the envelope of questions."""

    rows: int = 0
    bytes: int = 0
    files: int = 0
    files_pruned: int = 0
    rollup: bool = False


class ScanCoverage(BaseModel):
    """How far the records that were read can be trusted to be all there were."""

    skipdata_records: int = 0
    nodata_records: int = 0
    lower_bound: bool = False


class OfRecords(BaseModel):
    """What every answer made from flow records says beside it.

    Units: ``elapsed_s`` in seconds.
    """

    scan: ScanCost = Field(default_factory=ScanCost)
    coverage: ScanCoverage = Field(default_factory=ScanCoverage)
    truncated: bool = False
    elapsed_s: float = 0.0
    notes: list[str] = Field(default_factory=list)


def cost_of(answer: Answer) -> ScanCost:
    """The cost of a question's answer."""
    scan = answer.scan
    return ScanCost(
        rows=scan.rows,
        bytes=scan.bytes,
        files=scan.files,
        files_pruned=scan.files_pruned,
        rollup=scan.rollup,
    )


def coverage_of(answer: Answer) -> ScanCoverage:
    """The coverage of a question's answer."""
    coverage = answer.coverage
    return ScanCoverage(
        skipdata_records=coverage.skipdata_records,
        nodata_records=coverage.nodata_records,
        lower_bound=coverage.lower_bound,
    )


class VpcShown(BaseModel):
    """A VPC."""

    vpc_id: str
    name: str
    account_id: str
    region: str
    cidrs: list[str]
    subnets: int
    interfaces: int


class SubnetShown(BaseModel):
    """A subnet.

    Shape: ``public`` says that its route table leads to an internet gateway; null where no route
    table is known. ``network_acl_id`` is null for the VPC's default.
    """

    subnet_id: str
    name: str
    vpc_id: str
    zone: str
    cidrs: list[str]
    public: bool | None
    network_acl_id: str | None
    interfaces: int


class InterfaceShown(BaseModel):
    """A network interface as it is set up.

    Shape: ``device`` is the Linux device that it is attached to, with ``namespace`` empty for the
    host's own; ``flow_logs`` are those whose resource it is or lies in.
    """

    interface_id: str
    name: str
    description: str
    kind: str
    account_id: str
    vpc_id: str
    subnet_id: str
    addresses: list[str]
    groups: list[str]
    instance_id: str | None
    device: str | None
    namespace: str | None
    flow_logs: list[str]


class NetworkShown(BaseModel):
    """The networks that are known; interfaces come in pages.

    Shape: ``next_page`` asks for the next interfaces, null at the end; VPCs, subnets and names are
    in the first page alone.
    """

    vpcs: list[VpcShown]
    subnets: list[SubnetShown]
    interfaces: list[InterfaceShown]
    names: dict[str, NamedThing]
    interfaces_total: int
    next_page: int | None


class InterfaceTraffic(BaseModel):
    """What was seen of one interface.

    Shape: ``known`` says whether it is in the inventory; others are seen in records alone.
    ``minutes_seen`` of ``minutes_expected`` from its first to its last record in range; null
    without records. ``covered`` says whether any flow log covers it.
    Units: times in seconds since the epoch, ``longest_gap_s`` in seconds.
    """

    interface_id: str
    account_id: str | None
    name: str
    known: bool
    address: str | None
    vpc_id: str | None
    subnet_id: str | None
    groups: list[str]
    records: int
    bytes: int
    bytes_in: int
    bytes_out: int
    rejected: int
    reject_share: float | None
    minutes_seen: int | None
    minutes_expected: int | None
    longest_gap_s: int | None
    longest_gap_start_s: int | None
    first_record_s: int | None
    last_record_s: int | None
    covered: bool
    flow_logs: list[str]


class InterfacesShown(OfRecords):
    """Interfaces, those with most bytes first, then those without records by id."""

    interfaces: list[InterfaceTraffic]
    interfaces_total: int
