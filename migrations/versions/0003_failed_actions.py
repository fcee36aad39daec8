"""Failed actions: found without reading all that a workflow has decided.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY, in a migration of their own.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("subject_actions", "user_actions")
FAILED = sa.text("status = 'failed'")


def upgrade():
    with op.get_context().autocommit_block():
        for table in TABLES:
            op.create_index(
                f"{table}_failed",
                table,
                ["workflow_id", "id"],
                postgresql_where=FAILED,
                sqlite_where=FAILED,
                postgresql_concurrently=True,
            )


def downgrade():
    for table in TABLES:
        op.drop_index(f"{table}_failed", table_name=table)
