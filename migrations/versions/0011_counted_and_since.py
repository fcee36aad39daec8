"""What is new of a volunteer with thousands of extracts, found without reading all of them.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = ("extracts_subject_reductions", "extracts_user_reductions")
COLUMNS = {
    "again": ["reduction_id", "classification_id"],
    "of_a_pair": ["reduction_id", "user_id", "subject_id"],
}
INDEXES = [
    (f"{table}_{ending}", table, columns) for table in TABLES for ending, columns in COLUMNS.items()
]
OF_A_USER = "extracts_user_id_workflow_id_index"
INDEXES.append(
    ("extracts_user_id_workflow_id_id_index", "extracts", ["user_id", "workflow_id", "id"])
)


def upgrade():
    op.add_column("external_work", sa.Column("since", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        for name, table, columns in INDEXES:
            op.create_index(name, table, columns, postgresql_concurrently=True)
        op.drop_index(OF_A_USER, table_name="extracts", postgresql_concurrently=True)


def downgrade():
    op.create_index(OF_A_USER, "extracts", ["user_id", "workflow_id"])
    for name, table, _ in INDEXES:
        op.drop_index(name, table_name=table)
    with op.batch_alter_table("external_work", schema=None) as batch_op:
        batch_op.drop_column("since")
