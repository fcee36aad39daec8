"""Alarms that somebody was told of.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("alarms", sa.Column("told_at", UTCDateTime(), nullable=True))


def downgrade():
    op.drop_column("alarms", "told_at")
