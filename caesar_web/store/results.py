"""Tables of what the pipeline makes: extracts, reductions, and what running ones have counted."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from caesar_web.store.db import NEVER_REUSED, Base, BigId, Json, Timestamps, UTCDateTime

_OF_A_MACHINE = text("classification_id IS NULL")


class Extract(Timestamps, Base):
    """What an extractor pulled out of a classification, or a machine predicted for a subject."""

    __tablename__ = "extracts"
    __table_args__ = (
        UniqueConstraint("classification_id", "extractor_key"),
        Index(
            "extracts_of_machines_unique",
            "workflow_id",
            "subject_id",
            "extractor_key",
            unique=True,
            postgresql_where=_OF_A_MACHINE,
            sqlite_where=_OF_A_MACHINE,
        ),
        Index(None, "subject_id", "workflow_id"),
        Index(None, "user_id", "workflow_id", "id"),
        Index(None, "workflow_id", "id"),
        NEVER_REUSED,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    classification_id: Mapped[int | None] = mapped_column(BigInteger)
    classification_at: Mapped[datetime] = mapped_column(UTCDateTime)
    extractor_key: Mapped[str]
    project_id: Mapped[int | None] = mapped_column(BigInteger)
    workflow_id: Mapped[int] = mapped_column(BigInteger)
    workflow_version: Mapped[str | None]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[Any | None] = mapped_column(Json)
    machine_data: Mapped[bool] = mapped_column(server_default=false())


class _Reduction(Timestamps):
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    reducible_type: Mapped[str]
    reducible_id: Mapped[int] = mapped_column(BigInteger)
    reducer_key: Mapped[str]
    subgroup: Mapped[str] = mapped_column(server_default="_default")
    data: Mapped[Any | None] = mapped_column(Json)
    store: Mapped[Any | None] = mapped_column(Json)
    lock_version: Mapped[int] = mapped_column(server_default=text("0"))


class SubjectReduction(_Reduction, Base):
    __tablename__ = "subject_reductions"
    __table_args__ = (
        UniqueConstraint("subject_id", "reducible_type", "reducible_id", "reducer_key", "subgroup"),
        Index(None, "reducible_type", "reducible_id", "id"),
        NEVER_REUSED,
    )

    subject_id: Mapped[int] = mapped_column(BigInteger)


class UserReduction(_Reduction, Base):
    __tablename__ = "user_reductions"
    __table_args__ = (
        UniqueConstraint("user_id", "reducible_type", "reducible_id", "reducer_key", "subgroup"),
        Index(None, "reducible_type", "reducible_id", "id"),
        NEVER_REUSED,
    )

    user_id: Mapped[int] = mapped_column(BigInteger)


class _Counted:
    """An extract that a running reduction has counted, as `domain.series.Counted` has it."""

    __tablename__: str

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        return (
            Index(f"{cls.__tablename__}_again", "reduction_id", "classification_id"),
            Index(f"{cls.__tablename__}_of_a_pair", "reduction_id", "user_id", "subject_id"),
        )

    extract_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    classification_id: Mapped[int | None] = mapped_column(BigInteger)
    extractor_key: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    subject_id: Mapped[int] = mapped_column(BigInteger)


class ExtractSubjectReduction(_Counted, Base):
    __tablename__ = "extracts_subject_reductions"

    reduction_id: Mapped[int] = mapped_column(
        ForeignKey("subject_reductions.id", ondelete="CASCADE"), primary_key=True
    )


class ExtractUserReduction(_Counted, Base):
    __tablename__ = "extracts_user_reductions"

    reduction_id: Mapped[int] = mapped_column(
        ForeignKey("user_reductions.id", ondelete="CASCADE"), primary_key=True
    )


class ReductionLock(Base):
    """A row to lock while the reductions of a target that several lanes share are made."""

    __tablename__ = "reduction_locks"

    reducible_type: Mapped[str] = mapped_column(primary_key=True)
    reducible_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    topic: Mapped[str] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    locked_at: Mapped[datetime] = mapped_column(UTCDateTime)
