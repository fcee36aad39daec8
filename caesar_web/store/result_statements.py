"""Statements over results: extracts, and reductions."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Text, delete, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from caesar_web.domain.classification import Extract as ExtractValue
from caesar_web.domain.folds import Reduced
from caesar_web.store import bulk
from caesar_web.store.db import among, among_rows, table_of
from caesar_web.store.inbox import Subject
from caesar_web.store.results import (
    Extract,
    ExtractSubjectReduction,
    ExtractUserReduction,
    ReductionLock,
    SubjectReduction,
    UserReduction,
)
from caesar_web.store.snapshot import Reducible


class Topic(NamedTuple):
    """Where the reductions of subjects, or those of users, are kept."""

    name: str
    target: str
    reductions: type[SubjectReduction] | type[UserReduction]
    counted: type[ExtractSubjectReduction] | type[ExtractUserReduction]


SUBJECT = Topic("reduce_by_subject", "subject_id", SubjectReduction, ExtractSubjectReduction)
USER = Topic("reduce_by_user", "user_id", UserReduction, ExtractUserReduction)


class Stored(NamedTuple):
    """A reduction as it is stored."""

    id: int
    target_id: int
    reducer_key: str
    subgroup: str
    reduced: Reduced
    created_at: datetime
    updated_at: datetime


class Place(NamedTuple):
    """Which reduction of a reducible."""

    target_id: int
    reducer_key: str
    subgroup: str


_extracts = table_of(Extract)
_locks = table_of(ReductionLock)
_EXTRACT_COLUMNS = (
    "classification_id",
    "classification_at",
    "extractor_key",
    "project_id",
    "workflow_id",
    "workflow_version",
    "subject_id",
    "user_id",
    "data",
    "created_at",
    "updated_at",
)
_WRITTEN_AGAIN = ", ".join(
    f"{name} = excluded.{name}" for name in _EXTRACT_COLUMNS if name != "created_at"
)


def write_extracts(session: Session, rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Writes extracts, new or again; gives id, classification_id, extractor_key, created_at."""
    return bulk.insert(
        session,
        _extracts,
        rows,
        columns=_EXTRACT_COLUMNS,
        conflict=f"(classification_id, extractor_key) DO UPDATE SET {_WRITTEN_AGAIN}",
        returning=("id", "classification_id", "extractor_key", "created_at"),
    )


def remove_other_extracts(
    session: Session, classification_ids: Iterable[int], *, kept: Iterable[int]
) -> int:
    """Removes what changed classifications no longer give; says how many."""
    removed = session.execute(
        delete(Extract).where(
            among(Extract.classification_id, classification_ids), ~among(Extract.id, kept)
        )
    )
    return int(removed.rowcount)  # type: ignore[attr-defined]  # a cursor's result for sure


def extracts_of(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    targets: Iterable[int],
    *,
    most: int | None = None,
    since: int | None = None,
    keys: Collection[str] | None = None,
) -> list[ExtractValue]:
    """The extracts of some subjects or users in a workflow or project, `most` of them.

    `since` is the least id that is wanted, and `keys` name extractors where others do not matter.
    """
    rows = session.execute(
        select(
            _extracts.c.id,
            _extracts.c.classification_id,
            _extracts.c.classification_at,
            _extracts.c.extractor_key,
            _extracts.c.subject_id,
            _extracts.c.user_id,
            _extracts.c.data,
        )
        .where(
            is_of(reducible, topic, targets),
            true() if since is None else _extracts.c.id >= since,
            true() if keys is None else _matters(keys),
        )
        .limit(most)
    )
    return [ExtractValue(*row) for row in rows]


def _matters(keys: Collection[str]) -> Any:
    """What these extractors made; and of volunteers, that they classified without any of it."""
    same = aliased(Extract)
    made = select(true()).where(
        same.classification_id == Extract.classification_id,
        among(same.extractor_key, keys, member=Text),
    )
    # For NOT EXISTS PostgreSQL may rather read all extracts there are, and make a hash of them.
    none_made = made.limit(1).scalar_subquery().is_(None)
    return or_(
        among(Extract.extractor_key, keys, member=Text), Extract.user_id.is_not(None) & none_made
    )


def count_extracts(
    session: Session, reducible: Reducible, topic: Topic, targets: Iterable[int]
) -> dict[int, int]:
    """How many extracts each subject or user has in a workflow or project."""
    target = _extracts.c[topic.target]
    rows = session.execute(
        select(target, func.count()).where(is_of(reducible, topic, targets)).group_by(target)
    )
    return dict(map(tuple, rows))


def training_among(session: Session, subject_ids: Iterable[int]) -> set[int]:
    """Those of the subjects whose answers are known."""
    wanted = select(Subject.id).where(among(Subject.id, subject_ids), Subject.is_training)
    return set(session.scalars(wanted))


def lock_targets(
    session: Session, reducible: Reducible, topic: Topic, targets: Iterable[int], *, now: datetime
) -> None:
    """Waits for other turns that make reductions of these targets, in an order that all keep."""
    rows = (
        {
            "reducible_type": reducible.type,
            "reducible_id": reducible.id,
            "topic": topic.name,
            "target_id": target,
            "locked_at": now,
        }
        for target in sorted(targets)
    )
    bulk.insert(
        session,
        _locks,
        rows,
        columns=("reducible_type", "reducible_id", "topic", "target_id", "locked_at"),
        conflict="(reducible_type, reducible_id, topic, target_id)"
        " DO UPDATE SET locked_at = excluded.locked_at",
    )


def reductions_of(
    session: Session, reducible: Reducible, topic: Topic, targets: Iterable[int]
) -> list[Stored]:
    """All stored reductions of some subjects or users in a workflow or project."""
    table = table_of(topic.reductions)
    rows = session.execute(
        select(
            table.c.id,
            table.c[topic.target],
            table.c.reducer_key,
            table.c.subgroup,
            table.c.data,
            table.c.store,
            table.c.created_at,
            table.c.updated_at,
        ).where(
            _each_of(table.c[topic.target], targets, table.c.reducible_id, reducible.id),
            # In a way that keeps PostgreSQL from the index of all reductions of a reducible.
            table.c.reducible_type.concat("") == reducible.type,
        )
    )
    return [
        Stored(id, target, key, subgroup, Reduced(data, store), created_at, updated_at)
        for id, target, key, subgroup, data, store, created_at, updated_at in rows
    ]


def write_reductions(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    changed: Mapping[Place, Reduced],
    *,
    now: datetime,
) -> dict[Place, int]:
    """Writes reductions; gives their ids by their places."""
    table = table_of(topic.reductions)
    rows = (
        {
            "reducible_type": reducible.type,
            "reducible_id": reducible.id,
            topic.target: place.target_id,
            "reducer_key": place.reducer_key,
            "subgroup": place.subgroup,
            "data": reduced.data,
            "store": reduced.store,
            "lock_version": 0,
            "created_at": now,
            "updated_at": now,
        }
        for place, reduced in sorted(changed.items())
    )
    identity = (topic.target, "reducible_type", "reducible_id", "reducer_key", "subgroup")
    written = bulk.insert(
        session,
        table,
        rows,
        columns=(*identity, "data", "store", "lock_version", "created_at", "updated_at"),
        conflict=f"({', '.join(identity)}) DO UPDATE SET data = excluded.data,"
        f" store = excluded.store, updated_at = excluded.updated_at,"
        f" lock_version = {table.name}.lock_version + 1",
        returning=("id", topic.target, "reducer_key", "subgroup"),
    )
    return {Place(target, key, subgroup): id for id, target, key, subgroup in written}


def remove_reductions(session: Session, topic: Topic, ids: Iterable[int]) -> None:
    table = table_of(topic.reductions)
    session.execute(delete(table).where(among(table.c.id, ids)))


def is_of(reducible: Reducible, topic: Topic, targets: Iterable[int]) -> Any:
    """Whether an extract is of some subjects or users in a workflow or project."""
    of_workflow = reducible.type == "Workflow"
    scope = _extracts.c.workflow_id if of_workflow else _extracts.c.project_id
    return _each_of(_extracts.c[topic.target], targets, scope, reducible.id)


def _each_of(target: Any, targets: Iterable[int], scope: Any, id: int) -> Any:
    return among_rows([target, scope], [(each, id) for each in targets])
