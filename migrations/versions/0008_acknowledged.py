"""Failures that an operator has seen: actions and runs that stay failed and are listed no more.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY. Columns that are there already are
left, so that it can be run again where making an index was interrupted.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import UTCDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ACTIONS = ("subject_actions", "user_actions")
UNSEEN = sa.text("status = 'failed' AND acknowledged_at IS NULL")


def upgrade():
    for table in (*ACTIONS, "runs"):
        known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}
        if "acknowledged_at" not in known:
            op.add_column(table, sa.Column("acknowledged_at", UTCDateTime(), nullable=True))
    with op.get_context().autocommit_block():
        for table in ACTIONS:
            name = f"{table}_unseen"
            op.drop_index(name, table_name=table, if_exists=True, postgresql_concurrently=True)
            op.create_index(
                name,
                table,
                ["id"],
                postgresql_where=UNSEEN,
                sqlite_where=UNSEEN,
                postgresql_concurrently=True,
            )


def downgrade():
    for table in ACTIONS:
        op.drop_index(f"{table}_unseen", table_name=table)
    for table in (*ACTIONS, "runs"):
        op.drop_column(table, "acknowledged_at")
