"""Bytes and refusals by the country of the other end, from the range file that the user added.

Peers are summed up first and looked up once each. Private addresses are in no country and do not
count; public ones that the file does not know are a row without a country, so that the rows add up
to all traffic with the internet.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pydantic import Field

from vpcflow.query.answer import ColumnMeta
from vpcflow.query.questions.question import (
    MEASURE_COLUMNS,
    OF_CONVERSATIONS,
    UNSIZED_COLUMN,
    Frame,
    Measure,
    Parameters,
    Question,
    count,
    measures,
)
from vpcflow.query.row_tables import Row, row_table
from vpcflow.store.arrow_views import words_of

#: All countries there are, and the row without one.
COUNTRIES_MAX = 300

COUNTRY_COLUMNS = (
    ColumnMeta("country", "text", "Country"),
    *MEASURE_COLUMNS,
    ColumnMeta("rejected", "count", "Rejected"),
    ColumnMeta("peers", "count", "Peers"),
    UNSIZED_COLUMN,
)
_SUMS = ("bytes", "packets", "records", "rejected", "records_without_bytes")


class CountriesParameters(Parameters):
    """Parameters of countries."""

    sort: Measure = Field(default=Measure.BYTES, description="What the first have most of.")
    limit: int = Field(
        default=COUNTRIES_MAX, ge=1, le=COUNTRIES_MAX, description="How many countries to list."
    )


def _columns(_: CountriesParameters, __: Frame) -> tuple[ColumnMeta, ...]:
    return COUNTRY_COLUMNS


def _build(rows: Any, _: CountriesParameters) -> Any:
    """Sums of every peer; those that are in no country are few, and left out later."""
    known = rows.filter(rows.peer.notnull())
    return known.group_by("peer").aggregate(
        **measures(known), rejected=count(known, known.action == "REJECT")
    )


def _finish(table: pa.Table, parameters: CountriesParameters, frame: Frame) -> pa.Table:
    import numpy as np

    from vpcflow.store.address_scope import is_internal

    ranges = frame.countries.ranges() if frame.countries is not None else None
    names: tuple[str | None, ...] = (None,)
    peers = table.column("peer").combine_chunks().cast(pa.binary(16))
    words = words_of(peers)
    public = ~is_internal(words)
    words, table = words[public], table.filter(pa.array(public))
    places = np.zeros(table.num_rows, np.int64)
    if ranges is not None and table.num_rows:
        names = (None, *ranges.countries)
        places = ranges.find_many(words).astype(np.int64) + 1
    sums = {"peers": np.bincount(places, minlength=len(names))}
    for name in _SUMS:
        values = table.column(name).fill_null(0).to_numpy().astype(np.int64)
        summed = np.zeros(len(names), np.int64)
        np.add.at(summed, places, values)
        sums[name] = summed
    rows: list[Row] = [
        {"country": names[place], **{name: int(values[place]) for name, values in sums.items()}}
        for place in np.flatnonzero(sums["peers"])
    ]
    rows.sort(key=lambda row: (-row[parameters.sort.value], row["country"] or ""))
    return row_table(rows[: parameters.limit], COUNTRY_COLUMNS)


QUESTION = Question(
    "countries",
    CountriesParameters,
    _columns,
    _build,
    grain=OF_CONVERSATIONS,
    finish=_finish,
    finish_needs_all=True,
)
