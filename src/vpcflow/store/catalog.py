"""The embedded Iceberg catalog: one SQLite file, and the table in it."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NamespaceAlreadyExistsError, NoSuchTableError
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadataV2
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import AddSchemaUpdate, SetCurrentSchemaUpdate, SetPropertiesUpdate
from sqlalchemy import URL, event

from vpcflow.base.data_folder import DataFolder, fsync_folder
from vpcflow.base.errors import StoreError
from vpcflow.store.durable_io import DurableFileIO
from vpcflow.store.iceberg_schema import (
    START_DAY_FIELD_ID,
    grown_schema,
    iceberg_schema,
    partition_spec,
    table_properties,
)
from vpcflow.store.index_db import TABLE_NAME, TABLE_NAMESPACE
from vpcflow.store.table_settings import TableSettings

CATALOG_NAME = "vpcflow"
IDENTIFIER = (TABLE_NAMESPACE, TABLE_NAME)
#: A file address would end at these; Iceberg has no way to write them.
_BAD_PATH_CHARACTERS = "#?"


def table_folder(folder: DataFolder) -> Path:
    """Where the table's data and metadata folders are.

    Errors: StoreError when the path cannot be written as a file address.
    """
    path = folder.warehouse / TABLE_NAME
    if any(character in str(path) for character in _BAD_PATH_CHARACTERS):
        raise StoreError(
            "the data folder's path has a # or ?, which a file address cannot hold",
            where=str(folder.root),
            hint="choose a folder without these characters",
        )
    return path


def open_catalog(folder: DataFolder) -> SqlCatalog:
    """The catalog, every change of it on the disk before the call that made it returns."""
    catalog = SqlCatalog(
        CATALOG_NAME,
        uri=URL.create("sqlite", database=str(folder.catalog_db)).render_as_string(),
        warehouse=f"file://{folder.warehouse}",
        **{"py-io-impl": f"{DurableFileIO.__module__}.{DurableFileIO.__name__}"},
    )
    event.listen(catalog.engine, "connect", _make_durable)
    catalog.engine.dispose()  # The first connection was opened before the listener was there.
    return catalog


def _make_durable(connection: sqlite3.Connection, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=10000")


def open_table(catalog: SqlCatalog, folder: DataFolder, settings: TableSettings) -> Table:
    """The table, made when it is missing, with every column and property of this version.

    Errors: StoreError when the table has other columns under our ids.
    """
    try:
        table = catalog.load_table(IDENTIFIER)
    except NoSuchTableError:
        return _make_table(catalog, folder, settings)
    grown = grown_schema(table.schema())
    properties = table_properties(settings)
    with table.transaction() as change:
        if grown is not None:
            schema_id = max(schema.schema_id for schema in table.metadata.schemas) + 1
            schema = grown.model_copy(update={"schema_id": schema_id})
            change._apply((AddSchemaUpdate(schema=schema), SetCurrentSchemaUpdate(schema_id=-1)))
        if properties.items() - table.metadata.properties.items():
            change._apply((SetPropertiesUpdate(updates=properties),))
    return table


def _make_table(catalog: SqlCatalog, folder: DataFolder, settings: TableSettings) -> Table:
    # SqlCatalog.create_table numbers the columns anew from 1. Our data files carry ids of their
    # own, so the first metadata file is written here and registered as it is.
    location = table_folder(folder)
    for part in (location / "metadata", location / "data"):
        part.mkdir(parents=True, exist_ok=True)
        fsync_folder(part)
    for part in (location, folder.warehouse, folder.root):
        fsync_folder(part)
    schema = iceberg_schema()
    metadata = TableMetadataV2(
        location=f"file://{location}",
        table_uuid=uuid.uuid4(),
        schemas=[schema],
        last_column_id=schema.highest_field_id,
        current_schema_id=schema.schema_id,
        partition_specs=[partition_spec()],
        default_spec_id=0,
        last_partition_id=START_DAY_FIELD_ID,
        sort_orders=[UNSORTED_SORT_ORDER],
        default_sort_order_id=UNSORTED_SORT_ORDER.order_id,
        properties=table_properties(settings),
    )
    metadata_location = f"file://{location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    ToOutputFile.table_metadata(metadata, DurableFileIO().new_output(metadata_location))
    with suppress(NamespaceAlreadyExistsError):  # A process died between it and the table.
        catalog.create_namespace(TABLE_NAMESPACE)
    table = catalog.register_table(IDENTIFIER, metadata_location)
    if table.schema() != schema:
        raise StoreError(
            "the new table has other column ids than its data files",
            where=metadata_location,
            hint="this PyIceberg version renumbers columns: install the locked version",
        )
    return table
