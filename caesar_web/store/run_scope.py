"""Statements over what runs are about: what of theirs waits, and which subjects they go over."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, literal, or_, select, union, update
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Subject as SubjectValue
from caesar_web.store.db import among, table_of
from caesar_web.store.inbox import LANES, Classification, Subject
from caesar_web.store.inbox_statements import WAITING
from caesar_web.store.result_statements import SUBJECT, Topic
from caesar_web.store.results import Extract
from caesar_web.store.runs import RunTarget
from caesar_web.store.snapshot import Reducible

_WRITTEN = Extract.updated_at


def has_waiting(session: Session, run_id: int) -> bool:
    """Whether classifications of a run still wait."""
    wanted = select(Classification.id).where(Classification.run_id == run_id, *WAITING).limit(1)
    return session.scalar(wanted) is not None


def count_set_aside(session: Session, run_id: int, workflow_id: int) -> int:
    """How many classifications of a run could not be processed."""
    wanted = select(func.count()).where(
        Classification.workflow_id == workflow_id,
        Classification.failed_reason.is_not(None),
        Classification.run_id == run_id,
    )
    return session.scalar(wanted) or 0


def never_extracted(session: Session, workflow_id: int, subject_ids: Iterable[int]) -> set[int]:
    """Those of the subjects of which nothing was ever extracted in a workflow."""
    wanted = set(subject_ids)
    known = select(Extract.subject_id).where(
        among(Extract.subject_id, wanted), Extract.workflow_id == workflow_id
    )
    return wanted - set(session.scalars(known))


def without_metadata(session: Session, subject_ids: Iterable[int]) -> set[int]:
    """Those of the subjects that nobody has described yet."""
    wanted = set(subject_ids)
    described = select(Subject.id).where(among(Subject.id, wanted), Subject.updated_at.is_not(None))
    return wanted - set(session.scalars(described))


def subjects(session: Session, ids: Iterable[int]) -> dict[int, SubjectValue]:
    """The subjects as far as they are known here."""
    table = table_of(Subject)
    columns = (table.c.id, table.c.metadata, table.c.created_at, table.c.updated_at)
    rows = session.execute(select(*columns).where(among(table.c.id, ids)))
    return {id: SubjectValue(id, metadata or {}, *moments) for id, metadata, *moments in rows}


def count_kept(session: Session, workflow_id: int, *, up_to: int | None = None) -> int:
    """How many classifications of a workflow wait, up to a position in the inbox.

    What another run has brought is for that one to follow.
    """
    wanted = select(func.count()).where(
        Classification.workflow_id == workflow_id, Classification.run_id.is_(None), *WAITING
    )
    if up_to is not None:
        wanted = wanted.where(Classification.position <= up_to)
    return session.scalar(wanted) or 0


def last_position(session: Session) -> int:
    """The position in the inbox that all further ones are behind."""
    return session.scalar(select(func.max(Classification.position))) or 0


def requeue(
    session: Session,
    run_id: int,
    workflow_id: int,
    subject_ids: Iterable[int],
    *,
    since: datetime | None,
) -> int:
    """Lets what was processed of some subjects wait again, for a run; says how much that is."""
    again = session.execute(
        update(Classification)
        .where(
            Classification.workflow_id == workflow_id,
            among(Classification.subject_id, subject_ids),
            or_(
                Classification.processed_at.is_not(None), Classification.failed_reason.is_not(None)
            ),
            *(() if since is None else (Classification.received_at >= since,)),
        )
        .values(
            is_changed=or_(Classification.is_changed, Classification.processed_at.is_not(None)),
            processed_at=None,
            failed_reason=None,
            attempts=0,
            is_backfilled=True,
            run_id=run_id,
        )
        .execution_options(synchronize_session=False)
    )
    return int(again.rowcount)  # type: ignore[attr-defined]  # a cursor's result for sure


def add_classified(
    session: Session, run_id: int, workflow_id: int, *, since: datetime | None
) -> int:
    """Makes the subjects with kept classifications a run's targets; says how many those are."""
    classified = select(Classification.subject_id).where(
        Classification.workflow_id == workflow_id,
        *(() if since is None else (Classification.received_at >= since,)),
    )
    return _add(session, run_id, classified)


def add_reducible(
    session: Session,
    run_id: int,
    reducible: Reducible,
    topic: Topic,
    *,
    after: int,
    since: datetime | None = None,
    never: bool = False,
) -> int:
    """Appends the subjects or users with extracts to a run's targets; gives the last position.

    Only those with extracts written `since` then, or those that have no reduction at all.
    """
    target = _target(Extract, topic)
    scope = Extract.workflow_id if reducible.type == "Workflow" else Extract.project_id
    conditions = [scope == reducible.id, target.is_not(None)]
    if since is not None:
        conditions.append(Extract.updated_at >= since)
    if never:
        reductions: Any = topic.reductions
        conditions.append(
            ~exists().where(
                _target(reductions, topic) == target,
                reductions.reducible_type == reducible.type,
                reductions.reducible_id == reducible.id,
            )
        )
    return _add(session, run_id, select(target).where(*conditions), after=after)


def add_touched(
    session: Session,
    run_id: int,
    reducible: Reducible,
    topic: Topic,
    *,
    since: datetime | None,
    after: int,
) -> int:
    """Appends the subjects or users of which anything was processed or extracted since.

    Processed too, as a classification that was changed may have lost its extracts.
    """
    found = []
    for table, moment in ((Classification, Classification.processed_at), (Extract, _WRITTEN)):
        target: Any = _target(table, topic)
        scope: Any = table.workflow_id if reducible.type == "Workflow" else table.project_id
        happened = moment.is_not(None) if since is None else moment >= since
        found.append(select(target).where(scope == reducible.id, target.is_not(None), happened))
    return _add(session, run_id, union(*found), after=after)


def add_reduced(
    session: Session, run_id: int, reducible: Reducible, topic: Topic, *, since: datetime | None
) -> int:
    """Makes the subjects or users whose reductions changed since a run's targets; how many."""
    table: Any = topic.reductions
    conditions = [table.reducible_type == reducible.type, table.reducible_id == reducible.id]
    if since is not None:
        conditions.append(table.updated_at >= since)
    return _add(session, run_id, select(_target(table, topic)).where(*conditions))


def _target(table: Any, topic: Topic) -> Any:
    return table.subject_id if topic is SUBJECT else table.user_id


def _add(session: Session, run_id: int, ids: Any, *, after: int = 0) -> int:
    """In the order of lanes, so that a step locks few of them."""
    (all_ids,) = ids.subquery().c
    (id,) = select(all_ids).distinct().subquery().c
    position = func.row_number().over(order_by=(id % LANES, id)) + after
    rows = select(literal(run_id), position, id)
    columns = ("run_id", "position", "target_id")
    session.execute(table_of(RunTarget).insert().from_select(columns, rows))
    last = select(func.max(RunTarget.position)).where(RunTarget.run_id == run_id)
    return session.scalar(last) or 0
