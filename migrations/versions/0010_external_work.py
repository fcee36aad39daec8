"""What is asked of services: who is asked, for what, and whether it was wanted anew meanwhile.

The table is made anew, as no release has written to it.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import BigId, UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WAITING = sa.text("status = 'waiting'")
PARTIAL = {"postgresql_where": WAITING, "sqlite_where": WAITING}


def upgrade():
    op.drop_table("external_work")
    _make(
        sa.Column("means", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.UniqueConstraint(
            "kind",
            "owner_id",
            "target_id",
            name=op.f("external_work_kind_owner_id_target_id_unique"),
        ),
    )
    op.create_index(
        "external_work_waiting", "external_work", ["means", "host", "not_before"], **PARTIAL
    )


def downgrade():
    op.drop_table("external_work")
    _make(
        sa.Column("classification_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
    )
    op.create_index("external_work_waiting", "external_work", ["not_before", "id"], **PARTIAL)


def _make(*more):
    op.create_table(
        "external_work",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", UTCDateTime(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=op.f("external_work_pk")),
    )
    op.create_index(op.f("external_work_workflow_id_index"), "external_work", ["workflow_id"])
