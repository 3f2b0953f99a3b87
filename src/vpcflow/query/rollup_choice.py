"""Whether hourly rollups can answer a question in place of the records: decided here alone."""

from __future__ import annotations

from collections.abc import Sequence

from vpcflow.query.plan import Plan
from vpcflow.query.questions.question import Frame, Question
from vpcflow.query.time_range import TimeRange
from vpcflow.store.data_file_entry import DataFileEntry
from vpcflow.store.stored_schema import SECONDS_AN_HOUR

#: Fields that a rollup is grouped by; a condition on any other needs the records.
ROLLUP_FIELDS = frozenset(
    {"account-id", "interface-id", "action", "flow-direction", "protocol", "log-status"}
)


def rollup_paths(
    question: Question,
    parameters: object,
    plan: Plan,
    frame: Frame,
    files: Sequence[DataFileEntry],
) -> tuple[str, ...] | None:
    """The rollups to read in place of the files, None when the records themselves are needed.

    Shape: the question must say that whole hours are enough for these parameters, the condition
    must touch nothing but the rollup's dimensions, the range must start and end on full hours or
    be open, and every file must have its rollup.
    """
    if question.build_rollup is None or not question.fits_rollup(parameters, frame):
        return None
    if not plan.fields <= ROLLUP_FIELDS or not _whole_hours(frame.time_range):
        return None
    paths = [entry.rollup_path for entry in files]
    known = tuple(path for path in paths if path is not None)
    return known if known and len(known) == len(paths) else None


def _whole_hours(time_range: TimeRange) -> bool:
    bounds = (time_range.start_s, time_range.end_s)
    return all(bound is None or bound % SECONDS_AN_HOUR == 0 for bound in bounds)
