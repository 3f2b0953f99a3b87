"""Fields that vpcflow adds; AWS does not know them, and no AWS format can hold them."""

from __future__ import annotations

from vpcflow.record.field_spec import Cardinality, FieldKind, FieldSpec, Merge, Resource

_BOTH = frozenset({Resource.VPC, Resource.TRANSIT_GATEWAY})
_VPC = frozenset({Resource.VPC})
_OURS = "vpcflow"

OWN_FIELDS: tuple[FieldSpec, ...] = (
    FieldSpec(
        "flow-log-id",
        0,
        FieldKind.TEXT,
        "Flow log that the record belongs to, read from AWS's object name or set by our own capture.",
        "Flow log",
        "the place that it came from does not tell",
        _BOTH,
        "collect",
        Merge.SAME,
        Cardinality.LOW,
        source=_OURS,
    ),
    FieldSpec(
        "source",
        0,
        FieldKind.TEXT,
        "How the record came to us: file, s3, stdin, capture or sample.",
        "Source kind",
        "never",
        _BOTH,
        "collect",
        Merge.SAME,
        Cardinality.LOW,
        values=("file", "s3", "stdin", "capture", "sample"),
        source=_OURS,
    ),
    FieldSpec(
        "reject-rule",
        0,
        FieldKind.TEXT,
        "Rule of a security group or network ACL that refused the flow.",
        "Reject rule",
        "accepted, or the rule is not known",
        _VPC,
        "capture",
        Merge.SAME,
        Cardinality.MEDIUM,
        source=_OURS,
    ),
    FieldSpec(
        "rtt-us",
        0,
        FieldKind.INT64,
        "Median TCP round-trip time of the flow within the aggregation interval.",
        "Round-trip time",
        "not TCP, or nothing to measure it by",
        _VPC,
        "capture",
        Merge.MIN,
        Cardinality.HIGH,
        unit="microseconds",
        value_max=2**63 - 1,
        source=_OURS,
    ),
)
