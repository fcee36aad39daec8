"""Statements over extracts that are written through the API: which there are, and whose."""

from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from caesar_web.store.inbox import Classification
from caesar_web.store.inbox_statements import WAITING
from caesar_web.store.results import Extract


class Known(NamedTuple):
    """An extract that is there."""

    id: int
    classification_id: int | None
    classification_at: datetime
    user_id: int | None


class Like(Protocol):
    """What an extract is found by."""

    @property
    def extractor_key(self) -> str: ...
    @property
    def subject_id(self) -> int: ...
    @property
    def classification_id(self) -> int | None: ...
    @property
    def user_id(self) -> int | None: ...


def extracts_like(session: Session, workflow_id: int, like: Like) -> list[Known]:
    """A workflow's extracts of the same extractor and subject; of a user, where one is named."""
    wanted = select(
        Extract.id, Extract.classification_id, Extract.classification_at, Extract.user_id
    ).where(
        Extract.workflow_id == workflow_id,
        Extract.extractor_key == like.extractor_key,
        Extract.subject_id == like.subject_id,
    )
    if like.user_id is not None:
        wanted = wanted.where(Extract.user_id == like.user_id)
    return [Known(*row) for row in session.execute(wanted.limit(2))]


def owner_of(session: Session, classification_id: int) -> tuple[int, int] | None:
    """The workflow and subject of a classification, by what is kept or extracted of it."""
    for table in (Classification, Extract):
        id: Any = table.id if table is Classification else Extract.classification_id
        wanted = select(table.workflow_id, table.subject_id).where(id == classification_id)
        row = session.execute(wanted.limit(1)).one_or_none()
        if row is not None:
            return row.workflow_id, row.subject_id
    return None


def is_waiting(session: Session, classification_id: int) -> bool:
    """Whether a classification has come in and is not processed yet."""
    wanted = select(Classification.id).where(Classification.id == classification_id, *WAITING)
    return session.scalar(wanted) is not None


def change_data(session: Session, extract_id: int, data: Any, *, now: datetime) -> None:
    """Gives an extract other data."""
    session.execute(
        update(Extract)
        .where(Extract.id == extract_id)
        .values(data=data, updated_at=now)
        .execution_options(synchronize_session=False)
    )
