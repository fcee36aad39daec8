"""People: sessions and tokens, forms kept for them, who saved an effect and with which right.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY, in a migration of their own.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import BigId, Json, UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

EFFECTS = ("subject_rule_effects", "user_rule_effects")
ACTIONS = ("subject_actions", "user_actions")


def upgrade():
    for table in EFFECTS:
        op.add_column(table, sa.Column("secrets", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("target_owner", Json, nullable=True))
        op.add_column(table, sa.Column("saved_by", sa.String(), nullable=True))
        op.add_column(table, sa.Column("saved_by_id", sa.BigInteger(), nullable=True))
    for table in ACTIONS:
        op.add_column(table, sa.Column("secrets", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("target_owner", Json, nullable=True))
    op.add_column("audit", sa.Column("actor_id", sa.BigInteger(), nullable=True))
    op.add_column("audit", sa.Column("about", sa.Text(), nullable=True))
    times = sa.Column("times", sa.BigInteger(), server_default=sa.text("1"), nullable=False)
    op.add_column("audit", times)
    op.drop_table("credentials")  # the previous release never wrote to it
    op.create_table(
        "credentials",
        sa.Column("id", BigId, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("acts_as_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("tokens", sa.Text(), nullable=True),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("renewing_until", UTCDateTime(), nullable=True),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("project_ids", Json, nullable=False),
        sa.Column("projects_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("credentials_pk")),
        sa.UniqueConstraint("digest", name=op.f("credentials_digest_unique")),
    )
    op.create_index(op.f("credentials_user_id_index"), "credentials", ["user_id"])
    op.create_index(op.f("credentials_ends_at_index"), "credentials", ["ends_at"])
    op.create_table(
        "drafts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("drafts_pk")),
        sa.UniqueConstraint("digest", name=op.f("drafts_digest_unique")),
    )
    op.create_index(op.f("drafts_ends_at_index"), "drafts", ["ends_at"])


def downgrade():
    op.drop_table("drafts")
    op.drop_table("credentials")
    op.create_table(
        "credentials",
        sa.Column("id", BigId, nullable=False),
        sa.Column("session_digest", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("tokens", sa.Text(), nullable=False),
        sa.Column("project_ids", Json, nullable=False),
        sa.Column("projects_at", UTCDateTime(), nullable=True),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("credentials_pk")),
        sa.UniqueConstraint("session_digest", name=op.f("credentials_session_digest_unique")),
    )
    op.create_index(op.f("credentials_user_id_index"), "credentials", ["user_id"])
    for column in ("times", "about", "actor_id"):
        op.drop_column("audit", column)
    for table in ACTIONS:
        op.drop_column(table, "target_owner")
        op.drop_column(table, "secrets")
    for table in EFFECTS:
        for column in ("saved_by_id", "saved_by", "target_owner", "secrets"):
            op.drop_column(table, column)
