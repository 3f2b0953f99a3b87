"""Bounds of the console's questions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from vpcflow.query.settings import QuerySettings


class RestSettings(BaseModel):
    """How much the pages of the console may ask at once, and one request may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_workers: int = Field(
        default=2, ge=1, le=64, description="Questions of the console that run at the same time."
    )
    waiting_max: int = Field(
        default=256, ge=0, description="Questions that wait for their turn; more are refused."
    )
    cache_bytes_max: int = Field(
        default=64 * 2**20, ge=0, description="Answers kept until the table changes; 0 keeps none."
    )
    time_s_max: float = Field(
        default=30.0, gt=0, description="Seconds after which a question of a page is stopped."
    )
    memory_bytes_max: int = Field(
        default=2**30, ge=64 * 2**20, description="Memory of one question of a page."
    )
    json_rows_max: int = Field(
        default=100_000, ge=1, description="Rows of an answer as JSON; the rest is cut and said so."
    )
    arrow_rows_max: int = Field(
        default=1_000_000, ge=1, description="Rows of an answer as Arrow, and of an export."
    )
    bodies_bytes_max: int = Field(
        default=256 * 2**20, ge=0, description="Answers that are being sent, together."
    )

    def bounded(self, query: QuerySettings) -> QuerySettings:
        """Settings of questions, within these bounds; what makes the console's FlowQueries."""
        return query.model_copy(
            update={
                "rows_max": min(query.rows_max, self.arrow_rows_max),
                "memory_bytes_max": min(query.memory_bytes_max, self.memory_bytes_max),
                "time_s_max": min(query.time_s_max, self.time_s_max),
            }
        )
