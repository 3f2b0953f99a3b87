"""What was opened for an answer, and how far its figures can be trusted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from vpcflow.query.answer import CoverageNote, Scan
from vpcflow.query.rollup_choice import Choice
from vpcflow.store.data_file_entry import DataFileEntry, FileSelection


def cost_of(
    selection: FileSelection, choices: Iterable[Choice] | None = None
) -> tuple[Scan, CoverageNote]:
    """What was opened, and what the chosen files say of losses.

    Shape: without ``choices`` all chosen files were read themselves. A file that was read in
    several ways counts once; of a rollup the rows are the records that it stands for.
    """
    skipped = sum(entry.skipdata_records for entry in selection.files)
    nodata = sum(entry.nodata_records for entry in selection.files)
    note = CoverageNote(skipped, nodata, lower_bound=skipped > 0)
    if choices is None:
        scan = Scan(selection.rows, selection.bytes, len(selection.files), selection.files_pruned)
        return scan, note
    rows: dict[str, int] = {}
    sizes: dict[str, int] = {}
    rolled = False
    for choice in choices:
        rows |= {entry.path: entry.rows for entry in _files(choice)}
        sizes |= {entry.path: entry.bytes for entry in (*choice.records, *choice.edges)}
        sizes |= {path: Path(path).stat().st_size for path in choice.rollups}
        rolled = rolled or bool(choice.rollups)
    pruned = selection.files_total - len(rows)
    return Scan(sum(rows.values()), sum(sizes.values()), len(rows), pruned, rolled), note


def _files(choice: Choice) -> tuple[DataFileEntry, ...]:
    return (*choice.records, *choice.summed, *choice.edges)


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
