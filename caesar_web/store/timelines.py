"""What became of one subject or user in a workflow: classifications, extracts, actions."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import Session

from caesar_web.store.action_pages import OF, Act
from caesar_web.store.db import among, table_of
from caesar_web.store.inbox import Classification, Subject
from caesar_web.store.result_statements import SUBJECT, Topic
from caesar_web.store.results import Extract

MOST_EVENTS = 200
MOST_EXTRACTS = 3  # of a classification

_classifications = table_of(Classification)
_extracts = table_of(Extract)


class Extracted(NamedTuple):
    """What an extractor pulled out."""

    extractor_key: str
    data: Any


class Classified(NamedTuple):
    """A classification, or where `id` is None what a machine predicted.

    Of one whose extracts were pushed in from outside no more is known than these say. `more` is the
    number of extracts beyond those that are here.
    """

    id: int | None
    at: datetime
    subject_id: int
    user_id: int | None
    version: str | None
    extracts: tuple[Extracted, ...]
    more: int = 0
    is_waiting: bool = False
    failed_reason: str | None = None


Event: TypeAlias = Classified | Act


class Timeline(NamedTuple):
    """What happened, the newest first; `is_cut` says that there is more, and older."""

    events: list[Event]
    is_cut: bool


class Reduction(NamedTuple):
    """A reduction without what it was made from."""

    reducer_key: str
    subgroup: str
    data: Any
    updated_at: datetime


def timeline(session: Session, workflow_id: int, topic: Topic, target_id: int) -> Timeline:
    """The newest of what happened to a subject, or of what a user did."""
    events: list[Event] = [
        *_classified(session, workflow_id, topic, target_id),
        *_acts(session, workflow_id, topic, target_id),
    ]
    events.sort(key=_moment, reverse=True)
    return Timeline(events[:MOST_EVENTS], len(events) > MOST_EVENTS)


def latest_acts(
    session: Session, workflow_id: int, topic: Topic, targets: Collection[int]
) -> list[Act]:
    """The newest action of each effect on each of the subjects or users."""
    table = table_of(OF[_of(topic)].table)
    newest = (
        select(func.max(table.c.id))
        .where(among(table.c[topic.target], targets), table.c.workflow_id == workflow_id)
        .group_by(table.c[topic.target], table.c.effect_id)
    )
    wanted = select(*_act_columns(topic)).where(table.c.id.in_(newest)).order_by(table.c.id)
    return [Act(_of(topic), *row) for row in session.execute(wanted)]


def reductions(session: Session, workflow_id: int, topic: Topic, target_id: int) -> list[Reduction]:
    """The workflow's reductions of a subject or user."""
    table = table_of(topic.reductions)
    columns = (table.c[name] for name in Reduction._fields)
    wanted = select(*columns).where(
        table.c[topic.target] == target_id,
        table.c.reducible_type == "Workflow",
        table.c.reducible_id == workflow_id,
    )
    rows = session.execute(wanted.order_by(table.c.reducer_key, table.c.subgroup))
    return [Reduction(*row) for row in rows]


def metadata(session: Session, subject_id: int) -> dict[str, Any]:
    """What is known of a subject."""
    wanted = select(Subject.metadata_).where(Subject.id == subject_id)
    return session.scalar(wanted) or {}


def classification_counts(
    session: Session, workflow_id: int, subject_ids: Collection[int]
) -> dict[int, int]:
    """How many classifications of each subject came to the workflow."""
    subject = _classifications.c.subject_id
    wanted = (
        select(subject, func.count().label("number"))
        .where(_classifications.c.workflow_id == workflow_id, among(subject, subject_ids))
        .group_by(subject)
    )
    rows = session.execute(wanted)
    return {row.subject_id: row.number for row in rows}


def _moment(event: Event) -> datetime:
    return event.at if isinstance(event, Classified) else event.created_at


def _of(topic: Topic) -> str:
    return "subjects" if topic is SUBJECT else "users"


def _act_columns(topic: Topic) -> Iterable[Any]:
    table = table_of(OF[_of(topic)].table)
    return (table.c[name] for name in ("id", topic.target, *Act._fields[3:]))


def _acts(session: Session, workflow_id: int, topic: Topic, target_id: int) -> list[Act]:
    table = table_of(OF[_of(topic)].table)
    wanted = (
        select(*_act_columns(topic))
        .where(table.c[topic.target] == target_id, table.c.workflow_id == workflow_id)
        # + 0, or PostgreSQL may go through the actions of the whole workflow from the end.
        .order_by((table.c.id + 0).desc())
        .limit(MOST_EVENTS + 1)
    )
    return [Act(_of(topic), *row) for row in session.execute(wanted)]


def _classified(
    session: Session, workflow_id: int, topic: Topic, target_id: int
) -> list[Classified]:
    """The newest classifications, one more than are shown, and predictions."""
    newest = session.execute(_newest(workflow_id, topic, target_id))
    moments: dict[int, datetime] = {row.id: row.at for row in newest}
    known = {
        row.id: row
        for row in session.execute(
            select(*_KNOWN).where(
                among(_classifications.c.id, moments), _classifications.c.workflow_id == workflow_id
            )
        )
    }
    first: defaultdict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_first_extracts(workflow_id, moments)):
        first[row.classification_id].append(row)
    found = [_one(id, at, known.get(id), first[id]) for id, at in moments.items()]
    return found + _predictions(session, workflow_id, target_id) if topic is SUBJECT else found


def _newest(workflow_id: int, topic: Topic, target_id: int) -> Any:
    """Ids and moments of the classifications that are here, or whose extracts are."""
    target = topic.target
    extracted: Select[Any] = select(
        _extracts.c.classification_id.label("id"), _extracts.c.classification_at.label("at")
    ).where(
        _extracts.c[target] == target_id,
        _extracts.c.workflow_id == workflow_id,
        _extracts.c.classification_id.is_not(None),
    )
    wanted: Any = extracted.distinct()
    if topic is SUBJECT:  # there is no index for the classifications of a user
        here = select(_classifications.c.id, _classifications.c.created_at.label("at")).where(
            _classifications.c.workflow_id == workflow_id,
            _classifications.c.subject_id == target_id,
        )
        wanted = union(here, extracted)
    newest = wanted.subquery()
    by_time = (newest.c.at.desc(), newest.c.id.desc())
    return select(newest.c.id, newest.c.at).order_by(*by_time).limit(MOST_EVENTS + 1)


def _first_extracts(workflow_id: int, ids: Iterable[int]) -> Select[Any]:
    """The first extracts of each classification, with how many it has."""
    each = _extracts.c.classification_id
    ranked = (
        select(
            *(_extracts.c[name] for name in _OF_EXTRACTS),
            func.row_number().over(partition_by=each, order_by=_extracts.c.id).label("number"),
            func.count().over(partition_by=each).label("total"),
        )
        .where(among(each, ids), _extracts.c.workflow_id == workflow_id)
        .subquery()
    )
    return select(ranked).where(ranked.c.number <= MOST_EXTRACTS).order_by(ranked.c.id)


def _one(id: int, at: datetime, known: Any, rows: list[Any]) -> Classified:
    """A classification of which there is a row, or extracts, or both."""
    source = known or rows[0]
    return Classified(
        id,
        at,
        source.subject_id,
        source.user_id,
        source.workflow_version,
        tuple(Extracted(row.extractor_key, row.data) for row in rows),
        rows[0].total - len(rows) if rows else 0,
        known is not None and known.processed_at is None and known.failed_reason is None,
        known and known.failed_reason,
    )


def _predictions(session: Session, workflow_id: int, subject_id: int) -> list[Classified]:
    wanted = (
        select(*(_extracts.c[name] for name in _OF_EXTRACTS))
        .where(
            _extracts.c.workflow_id == workflow_id,
            _extracts.c.subject_id == subject_id,
            _extracts.c.classification_id.is_(None),
        )
        .order_by(_extracts.c.id.desc())
        .limit(MOST_EVENTS + 1)
    )
    return [
        Classified(
            None,
            row.classification_at,
            row.subject_id,
            row.user_id,
            row.workflow_version,
            (Extracted(row.extractor_key, row.data),),
        )
        for row in session.execute(wanted)
    ]


_KNOWN = tuple(
    _classifications.c[name]
    for name in (
        "id",
        "subject_id",
        "user_id",
        "workflow_version",
        "processed_at",
        "failed_reason",
    )
)
_OF_EXTRACTS = (
    "id",
    "classification_id",
    "classification_at",
    "extractor_key",
    "subject_id",
    "user_id",
    "workflow_version",
    "data",
)
