"""Statements over the inbox: taking in, claiming lanes, marking what is done."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification as ClassificationValue
from caesar_web.domain.classification import Subject as SubjectValue
from caesar_web.domain.events import Arrival, SubjectSeen
from caesar_web.domain.filters import is_training
from caesar_web.store import bulk
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import among, dump_json, table_of
from caesar_web.store.inbox import LANES, Classification, RejectedEvent, Subject, positions

_classifications = table_of(Classification)
_subjects = table_of(Subject)
_rejected = table_of(RejectedEvent)

WAITING = (Classification.processed_at.is_(None), Classification.failed_reason.is_(None))
_CHANGED_LATER = """(id) DO UPDATE SET
    workflow_version = excluded.workflow_version, subject_id = excluded.subject_id,
    user_id = excluded.user_id, annotations = excluded.annotations, metadata = excluded.metadata,
    gold_standard = excluded.gold_standard, updated_at = excluded.updated_at,
    received_at = excluded.received_at, position = excluded.position, lane = excluded.lane,
    is_backfilled = excluded.is_backfilled, run_id = excluded.run_id,
    is_changed = classifications.is_changed OR classifications.processed_at IS NOT NULL,
    processed_at = NULL, failed_reason = NULL, attempts = 0
    WHERE excluded.updated_at > classifications.updated_at
    OR (excluded.updated_at = classifications.updated_at AND NOT excluded.is_backfilled
        AND classifications.is_backfilled AND classifications.processed_at IS NULL)"""

_SEEN_LATER = """(id) DO UPDATE SET metadata = excluded.metadata,
    is_training = excluded.is_training, created_at = excluded.created_at,
    updated_at = excluded.updated_at
    WHERE excluded.updated_at > subjects.updated_at
    OR (subjects.updated_at IS NULL AND excluded.metadata <> '{}')"""


class Claimed(NamedTuple):
    """A classification that this turn works on."""

    classification: ClassificationValue
    is_changed: bool
    run_id: int | None


def workflows_of(session: Session, ids: Iterable[int]) -> dict[int, tuple[int, str]]:
    """Of the workflows that are known here: their project and their status."""
    found = session.execute(
        select(Workflow.id, Workflow.project_id, Workflow.status).where(among(Workflow.id, ids))
    )
    return {row.id: (row.project_id, row.status) for row in found}


def first_position(session: Session) -> int:
    """The first of 10,000 places in the inbox, all behind those given out before."""
    if session.get_bind().dialect.name == "postgresql":
        return int(session.scalar(positions.next_value()) or 0)
    return int(session.scalar(select(func.coalesce(func.max(Classification.position), 0) + 1)) or 0)


def keep_subjects(session: Session, subjects: Iterable[SubjectSeen]) -> None:
    """Writes what events tell of subjects, where it is newer than what is known.

    In one statement and in the order of ids, so that requests at the same time wait for each other
    and never in a circle.
    """
    latest: dict[int, SubjectSeen] = {}
    for subject in subjects:
        known = latest.setdefault(subject.id, subject)
        if subject.updated_at and (not known.updated_at or subject.updated_at > known.updated_at):
            latest[subject.id] = subject
    rows = (
        {**subject._asdict(), "is_training": is_training(subject.metadata)}
        for _, subject in sorted(latest.items())
    )
    columns = ("id", "metadata", "is_training", "created_at", "updated_at")
    bulk.insert(session, _subjects, rows, columns=columns, conflict=_SEEN_LATER)


def keep_classifications(
    session: Session, arrivals: Sequence[Arrival], *, now: datetime, run_id: int | None = None
) -> set[int]:
    """Writes what is new or newer than before; gives the workflows for which it waits.

    What a run brings waits behind the stream, and is the stream's as soon as that brings it too.
    """
    first = first_position(session)
    rows = (
        {
            **{name: getattr(arrival, name) for name in _OF_ARRIVALS},
            "received_at": now,
            "position": first + at,
            "lane": arrival.subject_id % LANES,
            "is_backfilled": run_id is not None,
            "run_id": run_id,
        }
        for at, arrival in enumerate(arrivals)
    )
    written = bulk.insert(
        session,
        _classifications,
        rows,
        columns=(*_OF_ARRIVALS, "received_at", "position", "lane", "is_backfilled", "run_id"),
        conflict=_CHANGED_LATER,
        returning=("workflow_id",),
    )
    return {row.workflow_id for row in written}


def keep_rejected(session: Session, rejected: Iterable[tuple[str, str]], *, now: datetime) -> None:
    """Writes refused events: their reasons and their JSON text."""
    rows = ({"reason": reason, "event": event, "received_at": now} for reason, event in rejected)
    bulk.insert(session, _rejected, rows, columns=("reason", "event", "received_at"))


def waiting_by_lane(session: Session, workflow_id: int, *, most: int) -> dict[int, int]:
    """How many classifications wait in each lane of a workflow, counted up to `most`."""
    if session.get_bind().dialect.name == "postgresql":
        source = "json_array_elements_text(CAST(:lanes AS json)) AS slots(value)"
    else:
        source = "json_each(:lanes) AS slots"
    counted = session.execute(
        text(
            f"""SELECT CAST(slots.value AS integer) AS lane, (SELECT count(*) FROM (
                SELECT 1 FROM classifications
                WHERE workflow_id = :workflow_id AND lane = CAST(slots.value AS integer)
                AND processed_at IS NULL AND failed_reason IS NULL LIMIT :most
            ) AS counted) AS waiting FROM {source}"""
        ),
        {"workflow_id": workflow_id, "most": most, "lanes": _EVERY_LANE},
    )
    return {row.lane: row.waiting for row in counted if row.waiting}


def count_waiting(session: Session, workflow_id: int, *, most: int) -> int:
    """How many classifications of a workflow wait, counted up to `most`."""
    waiting = select(Classification.id).where(Classification.workflow_id == workflow_id, *WAITING)
    return session.scalar(select(func.count()).select_from(waiting.limit(most).subquery())) or 0


def lock_lanes(session: Session, workflow_id: int, lanes: Sequence[int]) -> list[int]:
    """Those of the lanes that no other turn works on; they are ours until the transaction ends.

    On SQLite the transaction is the only writer, so all of them are.
    """
    if session.get_bind().dialect.name != "postgresql":
        return list(lanes)
    locked = session.scalars(
        text(
            "SELECT lane FROM unnest(CAST(:lanes AS bigint[])) AS lane"
            f" WHERE pg_try_advisory_xact_lock(:workflow_id * {LANES} + lane)"
        ),
        {"lanes": list(lanes), "workflow_id": workflow_id},
    )
    return sorted(locked)


def await_lanes(session: Session, workflow_id: int, lanes: Iterable[int]) -> None:
    """Waits for the turns over these lanes, which are ours until the transaction ends."""
    if session.get_bind().dialect.name != "postgresql":
        return
    session.execute(
        text(
            f"SELECT pg_advisory_xact_lock(:workflow_id * {LANES} + lane) FROM"
            " (SELECT unnest(CAST(:lanes AS bigint[])) AS lane ORDER BY lane) AS ordered"
        ),
        {"lanes": sorted(lanes), "workflow_id": workflow_id},
    )


def claim(session: Session, workflow_id: int, lanes: Sequence[int], *, most: int) -> list[Claimed]:
    """The next classifications of lanes that are ours: live before backfilled, then in order."""
    rows = session.execute(
        select(*_CLAIMED_COLUMNS, *_SUBJECT_COLUMNS)
        .join(Subject, Subject.id == Classification.subject_id)
        .where(
            Classification.workflow_id == workflow_id,
            among(Classification.lane, lanes),
            *WAITING,
        )
        .order_by(Classification.is_backfilled, Classification.position)
        .limit(most)
        .with_for_update(of=Classification)
    )
    return [_claimed(row) for row in rows]


def kept(session: Session, workflow_id: int, ids: Iterable[int]) -> list[Claimed]:
    """Those of the classifications that are the workflow's, processed or not."""
    rows = session.execute(
        select(*_CLAIMED_COLUMNS, *_SUBJECT_COLUMNS)
        .join(Subject, Subject.id == Classification.subject_id)
        .where(Classification.workflow_id == workflow_id, among(Classification.id, ids))
    )
    return [_claimed(row) for row in rows]


def processed(
    session: Session, workflow_id: int, subject_ids: Iterable[int], *, since: datetime | None
) -> list[Claimed]:
    """What was processed of some subjects since."""
    rows = session.execute(
        select(*_CLAIMED_COLUMNS, *_SUBJECT_COLUMNS)
        .join(Subject, Subject.id == Classification.subject_id)
        .where(
            Classification.workflow_id == workflow_id,
            among(Classification.subject_id, subject_ids),
            Classification.processed_at.is_not(None),
            *(() if since is None else (Classification.processed_at >= since,)),
        )
        .order_by(Classification.position)
    )
    return [_claimed(row) for row in rows]


def mark_processed(session: Session, ids: Iterable[int], *, now: datetime) -> None:
    session.execute(
        update(Classification)
        .where(among(Classification.id, ids))
        .values(processed_at=now, is_changed=False, attempts=Classification.attempts + 1)
        .execution_options(synchronize_session=False)
    )


def set_aside(session: Session, id: int, *, updated_at: datetime, reason: str) -> None:
    """Takes this version of a classification out of its lane, and keeps the reason."""
    session.execute(
        update(Classification)
        .where(Classification.id == id, Classification.updated_at == updated_at)
        .values(failed_reason=reason, attempts=Classification.attempts + 1)
        .execution_options(synchronize_session=False)
    )


def workflows_waiting(session: Session) -> list[int]:
    """The active workflows for which classifications wait."""
    waiting = (
        select(Classification.id)
        .where(Classification.workflow_id == Workflow.id, *WAITING)
        .exists()
    )
    return list(session.scalars(select(Workflow.id).where(Workflow.status == "active", waiting)))


def _claimed(row: Any) -> Claimed:
    subject = SubjectValue(
        row.subject_id, row.subject_metadata or {}, row.subject_created_at, row.subject_updated_at
    )
    classification = ClassificationValue(
        row.id,
        row.project_id,
        row.workflow_id,
        row.workflow_version,
        subject,
        row.user_id,
        row.annotations or {},
        row.metadata or {},
        row.created_at,
        row.updated_at,
        row.gold_standard,
    )
    return Claimed(classification, row.is_changed, row.run_id)


_EVERY_LANE = dump_json(list(range(LANES)))
_OF_ARRIVALS = (
    "id",
    "project_id",
    "workflow_id",
    "workflow_version",
    "subject_id",
    "user_id",
    "annotations",
    "metadata",
    "gold_standard",
    "created_at",
    "updated_at",
)
_CLAIMED_COLUMNS = (
    *(_classifications.c[name] for name in _OF_ARRIVALS),
    Classification.is_changed,
    Classification.run_id,
)
_SUBJECT_COLUMNS = (
    _subjects.c.metadata.label("subject_metadata"),
    _subjects.c.created_at.label("subject_created_at"),
    _subjects.c.updated_at.label("subject_updated_at"),
)
