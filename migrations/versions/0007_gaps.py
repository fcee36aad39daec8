"""When reducers were halted: what came then a running reduction never counts.

Safe to run beside the previous release: it neither reads nor writes the new column.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import Json

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("reducers", sa.Column("gaps", Json, nullable=True))


def downgrade():
    op.drop_column("reducers", "gaps")
