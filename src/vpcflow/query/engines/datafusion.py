"""The second engine: DataFusion over the same files and the same Ibis expressions.

It keeps the seam honest: whatever the questions need beyond common SQL shows here first. Not wired
to the command line; its package is needed by tests alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import datafusion
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from vpcflow.base.errors import QueryError
from vpcflow.query.engines import EngineResult, FileTable
from vpcflow.query.plan import StoredValue
from vpcflow.query.settings import QuerySettings
from vpcflow.query.statement import Statement, with_literals
from vpcflow.store.stored_schema import STORED_COLUMNS


class DataFusionEngine:
    """DataFusion over tables of files.

    Errors: QueryError for what DataFusion refuses.
    """

    dialect = "datafusion"

    def __init__(self, settings: QuerySettings, tables: Sequence[FileTable]) -> None:
        self._settings = settings
        self._context = datafusion.SessionContext()
        for table in tables:
            # Arrow finds columns by name; data files carry the registry's names beside the ids.
            columns = STORED_COLUMNS if table.stored else pq.read_schema(table.paths[0])
            schema = pa.schema([pa.field(one.name, _plain(one.type)) for one in columns])
            self._context.register_dataset(
                table.name, ds.dataset(list(table.paths), schema=schema, format="parquet")
            )

    def run(self, statement: Statement, values: Sequence[StoredValue]) -> EngineResult:
        try:
            found = self._context.sql(with_literals(statement, values)).to_arrow_table()
        except Exception as error:  # DataFusion raises bare Exception for all its faults
            raise QueryError(str(error).strip()) from error
        rows_max = self._settings.rows_max
        return EngineResult(found.slice(0, rows_max), found.num_rows > rows_max)

    def close(self) -> None:
        """DataFusion holds nothing open between statements."""


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.binary() if pa.types.is_fixed_size_binary(kind) else kind
