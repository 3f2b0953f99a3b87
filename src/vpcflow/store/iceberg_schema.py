"""The stored columns as an Iceberg schema, with the field ids that the data files carry."""

from __future__ import annotations

import pyarrow as pa
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import TruncateTransform
from pyiceberg.types import (
    BooleanType,
    FixedType,
    IcebergType,
    IntegerType,
    LongType,
    MapType,
    NestedField,
    StringType,
)

from vpcflow.base.errors import StoreError
from vpcflow.store.stored_schema import (
    SECONDS_A_DAY,
    STORED_COLUMNS,
    STORED_COLUMNS_BY_NAME,
    UNKNOWN_FIELDS_KEY_ID,
    UNKNOWN_FIELDS_VALUE_ID,
    StoredColumn,
)
from vpcflow.store.table_settings import TableSettings

#: Iceberg gives partition fields ids from 1000 on.
START_DAY_FIELD_ID = 1000
START_DAY = "start_day"


def _iceberg_type(arrow_type: pa.DataType) -> IcebergType:
    if pa.types.is_fixed_size_binary(arrow_type):
        return FixedType(arrow_type.byte_width)
    if pa.types.is_map(arrow_type):
        return MapType(
            key_id=UNKNOWN_FIELDS_KEY_ID,
            key_type=StringType(),
            value_id=UNKNOWN_FIELDS_VALUE_ID,
            value_type=StringType(),
            value_required=False,
        )
    return {
        pa.int32(): IntegerType(),
        pa.int64(): LongType(),
        pa.bool_(): BooleanType(),
        pa.string(): StringType(),
    }[arrow_type]


def iceberg_field(column: StoredColumn) -> NestedField:
    """One stored column as an Iceberg field; every column may be null."""
    return NestedField(
        field_id=column.field_id,
        name=column.name,
        field_type=_iceberg_type(column.type),
        required=False,
    )


def iceberg_schema(columns: tuple[StoredColumn, ...] = STORED_COLUMNS) -> Schema:
    """The table's schema; ids are ours, because Iceberg finds a column of a file by its id."""
    return Schema(*(iceberg_field(column) for column in columns), schema_id=0)


def partition_spec() -> PartitionSpec:
    """One partition a UTC day of ``start``."""
    return PartitionSpec(
        PartitionField(
            source_id=STORED_COLUMNS_BY_NAME["start"].field_id,
            field_id=START_DAY_FIELD_ID,
            transform=TruncateTransform(width=SECONDS_A_DAY),
            name=START_DAY,
        ),
        spec_id=0,
    )


def table_properties(settings: TableSettings) -> dict[str, str]:
    """What other engines that write to the table have to know, and how manifests are merged."""
    return {
        "write.format.default": "parquet",
        "write.parquet.compression-codec": "zstd",
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "10",
        "commit.manifest-merge.enabled": "true",
        "commit.manifest.target-size-bytes": str(settings.manifest_target_bytes),
        "commit.manifest.min-count-to-merge": str(settings.manifest_merge_count),
    }


def grown_schema(
    current: Schema, columns: tuple[StoredColumn, ...] = STORED_COLUMNS
) -> Schema | None:
    """``current`` with the columns it lacks, under their own ids; None when it lacks none.

    Errors: StoreError when the table has a column under another id or type than the registry.
    """
    by_id = {field.field_id: field for field in current.fields}
    names = {field.name for field in current.fields}
    missing: list[NestedField] = []
    for column in columns:
        wanted = iceberg_field(column)
        found = by_id.get(column.field_id)
        if found is None and column.name not in names:
            missing.append(wanted)
        elif found is None or found.name != wanted.name or found.field_type != wanted.field_type:
            raise StoreError(
                f"the table's column with id {column.field_id} is {found or 'missing'}, "
                f"this version of vpcflow expects {wanted}",
                where=column.name,
                hint="the table was made by a newer or a changed version: use that version",
            )
    if not missing:
        return None
    return Schema(*current.fields, *missing, schema_id=current.schema_id + 1)
