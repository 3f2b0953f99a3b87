"""Metric data by minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "metric_series",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("account_id", sa.String(12), nullable=False),
        sa.Column("region", sa.String(64), nullable=False),
        sa.Column("namespace", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("dimensions", sa.Text, nullable=False),
        sa.Column("unit", sa.String(32), nullable=False),
        sa.Column("last_s", sa.BigInteger, nullable=False),
    )
    op.create_index("metric_series_place", "metric_series", ["account_id", "region"])
    op.create_table(
        "metric_minutes",
        sa.Column("series_id", sa.String(32), primary_key=True),
        sa.Column("minute_s", sa.BigInteger, primary_key=True),
        sa.Column("samples", sa.Double, nullable=False),
        sa.Column("total", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("default_value", sa.Double),
    )
    op.create_index("metric_minutes_age", "metric_minutes", ["minute_s"])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("metric_minutes")
    op.drop_table("metric_series")
