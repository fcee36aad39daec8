"""Wordings: what the answers were called to which a configuration refers.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY, in a migration of their own.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import Json, UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "wordings",
        sa.Column("workflow_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("answers", Json, nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("wordings_workflow_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("wordings_pk")),
    )


def downgrade():
    op.drop_table("wordings")
