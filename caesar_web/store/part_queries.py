"""What the pages of extractors and reducers read."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from caesar_web.domain.documents import ReducerRow
from caesar_web.domain.events import LARGEST_ID
from caesar_web.domain.folds import stored_object
from caesar_web.domain.known import KnownReducer
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.store.configuration import Extractor, Reducer, Workflow
from caesar_web.store.db import table_of
from caesar_web.store.result_statements import SUBJECT, USER
from caesar_web.store.snapshot import Reducible, reducer_of

NEWEST_REDUCTIONS = 500  # of all reducers, among which one's own are looked at


class LeftOut(NamedTuple):
    """Values that could not be added or summed, in how many of the reductions looked at."""

    values: int
    reductions: int
    looked_at: int


def extractors(session: Session, reducible: Reducible) -> list[Extractor]:
    """The extractors whose extracts a reducible's reducers see."""
    wanted = select(Extractor).order_by(Extractor.id)
    if reducible.type == "Workflow":
        return list(session.scalars(wanted.where(Extractor.workflow_id == reducible.id)))
    of_project = select(Workflow.id).where(Workflow.project_id == reducible.id)
    return list(session.scalars(wanted.where(Extractor.workflow_id.in_(of_project))))


def extractor(session: Session, workflow_id: int, id: int) -> Extractor | None:
    """An extractor of this workflow and no other."""
    if id > LARGEST_ID:
        return None
    return session.scalar(select(Extractor).filter_by(id=id, workflow_id=workflow_id))


def reducer(session: Session, reducible: Reducible, id: int) -> Reducer | None:
    """A reducer of this workflow or project and no other."""
    if id > LARGEST_ID:
        return None
    wanted = select(Reducer).filter_by(
        id=id, reducible_type=reducible.type, reducible_id=reducible.id
    )
    return session.scalar(wanted)


def known_reducers(rows: Iterable[Reducer | ReducerRow]) -> dict[str, KnownReducer]:
    """The reducers by their keys, as far as they can be read."""
    return {row.key: known_reducer(row) for row in rows}


def known_reducer(row: Reducer | ReducerRow) -> KnownReducer:
    """A reducer as it is configured, as far as it can be read."""
    try:
        read = reducer_of(row)
    except (InvalidConfiguration, KeyError):  # of one that cannot be used no more is known
        return KnownReducer(row.type)
    return KnownReducer(row.type, read.options, read.filters, read.grouping)


def left_out(session: Session, row: Reducer) -> LeftOut:
    """What a reducer could not add or sum in its newest reductions."""
    table = table_of((USER if row.topic == USER.name else SUBJECT).reductions)
    newest = (
        select(table.c.reducer_key, table.c.store)
        .where(
            table.c.reducible_type == row.reducible_type,
            table.c.reducible_id == row.reducible_id,
        )
        .order_by(table.c.id.desc())
        .limit(NEWEST_REDUCTIONS)
        .subquery()
    )
    stores = session.scalars(select(newest.c.store).where(newest.c.reducer_key == row.key)).all()
    numbers = [_not_added(store) for store in stores]
    return LeftOut(sum(numbers), sum(1 for number in numbers if number), len(numbers))


def _not_added(store: Any) -> int:
    kept = stored_object(store)
    found = (kept.get("left_out", 0), kept.get("skipped", 0))
    return sum(number for number in found if isinstance(number, int))
