"""The registry of fields: the one list from which codecs, tables, names, filters and pages are made."""

from __future__ import annotations

from vpcflow.record.field_spec import FieldSpec
from vpcflow.record.own_fields import OWN_FIELDS
from vpcflow.record.transit_gateway_fields import (
    TRANSIT_GATEWAY_FIELD_NAMES,
    TRANSIT_GATEWAY_ONLY_FIELDS,
)
from vpcflow.record.vpc_cloud_fields import VPC_CLOUD_FIELDS
from vpcflow.record.vpc_flow_fields import VPC_FLOW_FIELDS

#: The 54 fields of VPC flow logs, versions 2 to 11, in AWS's order.
VPC_FIELDS: tuple[FieldSpec, ...] = VPC_FLOW_FIELDS + VPC_CLOUD_FIELDS

#: Every field there is: AWS's for VPCs, AWS's for transit gateways alone, our own.
FIELDS: tuple[FieldSpec, ...] = VPC_FIELDS + TRANSIT_GATEWAY_ONLY_FIELDS + OWN_FIELDS

FIELDS_BY_NAME: dict[str, FieldSpec] = {spec.name: spec for spec in FIELDS}
FIELDS_BY_COLUMN: dict[str, FieldSpec] = {spec.column: spec for spec in FIELDS}

#: The default format: all fields of version 2.
DEFAULT_FIELD_NAMES: tuple[str, ...] = tuple(
    spec.name for spec in VPC_FIELDS if spec.since_version == 2
)

__all__ = [
    "DEFAULT_FIELD_NAMES",
    "FIELDS",
    "FIELDS_BY_COLUMN",
    "FIELDS_BY_NAME",
    "OWN_FIELDS",
    "TRANSIT_GATEWAY_FIELD_NAMES",
    "TRANSIT_GATEWAY_ONLY_FIELDS",
    "VPC_FIELDS",
]
