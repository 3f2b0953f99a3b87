"""What was opened for an answer, and how far its figures can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vpcflow.query.answer import CoverageNote, Scan
from vpcflow.store.data_file_entry import FileSelection


def cost_of(
    selection: FileSelection, rollups: Sequence[str] | None = None
) -> tuple[Scan, CoverageNote]:
    """What the chosen files hold; with rollups, the bytes of those, and rows that they stand for."""
    skipped = sum(entry.skipdata_records for entry in selection.files)
    nodata = sum(entry.nodata_records for entry in selection.files)
    size = selection.bytes
    if rollups is not None:
        size = sum(Path(path).stat().st_size for path in rollups)
    scan = Scan(
        selection.rows, size, len(selection.files), selection.files_pruned, rollups is not None
    )
    return scan, CoverageNote(skipped, nodata, lower_bound=skipped > 0)


def notes_of(note: CoverageNote, unsized: int = 0) -> tuple[str, ...]:
    """What a reader of an answer must know of its figures."""
    notes = []
    if note.lower_bound:
        notes.append(
            f"{note.skipdata_records} SKIPDATA records in these files: AWS lost flows there, "
            "so sums are lower bounds"
        )
    if unsized:
        notes.append(f"{unsized} of the records counted here say no bytes; sums ignore them")
    return tuple(notes)
