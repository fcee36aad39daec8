"""Operation: runs with targets and files, withheld decisions, freezes, pausing of single parts.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY, in a migration of their own.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import BigId, Json, UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PARTS = ("extractors", "reducers", "subject_rules", "user_rules")
UNFINISHED = sa.text("finished_at IS NULL")


def upgrade():
    for table in PARTS:
        status = sa.Column("status", sa.String(), server_default="active", nullable=False)
        op.add_column(table, status)
    for table in (*PARTS, "workflows", "projects"):
        op.add_column(table, sa.Column("status_since", UTCDateTime(), nullable=True))
    op.add_column("lights", sa.Column("held_until", UTCDateTime(), nullable=True))
    op.create_table(
        "freezes",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("frozen_by", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("freezes_pk")),
        sa.UniqueConstraint(
            "reducible_type",
            "reducible_id",
            name=op.f("freezes_reducible_type_reducible_id_unique"),
        ),
    )
    for table in ("run_failures", "runs", "data_requests"):
        op.drop_table(table)  # the previous release never wrote to them
    _make_runs()
    _make_what_belongs_to_runs()
    _make_data_requests()


def downgrade():
    for table in ("data_requests", "withheld", "run_files", "run_targets", "run_failures", "runs"):
        op.drop_table(table)
    _make_earlier_tables()
    op.drop_table("freezes")
    op.drop_column("lights", "held_until")
    for table in (*PARTS, "workflows", "projects"):
        op.drop_column(table, "status_since")
    for table in PARTS:
        op.drop_column(table, "status")


def _make_runs():
    op.create_table(
        "runs",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("checkpoint", Json, nullable=True),
        sa.Column("acts", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("rate", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("is_estimate", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("started_by", sa.String(), nullable=True),
        sa.Column("started_by_id", sa.BigInteger(), nullable=True),
        sa.Column("not_before", UTCDateTime(), nullable=False),
        sa.Column("progressed_at", UTCDateTime(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=True),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("applied_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("runs_pk")),
    )
    of_reducible = op.f("runs_reducible_type_reducible_id_id_index")
    op.create_index(of_reducible, "runs", ["reducible_type", "reducible_id", "id"])
    unfinished = {"postgresql_where": UNFINISHED, "sqlite_where": UNFINISHED}
    op.create_index("runs_identity_unfinished", "runs", ["identity"], unique=True, **unfinished)
    op.create_index("runs_due", "runs", ["not_before"], **unfinished)


def _make_what_belongs_to_runs():
    _make_run_failures()
    op.create_table(
        "run_targets",
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        _of_a_run("run_targets"),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("run_targets_pk")),
    )
    op.create_table(
        "run_files",
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _of_a_run("run_files"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("run_files_pk")),
    )
    op.create_table(
        "withheld",
        sa.Column("id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("target_type", sa.String(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_revision", sa.Integer(), nullable=False),
        sa.Column("effect_type", sa.String(), nullable=False),
        sa.Column("payload", Json, nullable=True),
        sa.Column("trace", Json, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _of_a_run("withheld"),
        sa.PrimaryKeyConstraint("id", name=op.f("withheld_pk")),
        sa.UniqueConstraint(
            "run_id",
            "target_type",
            "effect_id",
            "effect_revision",
            "target_id",
            name=op.f("withheld_run_id_target_type_effect_id_effect_revision_target_id_unique"),
        ),
    )


def _make_run_failures():
    op.create_table(
        "run_failures",
        sa.Column("id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _of_a_run("run_failures"),
        sa.PrimaryKeyConstraint("id", name=op.f("run_failures_pk")),
    )
    op.create_index(op.f("run_failures_run_id_index"), "run_failures", ["run_id"])


def _of_a_run(table):
    name = op.f(f"{table}_run_id_fk")
    return sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=name, ondelete="CASCADE")


def _make_data_requests():
    op.create_table(
        "data_requests",
        *_of_every_data_request(),
        sa.Column("options", Json, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.Text(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("data_requests_pk")),
    )
    _index_data_requests()
    op.create_index(op.f("data_requests_run_id_index"), "data_requests", ["run_id"])
    op.create_index(op.f("data_requests_expires_at_index"), "data_requests", ["expires_at"])


def _of_every_data_request():
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("exportable_type", sa.String(), nullable=False),
        sa.Column("exportable_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_data", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("subgroup", sa.String(), nullable=True),
        sa.Column("is_public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
    )


def _index_data_requests():
    name = op.f("data_requests_exportable_type_exportable_id_created_at_index")
    op.create_index(name, "data_requests", ["exportable_type", "exportable_id", "created_at"])


def _make_earlier_tables():
    op.create_table(
        "runs",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("checkpoint", Json, nullable=True),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("started_by", sa.String(), nullable=True),
        sa.Column("started_at", UTCDateTime(), nullable=True),
        sa.Column("finished_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("runs_pk")),
    )
    of_reducible = op.f("runs_reducible_type_reducible_id_id_index")
    op.create_index(of_reducible, "runs", ["reducible_type", "reducible_id", "id"])
    _make_run_failures()
    op.create_table(
        "data_requests",
        *_of_every_data_request(),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("data_requests_pk")),
    )
    _index_data_requests()
