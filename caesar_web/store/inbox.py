"""Tables of what came in: subjects, classifications, and events that were refused."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Sequence, SmallInteger, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from caesar_web.store.db import Base, BigId, Json, UTCDateTime

LANES = 64  # fixed, so that changing the number of workers changes nothing

# PostgreSQL's; each request takes as many positions as it may bring events.
positions = Sequence("inbox_positions", increment=10_000, metadata=Base.metadata)

_WAITING = text("processed_at IS NULL AND failed_reason IS NULL")
_OF_A_RUN_WAITING = text("run_id IS NOT NULL AND processed_at IS NULL AND failed_reason IS NULL")
_SET_ASIDE = text("failed_reason IS NOT NULL")


class Subject(Base):
    """A subject as far as events have told. `is_training` follows from the metadata."""

    __tablename__ = "subjects"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)
    is_training: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Classification(Base):
    """A row of the inbox. It waits until it is processed or set aside with a reason.

    `position` is its place in the inbox, `lane` the slot of its subject; `is_changed` says that an
    earlier version has been processed. Backfilled ones wait behind those of the live stream.
    """

    __tablename__ = "classifications"
    __table_args__ = (
        Index(
            "classifications_waiting",
            "workflow_id",
            "lane",
            "is_backfilled",
            "position",
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index(
            "classifications_of_runs_waiting",
            "run_id",
            postgresql_where=_OF_A_RUN_WAITING,
            sqlite_where=_OF_A_RUN_WAITING,
        ),
        Index(
            "classifications_set_aside",
            "workflow_id",
            "id",
            postgresql_where=_SET_ASIDE,
            sqlite_where=_SET_ASIDE,
        ),
        Index(None, "position"),
        Index(None, "workflow_id", "subject_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    project_id: Mapped[int] = mapped_column(BigInteger)
    workflow_id: Mapped[int] = mapped_column(BigInteger)
    workflow_version: Mapped[str | None]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    annotations: Mapped[dict[str, Any]] = mapped_column(Json)
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", Json)
    gold_standard: Mapped[bool | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    position: Mapped[int] = mapped_column(BigInteger)
    lane: Mapped[int] = mapped_column(SmallInteger)
    is_backfilled: Mapped[bool] = mapped_column(server_default=false())
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    is_changed: Mapped[bool] = mapped_column(server_default=false())
    processed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    failed_reason: Mapped[str | None] = mapped_column(Text)


class RejectedEvent(Base):
    """An event that could not be taken, and why. `event` is JSON text in ASCII, without user_ip."""

    __tablename__ = "rejected_events"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    event: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
