"""The secrets of extractors and reducers: what services are asked with, and signed with.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("extractors", "reducers")


def upgrade():
    for table in TABLES:
        op.add_column(table, sa.Column("secrets", sa.Text(), nullable=True))


def downgrade():
    for table in TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("secrets")
