"""Dashboards as JSON: strict, so that what is imported is what is shown."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

PANELS_MAX = 60
GRID_COLUMNS = 12
GRID_ROWS_MAX = 10_000
PANEL_ROWS_MAX = 60
TITLE_MAX = 200
TEXT_MAX = 4_000
FILTER_MAX = 10_000
SQL_MAX = 50_000
PARAMETERS_MAX = 64
OPTIONS_MAX = 64
#: The longest "last ..." that a dashboard may open with: ten years.
LAST_S_MAX = 10 * 366 * 86_400

PanelKind = Literal[
    "area",
    "line",
    "bars",
    "table",
    "sankey",
    "matrix",
    "map",
    "heat",
    "number",
    "figures",
    "findings",
    "text",
    "pie",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Grid(_Strict):
    """Where a panel is, in columns and rows of the dashboard."""

    x: int = Field(ge=0, lt=GRID_COLUMNS)
    y: int = Field(ge=0, le=GRID_ROWS_MAX)
    w: int = Field(ge=1, le=GRID_COLUMNS)
    h: int = Field(ge=1, le=PANEL_ROWS_MAX)

    @model_validator(mode="after")
    def _fits(self) -> Grid:
        if self.x + self.w > GRID_COLUMNS:
            raise ValueError(f"x + w is more than {GRID_COLUMNS} columns")
        return self


class PanelQuery(_Strict):
    """What a panel asks: a question with its parameters, or SQL; ``filter`` is this panel's alone."""

    question: str | None = Field(default=None, max_length=64)
    parameters: dict[str, JsonValue] = Field(default_factory=dict, max_length=PARAMETERS_MAX)
    filter: str = Field(default="", max_length=FILTER_MAX)
    sql: str | None = Field(default=None, max_length=SQL_MAX)

    @model_validator(mode="after")
    def _one(self) -> PanelQuery:
        if (self.question is None) == (self.sql is None):
            raise ValueError("give a question or sql, one of them")
        if self.sql is not None and self.parameters:
            raise ValueError("sql has no parameters")
        return self


class Panel(_Strict):
    """One panel; those that show text or findings ask nothing."""

    id: str = Field(min_length=1, max_length=64)
    kind: PanelKind
    title: str = Field(default="", max_length=TITLE_MAX)
    hint: str = Field(default="", max_length=TEXT_MAX)
    query: PanelQuery | None = None
    options: dict[str, JsonValue] = Field(default_factory=dict, max_length=OPTIONS_MAX)
    grid: Grid

    @model_validator(mode="after")
    def _asks(self) -> Panel:
        if self.query is None and self.kind not in ("text", "findings"):
            raise ValueError(f"a panel of kind {self.kind} needs a query")
        return self


class DashboardTime(_Strict):
    """The time that a dashboard opens with: the last seconds, or from a moment to a moment.

    Units: seconds, seconds since the epoch.
    """

    last_s: int | None = Field(default=None, ge=60, le=LAST_S_MAX)
    start_s: int | None = Field(default=None, ge=0)
    end_s: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_way(self) -> DashboardTime:
        fixed = self.start_s is not None and self.end_s is not None
        half = (self.start_s is None) != (self.end_s is None)
        if half or fixed == (self.last_s is not None):
            raise ValueError("give last_s, or start_s and end_s")
        if self.start_s is not None and self.end_s is not None and self.start_s >= self.end_s:
            raise ValueError("start_s is not before end_s")
        return self


class DashboardDocument(_Strict):
    """A dashboard as it is imported and exported.

    Shape: a new one gets its id from the server, whatever the document says.
    """

    version: Literal[1]
    id: str = Field(default="", max_length=64)
    title: str = Field(min_length=1, max_length=TITLE_MAX)
    description: str = Field(default="", max_length=TEXT_MAX)
    time: DashboardTime | None = None
    filter: str = Field(default="", max_length=FILTER_MAX)
    panels: list[Panel] = Field(default_factory=list, max_length=PANELS_MAX)

    @model_validator(mode="after")
    def _ids_differ(self) -> DashboardDocument:
        seen: set[str] = set()
        for panel in self.panels:
            if panel.id in seen:
                raise ValueError(f"two panels have the id {panel.id}")
            seen.add(panel.id)
        return self


class DashboardHead(BaseModel):
    """A dashboard in the list.

    Shape: ``owner`` and ``updated_by`` are ARNs, empty for the ready ones, which are ``read_only``.
    Units: seconds since the epoch, None for the ready ones.
    """

    id: str
    title: str
    description: str
    panels: int
    read_only: bool
    owner: str = ""
    created_s: int | None = None
    updated_s: int | None = None
    updated_by: str = ""
    revision: int = 0


class DashboardList(BaseModel):
    """The ready dashboards in their order, then the account's own, the last changed first."""

    dashboards: list[DashboardHead]


class DashboardAnswer(BaseModel):
    """A dashboard with what is known of it; ``dashboard`` alone is what is exported."""

    head: DashboardHead
    dashboard: DashboardDocument
