"""Tables of what is done and what happened: actions, freezes, lights, audit, alarms."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from caesar_web.store.db import Base, BigId, Json, Timestamps, UTCDateTime

_PENDING = text("status = 'pending'")
_FAILED = text("status = 'failed'")
_UNSEEN = text("status = 'failed' AND acknowledged_at IS NULL")
_WAITING = text("status = 'waiting'")


class _Action(Timestamps):
    """What a rule decided for a target: once per effect, revision and `occurrence`.

    `occurrence` is 0, and counts up when a person asks to act again; it is null for effects that
    act at every match. `not_before` holds back a retry, or what a worker is just performing.
    `acknowledged_at` is when an operator has seen that it failed, and leaves it so.
    """

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workflow_id: Mapped[int] = mapped_column(BigInteger)
    rule_id: Mapped[int] = mapped_column(BigInteger)
    effect_id: Mapped[int] = mapped_column(BigInteger)
    effect_revision: Mapped[int]
    occurrence: Mapped[int | None]
    effect_type: Mapped[str]
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    secrets: Mapped[str | None] = mapped_column(Text)
    target_owner: Mapped[dict[str, Any] | None] = mapped_column(Json)
    payload: Mapped[Any | None] = mapped_column(Json)
    trace: Mapped[Any | None] = mapped_column(Json)
    status: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    attempted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


def _action_indexes(table: str, target: str) -> tuple[UniqueConstraint | Index, ...]:
    return (
        UniqueConstraint("effect_id", "effect_revision", target, "occurrence"),
        Index(
            f"{table}_pending",
            "workflow_id",
            target,
            "id",
            postgresql_where=_PENDING,
            sqlite_where=_PENDING,
        ),
        Index(
            f"{table}_failed",
            "workflow_id",
            "id",
            postgresql_where=_FAILED,
            sqlite_where=_FAILED,
        ),
        Index(f"{table}_unseen", "id", postgresql_where=_UNSEEN, sqlite_where=_UNSEEN),
        Index(None, "workflow_id", "id"),
        Index(None, target, "workflow_id"),
    )


class SubjectAction(_Action, Base):
    __tablename__ = "subject_actions"
    __table_args__ = _action_indexes("subject_actions", "subject_id")

    subject_id: Mapped[int] = mapped_column(BigInteger)


class UserAction(_Action, Base):
    __tablename__ = "user_actions"
    __table_args__ = _action_indexes("user_actions", "user_id")

    user_id: Mapped[int] = mapped_column(BigInteger)


class Freeze(Base):
    """Decisions go on and actions wait: of a workflow, of a project, or everywhere (id 0)."""

    __tablename__ = "freezes"
    __table_args__ = (UniqueConstraint("reducible_type", "reducible_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reducible_type: Mapped[str]
    reducible_id: Mapped[int] = mapped_column(BigInteger)
    frozen_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Light(Base):
    """How an extractor, reducer, rule, effect or host has fared: `outcomes` are its last hundred.

    One character each, the newest last: "." went well, "x" failed. Nobody calls a host before
    `held_until`.
    """

    __tablename__ = "lights"
    __table_args__ = (UniqueConstraint("kind", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    workflow_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    outcomes: Mapped[str] = mapped_column(server_default="")
    failures: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    failing_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    held_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ExternalWork(Timestamps, Base):
    """What somebody elsewhere is asked for: an extract of a classification, or a reduction.

    `means` is who is asked (`external`: the service at `host`), `owner_id` the extractor or
    reducer, `target_id` the classification, or the subject or user. `since` is the least id of the
    extracts for which a reduction is wanted; None where all of them may matter. `version` counts up
    whenever it is wanted anew, so that what has come meanwhile is not taken for done. `not_before`
    holds back a retry, or what a worker is just asking for.
    """

    __tablename__ = "external_work"
    __table_args__ = (
        UniqueConstraint("kind", "owner_id", "target_id"),
        Index(
            "external_work_waiting",
            "means",
            "host",
            "not_before",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    means: Mapped[str]
    host: Mapped[str]
    workflow_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    owner_id: Mapped[int] = mapped_column(BigInteger)
    target_id: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    status: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    last_error: Mapped[str | None] = mapped_column(Text)


class Exchange(Base):
    """One of the last calls to an external service, kept for those who debug it."""

    __tablename__ = "exchanges"
    __table_args__ = (Index(None, "kind", "owner_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    owner_id: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[int | None]
    seconds: Mapped[float | None]
    sent: Mapped[str | None] = mapped_column(Text)
    received: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Credential(Timestamps, Base):
    """Somebody who showed a token, in a browser's session or with a script's request.

    `digest` is of the session's secret or of the script's token, of which nothing else is kept.
    `tokens` are a session's, encrypted, and good until `expires_at`; one process at a time renews
    them, until `renewing_until`. `project_ids` are what Panoptes said at `projects_at`.
    """

    __tablename__ = "credentials"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(BigInteger, index=True)
    login: Mapped[str]
    name: Mapped[str]
    is_admin: Mapped[bool]
    acts_as_admin: Mapped[bool] = mapped_column(default=False, server_default=false())
    tokens: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    renewing_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    project_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    projects_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Draft(Base):
    """A form that came after its session had ended, encrypted, for its sender to find again."""

    __tablename__ = "drafts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    digest: Mapped[str] = mapped_column(unique=True)
    path: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class AuditEntry(Base):
    """Who did what, from where, and what it was before and after.

    A refusal that repeats itself at once is counted in `times`.
    """

    __tablename__ = "audit"
    __table_args__ = (Index(None, "workflow_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    actor: Mapped[str]
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    address: Mapped[str | None]
    action: Mapped[str]
    about: Mapped[str | None] = mapped_column(Text)
    times: Mapped[int] = mapped_column(BigInteger, default=1, server_default=text("1"))
    workflow_id: Mapped[int | None] = mapped_column(BigInteger)
    project_id: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[Any | None] = mapped_column(Json)
    after: Mapped[Any | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class Alarm(Base):
    """Something that the owner of a workflow should look at, until it is `cleared_at`."""

    __tablename__ = "alarms"
    __table_args__ = (UniqueConstraint("workflow_id", "kind", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    workflow_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    name: Mapped[str]
    message: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(UTCDateTime)
    cleared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
