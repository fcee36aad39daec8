"""All tables of the first release.

Safe to run beside the previous release: add with defaults, drop only what it no longer reads,
and on PostgreSQL create indexes of large tables CONCURRENTLY, in a migration of their own.
"""

import sqlalchemy as sa
from alembic import op

from caesar_web.store.db import BigId, Json, UTCDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE inbox_positions INCREMENT BY 10000")
    op.create_table(
        "alarms",
        sa.Column("id", BigId, nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("raised_at", UTCDateTime(), nullable=False),
        sa.Column("cleared_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("alarms_pk")),
        sa.UniqueConstraint(
            "workflow_id", "kind", "name", name=op.f("alarms_workflow_id_kind_name_unique")
        ),
    )
    op.create_table(
        "audit",
        sa.Column("id", BigId, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=True),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pk")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("audit_created_at_index"), ["created_at"], unique=False)
        batch_op.create_index(
            batch_op.f("audit_workflow_id_id_index"), ["workflow_id", "id"], unique=False
        )

    op.create_table(
        "classifications",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_version", sa.String(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("annotations", Json, nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("gold_standard", sa.Boolean(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("is_backfilled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("is_changed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("processed_at", UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("classifications_pk")),
    )
    with op.batch_alter_table("classifications", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("classifications_position_index"), ["position"], unique=False
        )
        batch_op.create_index(
            "classifications_waiting",
            ["workflow_id", "lane", "is_backfilled", "position"],
            unique=False,
            postgresql_where=sa.text("processed_at IS NULL AND failed_reason IS NULL"),
            sqlite_where=sa.text("processed_at IS NULL AND failed_reason IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("classifications_workflow_id_subject_id_index"),
            ["workflow_id", "subject_id"],
            unique=False,
        )

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
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("credentials_user_id_index"), ["user_id"], unique=False)

    op.create_table(
        "data_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("exportable_type", sa.String(), nullable=False),
        sa.Column("exportable_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_data", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("subgroup", sa.String(), nullable=True),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("data_requests_pk")),
    )
    with op.batch_alter_table("data_requests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("data_requests_exportable_type_exportable_id_created_at_index"),
            ["exportable_type", "exportable_id", "created_at"],
            unique=False,
        )

    op.create_table(
        "exchanges",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("sent", sa.Text(), nullable=True),
        sa.Column("received", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("exchanges_pk")),
    )
    with op.batch_alter_table("exchanges", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("exchanges_kind_owner_id_id_index"), ["kind", "owner_id", "id"], unique=False
        )

    op.create_table(
        "external_work",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("classification_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", UTCDateTime(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("external_work_pk")),
    )
    with op.batch_alter_table("external_work", schema=None) as batch_op:
        batch_op.create_index(
            "external_work_waiting",
            ["not_before", "id"],
            unique=False,
            postgresql_where=sa.text("status = 'waiting'"),
            sqlite_where=sa.text("status = 'waiting'"),
        )
        batch_op.create_index(
            batch_op.f("external_work_workflow_id_index"), ["workflow_id"], unique=False
        )

    op.create_table(
        "extracts",
        sa.Column("id", BigId, nullable=False),
        sa.Column("classification_id", sa.BigInteger(), nullable=True),
        sa.Column("classification_at", UTCDateTime(), nullable=False),
        sa.Column("extractor_key", sa.String(), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("workflow_version", sa.String(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("data", Json, nullable=True),
        sa.Column("machine_data", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("extracts_pk")),
        sa.UniqueConstraint(
            "classification_id",
            "extractor_key",
            name=op.f("extracts_classification_id_extractor_key_unique"),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("extracts", schema=None) as batch_op:
        batch_op.create_index(
            "extracts_of_machines_unique",
            ["workflow_id", "subject_id", "extractor_key"],
            unique=True,
            postgresql_where=sa.text("classification_id IS NULL"),
            sqlite_where=sa.text("classification_id IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("extracts_subject_id_workflow_id_index"),
            ["subject_id", "workflow_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("extracts_user_id_workflow_id_index"),
            ["user_id", "workflow_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("extracts_workflow_id_id_index"), ["workflow_id", "id"], unique=False
        )

    op.create_table(
        "lights",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=True),
        sa.Column("outcomes", sa.String(), server_default="", nullable=False),
        sa.Column("failures", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failing_since", UTCDateTime(), nullable=True),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("lights_pk")),
        sa.UniqueConstraint("kind", "name", name=op.f("lights_kind_name_unique")),
    )
    with op.batch_alter_table("lights", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("lights_workflow_id_index"), ["workflow_id"], unique=False)

    op.create_table(
        "projects",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        sa.Column("public_reductions", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("custom_queue_name", sa.String(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "subject_reductions_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "user_reductions_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("projects_pk")),
    )
    op.create_table(
        "reducers",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("reduction_mode", sa.String(), nullable=False),
        sa.Column("filters", Json, nullable=False),
        sa.Column("grouping", Json, nullable=False),
        sa.Column("user_reducer_keys", Json, nullable=True),
        sa.Column("subject_reducer_keys", Json, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("reducers_pk")),
        sa.UniqueConstraint(
            "reducible_type",
            "reducible_id",
            "key",
            name=op.f("reducers_reducible_type_reducible_id_key_unique"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "reduction_locks",
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("locked_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "reducible_type", "reducible_id", "topic", "target_id", name=op.f("reduction_locks_pk")
        ),
    )
    op.create_table(
        "rejected_events",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("rejected_events_pk")),
    )
    with op.batch_alter_table("rejected_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("rejected_events_received_at_index"), ["received_at"], unique=False
        )

    op.create_table(
        "revisions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("revisions_pk")),
    )
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("revisions_reducible_type_reducible_id_id_index"),
            ["reducible_type", "reducible_id", "id"],
            unique=False,
        )

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
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("runs_reducible_type_reducible_id_id_index"),
            ["reducible_type", "reducible_id", "id"],
            unique=False,
        )

    op.create_table(
        "subject_actions",
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BigId, nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_revision", sa.Integer(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=True),
        sa.Column("effect_type", sa.String(), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("payload", Json, nullable=True),
        sa.Column("trace", Json, nullable=True),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", UTCDateTime(), nullable=False),
        sa.Column("attempted_at", UTCDateTime(), nullable=True),
        sa.Column("completed_at", UTCDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("subject_actions_pk")),
        sa.UniqueConstraint(
            "effect_id",
            "effect_revision",
            "subject_id",
            "occurrence",
            name=op.f("subject_actions_effect_id_effect_revision_subject_id_occurrence_unique"),
        ),
    )
    with op.batch_alter_table("subject_actions", schema=None) as batch_op:
        batch_op.create_index(
            "subject_actions_pending",
            ["workflow_id", "subject_id", "id"],
            unique=False,
            postgresql_where=sa.text("status = 'pending'"),
            sqlite_where=sa.text("status = 'pending'"),
        )
        batch_op.create_index(
            batch_op.f("subject_actions_subject_id_workflow_id_index"),
            ["subject_id", "workflow_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("subject_actions_workflow_id_id_index"), ["workflow_id", "id"], unique=False
        )

    op.create_table(
        "subject_reductions",
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BigId, nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("reducer_key", sa.String(), nullable=False),
        sa.Column("subgroup", sa.String(), server_default="_default", nullable=False),
        sa.Column("data", Json, nullable=True),
        sa.Column("store", Json, nullable=True),
        sa.Column("lock_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("subject_reductions_pk")),
        sa.UniqueConstraint(
            "subject_id",
            "reducible_type",
            "reducible_id",
            "reducer_key",
            "subgroup",
            name=op.f(
                "subject_reductions_subject_id_reducible_type_reducible_id_reducer_key_subgroup_unique"
            ),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("subject_reductions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("subject_reductions_reducible_type_reducible_id_id_index"),
            ["reducible_type", "reducible_id", "id"],
            unique=False,
        )

    op.create_table(
        "subjects",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("is_training", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=True),
        sa.Column("updated_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("subjects_pk")),
    )
    op.create_table(
        "user_actions",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BigId, nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_id", sa.BigInteger(), nullable=False),
        sa.Column("effect_revision", sa.Integer(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=True),
        sa.Column("effect_type", sa.String(), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("payload", Json, nullable=True),
        sa.Column("trace", Json, nullable=True),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("not_before", UTCDateTime(), nullable=False),
        sa.Column("attempted_at", UTCDateTime(), nullable=True),
        sa.Column("completed_at", UTCDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("user_actions_pk")),
        sa.UniqueConstraint(
            "effect_id",
            "effect_revision",
            "user_id",
            "occurrence",
            name=op.f("user_actions_effect_id_effect_revision_user_id_occurrence_unique"),
        ),
    )
    with op.batch_alter_table("user_actions", schema=None) as batch_op:
        batch_op.create_index(
            "user_actions_pending",
            ["workflow_id", "user_id", "id"],
            unique=False,
            postgresql_where=sa.text("status = 'pending'"),
            sqlite_where=sa.text("status = 'pending'"),
        )
        batch_op.create_index(
            batch_op.f("user_actions_user_id_workflow_id_index"),
            ["user_id", "workflow_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("user_actions_workflow_id_id_index"), ["workflow_id", "id"], unique=False
        )

    op.create_table(
        "user_reductions",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BigId, nullable=False),
        sa.Column("reducible_type", sa.String(), nullable=False),
        sa.Column("reducible_id", sa.BigInteger(), nullable=False),
        sa.Column("reducer_key", sa.String(), nullable=False),
        sa.Column("subgroup", sa.String(), server_default="_default", nullable=False),
        sa.Column("data", Json, nullable=True),
        sa.Column("store", Json, nullable=True),
        sa.Column("lock_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("user_reductions_pk")),
        sa.UniqueConstraint(
            "user_id",
            "reducible_type",
            "reducible_id",
            "reducer_key",
            "subgroup",
            name=op.f(
                "user_reductions_user_id_reducible_type_reducible_id_reducer_key_subgroup_unique"
            ),
        ),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("user_reductions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("user_reductions_reducible_type_reducible_id_id_index"),
            ["reducible_type", "reducible_id", "id"],
            unique=False,
        )

    op.create_table(
        "workflows",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("project_name", sa.String(), nullable=True),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        sa.Column(
            "rules_applied", sa.String(), server_default="all_matching_rules", nullable=False
        ),
        sa.Column("public_extracts", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("public_reductions", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("custom_queue_name", sa.String(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("extracts_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "subject_reductions_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "user_reductions_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "subject_actions_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "user_actions_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("workflows_pk")),
    )
    with op.batch_alter_table("workflows", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("workflows_project_id_index"), ["project_id"], unique=False
        )

    op.create_table(
        "extractors",
        sa.Column("id", BigId, nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("minimum_workflow_version", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("extractors_workflow_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("extractors_pk")),
        sa.UniqueConstraint("workflow_id", "key", name=op.f("extractors_workflow_id_key_unique")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "extracts_subject_reductions",
        sa.Column("reduction_id", BigId, nullable=False),
        sa.Column("extract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classification_id", sa.BigInteger(), nullable=True),
        sa.Column("extractor_key", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reduction_id"],
            ["subject_reductions.id"],
            name=op.f("extracts_subject_reductions_reduction_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "reduction_id", "extract_id", name=op.f("extracts_subject_reductions_pk")
        ),
    )
    op.create_table(
        "extracts_user_reductions",
        sa.Column("reduction_id", BigId, nullable=False),
        sa.Column("extract_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("classification_id", sa.BigInteger(), nullable=True),
        sa.Column("extractor_key", sa.String(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reduction_id"],
            ["user_reductions.id"],
            name=op.f("extracts_user_reductions_reduction_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "reduction_id", "extract_id", name=op.f("extracts_user_reductions_pk")
        ),
    )
    op.create_table(
        "run_failures",
        sa.Column("id", BigId, nullable=False),
        sa.Column("run_id", BigId, nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("run_failures_run_id_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("run_failures_pk")),
    )
    with op.batch_alter_table("run_failures", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("run_failures_run_id_index"), ["run_id"], unique=False)

    op.create_table(
        "subject_rules",
        sa.Column("id", BigId, nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("row_order", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("subject_rules_workflow_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("subject_rules_pk")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("subject_rules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("subject_rules_workflow_id_index"), ["workflow_id"], unique=False
        )

    op.create_table(
        "user_rules",
        sa.Column("id", BigId, nullable=False),
        sa.Column("workflow_id", sa.BigInteger(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("row_order", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workflow_id"],
            ["workflows.id"],
            name=op.f("user_rules_workflow_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("user_rules_pk")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("user_rules", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("user_rules_workflow_id_index"), ["workflow_id"], unique=False
        )

    op.create_table(
        "subject_rule_effects",
        sa.Column("subject_rule_id", BigId, nullable=False),
        sa.Column("id", BigId, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_rule_id"],
            ["subject_rules.id"],
            name=op.f("subject_rule_effects_subject_rule_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("subject_rule_effects_pk")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("subject_rule_effects", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("subject_rule_effects_subject_rule_id_index"),
            ["subject_rule_id"],
            unique=False,
        )

    op.create_table(
        "user_rule_effects",
        sa.Column("user_rule_id", BigId, nullable=False),
        sa.Column("id", BigId, nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("config", Json, nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_rule_id"],
            ["user_rules.id"],
            name=op.f("user_rule_effects_user_rule_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("user_rule_effects_pk")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("user_rule_effects", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("user_rule_effects_user_rule_id_index"), ["user_rule_id"], unique=False
        )


def downgrade():
    with op.batch_alter_table("user_rule_effects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("user_rule_effects_user_rule_id_index"))

    op.drop_table("user_rule_effects")
    with op.batch_alter_table("subject_rule_effects", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("subject_rule_effects_subject_rule_id_index"))

    op.drop_table("subject_rule_effects")
    with op.batch_alter_table("user_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("user_rules_workflow_id_index"))

    op.drop_table("user_rules")
    with op.batch_alter_table("subject_rules", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("subject_rules_workflow_id_index"))

    op.drop_table("subject_rules")
    with op.batch_alter_table("run_failures", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("run_failures_run_id_index"))

    op.drop_table("run_failures")
    op.drop_table("extracts_user_reductions")
    op.drop_table("extracts_subject_reductions")
    op.drop_table("extractors")
    with op.batch_alter_table("workflows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("workflows_project_id_index"))

    op.drop_table("workflows")
    with op.batch_alter_table("user_reductions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("user_reductions_reducible_type_reducible_id_id_index"))

    op.drop_table("user_reductions")
    with op.batch_alter_table("user_actions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("user_actions_workflow_id_id_index"))
        batch_op.drop_index(batch_op.f("user_actions_user_id_workflow_id_index"))
        batch_op.drop_index(
            "user_actions_pending",
            postgresql_where=sa.text("status = 'pending'"),
            sqlite_where=sa.text("status = 'pending'"),
        )

    op.drop_table("user_actions")
    op.drop_table("subjects")
    with op.batch_alter_table("subject_reductions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("subject_reductions_reducible_type_reducible_id_id_index"))

    op.drop_table("subject_reductions")
    with op.batch_alter_table("subject_actions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("subject_actions_workflow_id_id_index"))
        batch_op.drop_index(batch_op.f("subject_actions_subject_id_workflow_id_index"))
        batch_op.drop_index(
            "subject_actions_pending",
            postgresql_where=sa.text("status = 'pending'"),
            sqlite_where=sa.text("status = 'pending'"),
        )

    op.drop_table("subject_actions")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("runs_reducible_type_reducible_id_id_index"))

    op.drop_table("runs")
    with op.batch_alter_table("revisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("revisions_reducible_type_reducible_id_id_index"))

    op.drop_table("revisions")
    with op.batch_alter_table("rejected_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("rejected_events_received_at_index"))

    op.drop_table("rejected_events")
    op.drop_table("reduction_locks")
    op.drop_table("reducers")
    op.drop_table("projects")
    with op.batch_alter_table("lights", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("lights_workflow_id_index"))

    op.drop_table("lights")
    with op.batch_alter_table("extracts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("extracts_workflow_id_id_index"))
        batch_op.drop_index(batch_op.f("extracts_user_id_workflow_id_index"))
        batch_op.drop_index(batch_op.f("extracts_subject_id_workflow_id_index"))
        batch_op.drop_index(
            "extracts_of_machines_unique",
            postgresql_where=sa.text("classification_id IS NULL"),
            sqlite_where=sa.text("classification_id IS NULL"),
        )

    op.drop_table("extracts")
    with op.batch_alter_table("external_work", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("external_work_workflow_id_index"))
        batch_op.drop_index(
            "external_work_waiting",
            postgresql_where=sa.text("status = 'waiting'"),
            sqlite_where=sa.text("status = 'waiting'"),
        )

    op.drop_table("external_work")
    with op.batch_alter_table("exchanges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("exchanges_kind_owner_id_id_index"))

    op.drop_table("exchanges")
    with op.batch_alter_table("data_requests", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("data_requests_exportable_type_exportable_id_created_at_index")
        )

    op.drop_table("data_requests")
    with op.batch_alter_table("credentials", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("credentials_user_id_index"))

    op.drop_table("credentials")
    with op.batch_alter_table("classifications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("classifications_workflow_id_subject_id_index"))
        batch_op.drop_index(
            "classifications_waiting",
            postgresql_where=sa.text("processed_at IS NULL AND failed_reason IS NULL"),
            sqlite_where=sa.text("processed_at IS NULL AND failed_reason IS NULL"),
        )
        batch_op.drop_index(batch_op.f("classifications_position_index"))

    op.drop_table("classifications")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("audit_workflow_id_id_index"))
        batch_op.drop_index(batch_op.f("audit_created_at_index"))

    op.drop_table("audit")
    op.drop_table("alarms")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE inbox_positions")
