"""Statements over how the parts of workflows fare: their lights, and their latest actions."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import String, case, cast, func, select, union_all
from sqlalchemy.orm import Session

from caesar_web.domain.lights import DISCARDED, FAILED, WELL
from caesar_web.store.action_statements import KINDS, Kind
from caesar_web.store.activity import Light, SubjectAction, UserAction
from caesar_web.store.configuration import Extractor, Reducer, SubjectRule, UserRule, Workflow
from caesar_web.store.db import among
from caesar_web.store.results import Extract

LATEST = 100
LATEST_OF_ALL_EFFECTS = 1000

PARTS: dict[str, Any] = {
    "extractor": Extractor,
    "reducer": Reducer,
    "subject_rule": SubjectRule,
    "user_rule": UserRule,
}
_OUTCOMES = {"completed": WELL, "failed": FAILED}


class Attempts(NamedTuple):
    """How the latest actions of an effect went, as outcomes; the newest error, and the oldest."""

    outcomes: str = ""
    last_error: str | None = None
    since: datetime | None = None


class Pulse(NamedTuple):
    """When a workflow last extracted and decided something; how its latest actions went."""

    last_extract: datetime | None = None
    last_action: datetime | None = None
    outcomes: str = ""

    @property
    def last_activity(self) -> datetime | None:
        return max((at for at in self[:2] if at), default=None)


def lights(session: Session, workflow_id: int) -> dict[tuple[str, str], Light]:
    """The lights of a workflow's parts by kind and name; those that never failed have none."""
    rows = session.scalars(select(Light).filter_by(workflow_id=workflow_id))
    return {(row.kind, row.name): row for row in rows}


def lights_of_reducers(session: Session, reducer_ids: Iterable[int]) -> dict[int, Light]:
    """The lights of reducers, which those of a project share among its workflows."""
    names = [str(id) for id in reducer_ids]
    wanted = select(Light).where(Light.kind == "reducer", Light.name.in_(names))
    return {int(row.name): row for row in session.scalars(wanted)}


def failing_outcomes(session: Session, workflow_ids: Sequence[int]) -> dict[int, list[str]]:
    """The outcomes of each part that exists and failed lately, by workflow."""
    parts = (
        select(Light.workflow_id, Light.outcomes)
        .join(table, Light.name == cast(table.id, String))
        .where(
            Light.kind == kind,
            among(Light.workflow_id, workflow_ids),
            Light.outcomes.contains(FAILED),
        )
        for kind, table in PARTS.items()
    )
    found: dict[int, list[str]] = defaultdict(list)
    for workflow_id, outcomes in session.execute(union_all(*parts)):
        found[workflow_id or 0].append(outcomes)
    return found


def pulses(session: Session, workflow_ids: Sequence[int]) -> dict[int, Pulse]:
    """When each workflow was last active, and how its latest actions went."""
    moments = (_newest(table) for table in (Extract, SubjectAction, UserAction))
    counted = (
        _among_latest(table, status)
        for table in (SubjectAction, UserAction)
        for status in ("completed", "failed")
    )
    wanted = select(Workflow.id, *moments, *counted).where(among(Workflow.id, workflow_ids))
    found = {}
    for id, extract, action, of_user, *numbers in session.execute(wanted):
        acted = max((at for at in (action, of_user) if at), default=None)
        well, failed, user_well, user_failed = numbers
        outcomes = WELL * (well + user_well) + FAILED * (failed + user_failed)
        found[id] = Pulse(extract, acted, outcomes)
    return found


def attempts(session: Session, workflow_id: int) -> dict[tuple[str, int], Attempts]:
    """How the latest actions of each effect went, by target and effect."""
    found: dict[tuple[str, int], Attempts] = {}
    for kind in KINDS:
        for effect_id, status, error, at in _latest(session, kind, workflow_id):
            known = found.get((kind.target, effect_id), Attempts())
            if len(known.outcomes) < LATEST:
                outcome, has_failed = _OUTCOMES[status], status == "failed"
                found[kind.target, effect_id] = Attempts(
                    outcome + known.outcomes,
                    known.last_error or (error if has_failed else None),
                    at if has_failed else known.since,
                )
    return found


def _latest(session: Session, kind: Kind, workflow_id: int) -> Iterable[Any]:
    """The latest actions that are over, newest first."""
    table: Any = kind.table
    columns = (table.effect_id, table.status, table.last_error, table.updated_at)
    latest = (
        select(*columns, table.id)
        .where(table.workflow_id == workflow_id)
        .order_by(table.id.desc())
        .limit(LATEST_OF_ALL_EFFECTS)
        .subquery()
    )
    is_discarded = func.coalesce(latest.c.last_error, "").startswith(DISCARDED)
    over = select(*list(latest.c)[:4]).where(latest.c.status != "pending", ~is_discarded)
    return session.execute(over.order_by(latest.c.id.desc()))


def _newest(table: Any) -> Any:
    return _of_each(table, table.created_at).limit(1).scalar_subquery()


def _of_each(table: Any, column: Any) -> Any:
    """A column of each workflow's rows, the newest first.

    With `==` and the id alone, PostgreSQL may go through the ids of the whole table from the end,
    which takes long for a workflow that has no rows beside one that has nearly all.
    """
    return (
        select(column)
        .where(table.workflow_id.between(Workflow.id, Workflow.id))
        .order_by(table.workflow_id.desc(), table.id.desc())
        .correlate(Workflow)
    )


def _among_latest(table: Any, status: str) -> Any:
    is_discarded = func.coalesce(table.last_error, "").startswith(DISCARDED)
    status_or_none = case((is_discarded, None), else_=table.status).label("status")
    latest = _of_each(table, status_or_none).limit(LATEST).subquery()
    return (
        select(func.count())
        .select_from(latest)
        .where(latest.c.status == status)
        .correlate(Workflow)
        .scalar_subquery()
    )
