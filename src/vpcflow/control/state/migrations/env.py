"""What Alembic runs: the migrations over the connection that it is given."""

from __future__ import annotations

from alembic import context

from vpcflow.control.state.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=False,
)
context.run_migrations()
