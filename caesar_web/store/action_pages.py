"""Actions as people look through them: of subjects and users together, newest first, in pages."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from caesar_web.domain.events import LARGEST_ID
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS, Kind
from caesar_web.store.configuration import SubjectRule, UserRule

OF: dict[str, Kind] = {"subjects": SUBJECT_ACTIONS, "users": USER_ACTIONS}
_RULES: dict[str, Any] = {"subjects": SubjectRule, "users": UserRule}

RuleOf = tuple[str, int]  # for subjects or users, and its id


class Wanted(NamedTuple):
    """Which actions to look at; None stands for all. A rule is one for subjects or for users."""

    status: str | None = None
    effect_type: str | None = None
    subject_id: int | None = None
    rule: RuleOf | None = None


class Cursor(NamedTuple):
    """Where a page begins: with actions whose ids are smaller, of subjects and of users."""

    subjects: int = LARGEST_ID
    users: int = LARGEST_ID


class Act(NamedTuple):
    """An action on one of the `subjects` or `users`, without what led to it."""

    of: str
    id: int
    target_id: int
    rule_id: int
    effect_type: str
    config: dict[str, Any]
    status: str
    attempts: int
    created_at: datetime
    not_before: datetime
    attempted_at: datetime | None
    completed_at: datetime | None
    last_error: str | None


class Page(NamedTuple):
    """Some actions; `older` is where the next page begins, if there is one."""

    acts: list[Act]
    older: Cursor | None


def page(session: Session, workflow_id: int, wanted: Wanted, *, before: Cursor, most: int) -> Page:
    """The newest actions before a place, as they were decided."""
    found = [list(_newest(session, workflow_id, wanted, of, before, most + 1)) for of in OF]
    merged = merge(*found, key=lambda act: act.created_at, reverse=True)
    acts = list(islice(merged, most + 1))
    if len(acts) <= most:
        return Page(acts, None)
    ends = {act.of: act.id for act in acts[:most]}
    return Page(acts[:most], before._replace(**ends))


def failed_ids(
    session: Session, workflow_id: int, wanted: Wanted, *, most: int
) -> dict[str, list[int]]:
    """The ids of the latest failed actions among those that are wanted, by what they are of."""
    if wanted.status not in (None, "failed"):
        return {}
    failed = wanted._replace(status="failed")
    return {
        of: list(session.scalars(_matching(workflow_id, failed, of, "id").limit(most)))
        for of in OF
        if _may_have(failed, of)
    }


def find(session: Session, workflow_id: int, of: str, action_id: int) -> Act | None:
    """An action of a workflow; None where there is no such one."""
    if action_id > LARGEST_ID:
        return None
    table: Any = OF[of].table
    statement = _matching(workflow_id, Wanted(), of, *_columns(of)).where(table.id == action_id)
    row = session.execute(statement).one_or_none()
    return None if row is None else Act(of, *row)


def rule_numbers(session: Session, workflow_id: int) -> dict[RuleOf, int]:
    """The place of each rule among those of its kind, counted from 1."""
    numbers = {}
    for of, table in _RULES.items():
        wanted = select(table.id).filter_by(workflow_id=workflow_id)
        ids = session.scalars(wanted.order_by(table.row_order, table.id))
        numbers.update({(of, id): number for number, id in enumerate(ids, start=1)})
    return numbers


def _newest(
    session: Session, workflow_id: int, wanted: Wanted, of: str, before: Cursor, most: int
) -> Iterator[Act]:
    if not _may_have(wanted, of):
        return
    table: Any = OF[of].table
    statement = _matching(workflow_id, wanted, of, *_columns(of))
    rows = session.execute(statement.where(table.id < getattr(before, of)).limit(most))
    yield from (Act(of, *row) for row in rows)


def _columns(of: str) -> tuple[str, ...]:
    return ("id", OF[of].target, *Act._fields[3:])


def _may_have(wanted: Wanted, of: str) -> bool:
    if wanted.subject_id is not None and of != "subjects":
        return False
    return wanted.rule is None or wanted.rule[0] == of


def _matching(workflow_id: int, wanted: Wanted, of: str, *names: str) -> Select[Any]:
    table: Any = OF[of].table
    given = {
        "status": wanted.status,
        "effect_type": wanted.effect_type,
        "subject_id": wanted.subject_id,
        "rule_id": wanted.rule and wanted.rule[1],
    }
    where = {name: value for name, value in given.items() if value is not None}
    columns = (getattr(table, name) for name in names)
    return select(*columns).filter_by(workflow_id=workflow_id, **where).order_by(table.id.desc())
