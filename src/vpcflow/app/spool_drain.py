"""Moves acknowledged batches from the spool into the table, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vpcflow.store.writer import DataFileWriter

if TYPE_CHECKING:
    from vpcflow.store.settings import StoreSettings
    from vpcflow.store.spool import Spool
    from vpcflow.store.table import FlowTable


def drain_spool(table: FlowTable, spool: Spool, settings: StoreSettings) -> int:
    """Settle what a killed run prepared, then commit everything that waits; how many records.

    Shape: the commit's id is made from its batches, so a repeat after a kill finds it done.
    """
    for commit_id in spool.pending():
        if table.has_commit(commit_id):
            spool.confirm(commit_id)
        else:
            spool.discard(commit_id)
    segments = spool.segments()
    if not segments:
        return 0
    commit_id = spool.prepare([segment.batch_id for segment in segments])
    writer = DataFileWriter(table.data_dir, settings, prefix=commit_id)
    records = 0
    try:
        for segment in segments:
            batch = segment.load()
            records += batch.num_records
            writer.append(batch)
        table.commit(writer.finish(), commit_id)
    finally:
        writer.abort()
    spool.confirm(commit_id)
    return records
