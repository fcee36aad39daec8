"""Indexes of the inbox: what waits of a run, and what was set aside.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY, in a migration of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEXES = {
    "classifications_of_runs_waiting": (
        ["run_id"],
        sa.text("run_id IS NOT NULL AND processed_at IS NULL AND failed_reason IS NULL"),
    ),
    "classifications_set_aside": (["workflow_id", "id"], sa.text("failed_reason IS NOT NULL")),
}


def upgrade():
    with op.get_context().autocommit_block():
        for name, (columns, where) in INDEXES.items():
            op.create_index(
                name,
                "classifications",
                columns,
                postgresql_where=where,
                sqlite_where=where,
                postgresql_concurrently=True,
            )


def downgrade():
    for name in INDEXES:
        op.drop_index(name, table_name="classifications")
