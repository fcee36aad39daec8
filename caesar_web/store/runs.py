"""Tables of long work: runs with their targets, files and failures, and what people export."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from caesar_web.store.db import Base, BigId, Json, Timestamps, UTCDateTime

_UNFINISHED = text("finished_at IS NULL")


class Run(Timestamps, Base):
    """A long piece of work: this row is the truth, jobs only carry it on from `checkpoint`.

    `identity` is what must not run twice at once. `acts` says whether what rules decide during the
    run is done; else it is `Withheld`. `turn` counts who carried it on: the last one owns it until
    `not_before`, from when on anyone may. `rate` is how much it may do in a minute.
    `acknowledged_at` is when an operator has seen that it failed.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "reducible_type", "reducible_id", "id"),
        Index(
            "runs_identity_unfinished",
            "identity",
            unique=True,
            postgresql_where=_UNFINISHED,
            sqlite_where=_UNFINISHED,
        ),
        Index("runs_due", "not_before", postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str]
    identity: Mapped[str] = mapped_column(Text)
    reducible_type: Mapped[str]
    reducible_id: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    checkpoint: Mapped[Any | None] = mapped_column(Json)
    acts: Mapped[bool] = mapped_column(default=False, server_default=false())
    rate: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    total: Mapped[int | None] = mapped_column(BigInteger)
    is_estimate: Mapped[bool] = mapped_column(default=False, server_default=false())
    done: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    failed: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    turn: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    started_by: Mapped[str | None]
    started_by_id: Mapped[int | None] = mapped_column(BigInteger)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    progressed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class RunFailure(Base):
    """Something that a run could not do; the run goes on."""

    __tablename__ = "run_failures"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    place: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class RunTarget(Base):
    """A subject or user that a run goes over, at its `position` in the run's order."""

    __tablename__ = "run_targets"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    target_id: Mapped[int] = mapped_column(BigInteger)


class RunFile(Base):
    """A file that somebody gave a run to work off."""

    __tablename__ = "run_files"

    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class Withheld(Base):
    """What a rule would have done for a target during a run that does not act."""

    __tablename__ = "withheld"
    __table_args__ = (
        UniqueConstraint("run_id", "target_type", "effect_id", "effect_revision", "target_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"))
    target_type: Mapped[str]
    target_id: Mapped[int] = mapped_column(BigInteger)
    workflow_id: Mapped[int] = mapped_column(BigInteger)
    rule_id: Mapped[int] = mapped_column(BigInteger)
    effect_id: Mapped[int] = mapped_column(BigInteger)
    effect_revision: Mapped[int]
    effect_type: Mapped[str]
    payload: Mapped[Any | None] = mapped_column(Json)
    trace: Mapped[Any | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class DataRequest(Timestamps, Base):
    """An export that somebody asked for; how far it is, its run says.

    `options` are its format and filters. `file` is its name in the storage until `expires_at`.
    """

    __tablename__ = "data_requests"
    __table_args__ = (Index(None, "exportable_type", "exportable_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    exportable_type: Mapped[str]
    exportable_id: Mapped[int] = mapped_column(BigInteger)
    requested_data: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    subgroup: Mapped[str | None]
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    is_public: Mapped[bool] = mapped_column(default=False, server_default=false())
    run_id: Mapped[int] = mapped_column(BigInteger, index=True)
    file: Mapped[str | None] = mapped_column(Text)
    rows: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int | None] = mapped_column(BigInteger)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)
