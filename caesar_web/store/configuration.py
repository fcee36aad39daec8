"""Tables of what people configure: projects, workflows, extractors, reducers, rules, effects."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from caesar_web.store.db import NEVER_REUSED, Base, BigId, Json, Timestamps, UTCDateTime

WORKFLOW_STATUSES = ("active", "paused", "halted")
PROJECT_STATUSES = ("active", "paused", "halted")


class _Pausable:
    """Something that can be paused (made up for when it goes on) or halted, `status_since` when."""

    status: Mapped[str] = mapped_column(default="active", server_default="active")
    status_since: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Project(_Pausable, Timestamps, Base):
    """A Panoptes project, as a reducible of its own over all its workflows."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    display_name: Mapped[str | None]
    public_reductions: Mapped[bool] = mapped_column(default=False, server_default=false())
    custom_queue_name: Mapped[str | None]
    revision: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))
    subject_reductions_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    user_reductions_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class Workflow(_Pausable, Timestamps, Base):
    """A Panoptes workflow. `revision` counts changes of its configuration."""

    __tablename__ = "workflows"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    project_id: Mapped[int] = mapped_column(BigInteger, index=True)
    name: Mapped[str | None]
    project_name: Mapped[str | None]
    rules_applied: Mapped[str] = mapped_column(
        default="all_matching_rules", server_default="all_matching_rules"
    )
    public_extracts: Mapped[bool] = mapped_column(default=False, server_default=false())
    public_reductions: Mapped[bool] = mapped_column(default=False, server_default=false())
    custom_queue_name: Mapped[str | None]
    revision: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))
    extracts_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    subject_reductions_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    user_reductions_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    subject_actions_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    user_actions_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))

    extractors: Mapped[list["Extractor"]] = relationship(
        order_by="Extractor.id", cascade="all, delete-orphan"
    )
    subject_rules: Mapped[list["SubjectRule"]] = relationship(
        order_by="SubjectRule.row_order, SubjectRule.id", cascade="all, delete-orphan"
    )
    user_rules: Mapped[list["UserRule"]] = relationship(
        order_by="UserRule.row_order, UserRule.id", cascade="all, delete-orphan"
    )


class Extractor(_Pausable, Timestamps, Base):
    """An extractor of a workflow; its `secrets` are as those of effects."""

    __tablename__ = "extractors"
    __table_args__ = (UniqueConstraint("workflow_id", "key"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workflow_id: Mapped[int] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    key: Mapped[str]
    type: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    minimum_workflow_version: Mapped[str | None]
    secrets: Mapped[str | None] = mapped_column(Text)


class Reducer(_Pausable, Timestamps, Base):
    """A reducer of a workflow or of a project: its reducible.

    `gaps` are the spans of time, from and until, that nothing is to make up for. Its `secrets` are
    as those of effects.
    """

    __tablename__ = "reducers"
    __table_args__ = (UniqueConstraint("reducible_type", "reducible_id", "key"), NEVER_REUSED)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reducible_type: Mapped[str]
    reducible_id: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str]
    type: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    topic: Mapped[str] = mapped_column(default="reduce_by_subject")
    reduction_mode: Mapped[str] = mapped_column(default="default_reduction")
    filters: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    grouping: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    user_reducer_keys: Mapped[list[str] | None] = mapped_column(Json)
    subject_reducer_keys: Mapped[list[str] | None] = mapped_column(Json)
    gaps: Mapped[list[list[str]] | None] = mapped_column(Json)
    secrets: Mapped[str | None] = mapped_column(Text)


class _Rule(_Pausable, Timestamps):
    """`condition` is the JSON text exactly as written: JSONB would reorder and rewrite it."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workflow_id: Mapped[int] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), index=True
    )
    condition: Mapped[str] = mapped_column(Text)
    row_order: Mapped[int] = mapped_column(BigInteger, default=0)


class _Effect(Timestamps):
    """Editing an effect or its rule makes a new `revision`, and that may act once more.

    `config` has the mask where a value is secret; `secrets` are those values, encrypted.
    `target_owner` is what its target belonged to when the permission of who saved it was checked.
    """

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    action: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    revision: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    secrets: Mapped[str | None] = mapped_column(Text)
    target_owner: Mapped[dict[str, Any] | None] = mapped_column(Json)
    saved_by: Mapped[str | None]
    saved_by_id: Mapped[int | None] = mapped_column(BigInteger)


class SubjectRuleEffect(_Effect, Base):
    __tablename__ = "subject_rule_effects"
    __table_args__ = NEVER_REUSED

    subject_rule_id: Mapped[int] = mapped_column(
        ForeignKey("subject_rules.id", ondelete="CASCADE"), index=True
    )


class UserRuleEffect(_Effect, Base):
    __tablename__ = "user_rule_effects"
    __table_args__ = NEVER_REUSED

    user_rule_id: Mapped[int] = mapped_column(
        ForeignKey("user_rules.id", ondelete="CASCADE"), index=True
    )


class SubjectRule(_Rule, Base):
    __tablename__ = "subject_rules"
    __table_args__ = NEVER_REUSED

    effects: Mapped[list[SubjectRuleEffect]] = relationship(
        order_by=SubjectRuleEffect.id, cascade="all, delete-orphan", lazy="selectin"
    )


class UserRule(_Rule, Base):
    __tablename__ = "user_rules"
    __table_args__ = NEVER_REUSED

    effects: Mapped[list[UserRuleEffect]] = relationship(
        order_by=UserRuleEffect.id, cascade="all, delete-orphan", lazy="selectin"
    )


class Wording(Base):
    """What the answers that a workflow's configuration refers to were called when it was saved."""

    __tablename__ = "wordings"

    workflow_id: Mapped[int] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    answers: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Revision(Base):
    """Who changed which configuration, when, and what it was before and after."""

    __tablename__ = "revisions"
    __table_args__ = (Index(None, "reducible_type", "reducible_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reducible_type: Mapped[str]
    reducible_id: Mapped[int] = mapped_column(BigInteger)
    author: Mapped[str]
    note: Mapped[str | None]
    before: Mapped[Any | None] = mapped_column(Json)
    after: Mapped[Any | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
