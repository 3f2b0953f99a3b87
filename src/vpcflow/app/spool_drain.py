"""Moves acknowledged batches from the spool into the table, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vpcflow.app.settings import Settings
    from vpcflow.store.settings import StoreSettings
    from vpcflow.store.spool import Spool
    from vpcflow.store.table import FlowTable

#: Gets the files of batches that are in the table, before the spool gives them up.
OnCommitted = Callable[[Sequence[Path]], None]
#: Where delivery keeps what is its own in the data folder.
DELIVERY_FOLDER = "delivery"


def drain_spool(
    table: FlowTable,
    spool: Spool,
    settings: StoreSettings,
    on_committed: OnCommitted | None = None,
) -> int:
    """Settle what a killed run prepared, then commit everything that waits; how many records.

    Shape: the commit's id is made from its batches, so a repeat after a kill finds it done;
    ``on_committed`` may get the same files again then. When it fails the batches stay in the
    spool, and the next call hands them over.
    """
    for commit_id in spool.pending():
        if table.has_commit(commit_id):
            _hand_over(spool, commit_id, on_committed)
            spool.confirm(commit_id)
        else:
            spool.discard(commit_id)
    segments = spool.segments()
    if not segments:
        return 0
    from vpcflow.store.writer import DataFileWriter  # with its kernels; the server starts without

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
    _hand_over(spool, commit_id, on_committed)
    spool.confirm(commit_id)
    return records


def drain_left_over(table: FlowTable, spool: Spool, settings: Settings) -> int:
    """The same with what a killed process left; how many records.

    Shape: they are not in the hands of delivery yet, so its journal, if there is one, gets them:
    the next ``vpcflow run`` delivers them.
    """
    folder = settings.folder.root / DELIVERY_FOLDER
    on_committed: OnCommitted | None = None
    if folder.is_dir() and spool.segments():
        from vpcflow.deliver.journal import open_journal  # most commands find nothing left over

        on_committed = open_journal(folder, settings.deliver).take
    return drain_spool(table, spool, settings.store, on_committed)


def _hand_over(spool: Spool, commit_id: str, on_committed: OnCommitted | None) -> None:
    if on_committed is not None:
        on_committed([segment.path for segment in spool.segments_of(commit_id)])
