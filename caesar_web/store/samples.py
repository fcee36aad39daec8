"""Samples to try things on: the newest subjects, users, classifications and extracts."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from caesar_web.domain.classification import Classification as ClassificationValue
from caesar_web.domain.classification import Extract as ExtractValue
from caesar_web.domain.scope import ReductionScope
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS
from caesar_web.store.db import among, table_of
from caesar_web.store.inbox import Classification, Subject
from caesar_web.store.inbox_statements import kept
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.results import Extract
from caesar_web.store.snapshot import Reducible

MOST_TARGETS = 200
MOST_CLASSIFICATIONS = 20
MOST_EXTRACTS = 2_000
ROWS_FOR_EACH = 50  # newest reductions among which subjects or users are looked for
MOST_REDUCTIONS = 20_000  # of a whole sample
NEWEST_ARRIVALS = 10_000  # of all workflows, among which the workflow's own are looked for

Sample = tuple[int, ReductionScope]
_extracts = table_of(Extract)
_EXTRACT_COLUMNS = (
    _extracts.c.id,
    _extracts.c.classification_id,
    _extracts.c.classification_at,
    _extracts.c.extractor_key,
    _extracts.c.subject_id,
    _extracts.c.user_id,
    _extracts.c.data,
)


def recent_subjects(
    session: Session, workflow_id: int, *, most: int = MOST_TARGETS
) -> list[Sample]:
    """The subjects that got a reduction in the workflow last, as its rules see them."""
    return _recent(session, workflow_id, SUBJECT, most)


def recent_users(session: Session, workflow_id: int, *, most: int = MOST_TARGETS) -> list[Sample]:
    """The users that got a reduction in the workflow last, as its rules see them."""
    return _recent(session, workflow_id, USER, most)


def scope_of_subject(session: Session, workflow_id: int, subject_id: int) -> ReductionScope | None:
    """What the workflow's rules see of a subject; None where the workflow has nothing of it."""
    reductions = _reductions(session, workflow_id, SUBJECT, [subject_id]).get(subject_id)
    if reductions is None and not _has_subject(session, workflow_id, subject_id):
        return None
    metadata = _metadata(session, [subject_id])
    return ReductionScope(reductions or {}, subject_id, metadata.get(subject_id))


def scope_of_user(session: Session, workflow_id: int, user_id: int) -> ReductionScope | None:
    """What the workflow's rules see of a user; None where the workflow has nothing of them."""
    reductions = _reductions(session, workflow_id, USER, [user_id]).get(user_id)
    return None if reductions is None else ReductionScope(reductions)


def recent_classifications(
    session: Session, workflow_id: int, *, most: int = MOST_CLASSIFICATIONS
) -> list[ClassificationValue]:
    """The workflow's classifications that came last; of a workflow long at rest, some of them."""
    newest = (
        select(Classification.id, Classification.workflow_id, Classification.position)
        .order_by(Classification.position.desc())
        .limit(NEWEST_ARRIVALS)
        .subquery()
    )
    ids = _ids(session, newest.c.id, newest.c.workflow_id == workflow_id, newest.c.position, most)
    if len(ids) < most:
        # There is no index for the last ones of each workflow, but one for those of each subject.
        own = Classification.workflow_id == workflow_id
        ids += _ids(session, Classification.id, own, Classification.subject_id, most)
    found = {one.classification.id: one.classification for one in kept(session, workflow_id, ids)}
    return [found[id] for id in dict.fromkeys(ids) if id in found][:most]


def classification(session: Session, workflow_id: int, id: int) -> ClassificationValue | None:
    """One of the workflow's classifications."""
    return next((one.classification for one in kept(session, workflow_id, [id])), None)


def newest_extracts(
    session: Session,
    reducible: Reducible,
    topic: Topic,
    targets: Iterable[int],
    *,
    most: int = MOST_EXTRACTS,
) -> tuple[list[ExtractValue], bool]:
    """The extracts of a subject or user that were made last, and whether there are more.

    A classification of which not all are among them is left out.
    """
    scope = Extract.workflow_id if reducible.type == "Workflow" else Extract.project_id
    # The ids alone are sorted, as the data may be large; + 0, or PostgreSQL goes through the ids of
    # the whole table from the end, which takes long where these are old.
    ids = (
        select(_extracts.c.id)
        .where(among(_extracts.c[topic.target], targets), scope == reducible.id)
        .order_by((_extracts.c.id + 0).desc())
        .limit(most + 1)
        .subquery()
    )
    wanted = select(*_EXTRACT_COLUMNS).join(ids, ids.c.id == _extracts.c.id)
    rows = session.execute(wanted.order_by(_extracts.c.id.desc()))
    extracts = [ExtractValue(*row) for row in rows]
    if len(extracts) <= most:
        return extracts, False
    beyond = extracts.pop()
    cut = beyond.classification_id
    return [one for one in extracts if cut is None or one.classification_id != cut], True


def acted_on(
    session: Session,
    workflow_id: int,
    rule_id: int,
    targets: Collection[int],
    *,
    is_for_users: bool = False,
) -> frozenset[int]:
    """Those of the subjects or users on which the rule has acted, or is about to."""
    kind = USER_ACTIONS if is_for_users else SUBJECT_ACTIONS
    table = table_of(kind.table)
    wanted = select(table.c[kind.target]).where(
        among(table.c[kind.target], targets),
        table.c.workflow_id == workflow_id,
        table.c.rule_id == rule_id,
    )
    return frozenset(session.scalars(wanted.distinct()))


def _recent(session: Session, workflow_id: int, topic: Topic, most: int) -> list[Sample]:
    table = table_of(topic.reductions)
    newest = (
        select(table.c[topic.target].label("target_id"), table.c.id)
        .where(table.c.reducible_type == "Workflow", table.c.reducible_id == workflow_id)
        .order_by(table.c.id.desc())
        .limit(most * ROWS_FOR_EACH)
        .subquery()
    )
    by_newest = select(newest.c.target_id).group_by(newest.c.target_id)
    ids = list(session.scalars(by_newest.order_by(func.max(newest.c.id).desc()).limit(most)))
    reductions = _reductions(session, workflow_id, topic, ids, most=MOST_REDUCTIONS)
    if topic is USER:
        return [(id, ReductionScope(reductions[id])) for id in ids if id in reductions]
    metadata = _metadata(session, ids)
    return [
        (id, ReductionScope(reductions[id], id, metadata.get(id))) for id in ids if id in reductions
    ]


def _reductions(
    session: Session,
    workflow_id: int,
    topic: Topic,
    ids: Collection[int],
    *,
    most: int | None = None,
) -> dict[int, dict[str, dict[str, Any]]]:
    """Data by target, reducer and subgroup; targets that do not wholly fit are left out."""
    table = table_of(topic.reductions)
    target = table.c[topic.target]
    rows = session.execute(
        select(target, table.c.reducer_key, table.c.subgroup, table.c.data)
        .where(
            among(target, ids),
            table.c.reducible_type == "Workflow",
            table.c.reducible_id == workflow_id,
        )
        .order_by(target)
        .limit(most)
    ).all()
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for id, key, subgroup, data in rows:
        found.setdefault(id, {}).setdefault(key, {})[subgroup] = data
    if len(rows) == most:
        found.pop(rows[-1][0])
    return found


def _metadata(session: Session, ids: Collection[int]) -> Mapping[int, dict[str, Any]]:
    wanted = select(Subject.id, Subject.metadata_).where(among(Subject.id, ids))
    return {id: metadata or {} for id, metadata in session.execute(wanted)}


def _has_subject(session: Session, workflow_id: int, subject_id: int) -> bool:
    """Whether anything of the subject came to the workflow, beside reductions."""
    there = (
        exists().where(table.workflow_id == workflow_id, table.subject_id == subject_id)
        for table in (Classification, Extract)
    )
    return any(session.scalar(select(one)) for one in there)


def _ids(session: Session, id: Any, where: Any, order: Any, most: int) -> list[int]:
    """The last ids in an order."""
    return list(session.scalars(select(id).where(where).order_by(order.desc()).limit(most)))
