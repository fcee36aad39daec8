"""A workflow's configuration as the domain's own values, read again only when it has changed."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, selectinload

from caesar_web.domain.conditions import InvalidCondition, parse
from caesar_web.domain.documents import ExtractorRow, ReducerRow
from caesar_web.domain.effects import Effect, read_effect
from caesar_web.domain.extractors import EXTRACTORS, Extractor, read_extractor_options
from caesar_web.domain.filters import read_filters
from caesar_web.domain.grouping import read_grouping
from caesar_web.domain.reducers import REDUCERS, read_reducer_options
from caesar_web.domain.rules import Rule
from caesar_web.domain.series import Reducer
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.store import configuration as tables


class Reducible(NamedTuple):
    """What reducers belong to: a workflow or a project."""

    type: str
    id: int


class Broken(NamedTuple):
    """Something configured that cannot be used, and why; the rest works without it."""

    kind: str
    id: int
    message: str


@dataclass(frozen=True)
class Snapshot:
    """What a turn needs to know of a workflow, as of its and its project's revisions.

    Only what is active takes part; `held_extractors` are the keys of the others.
    """

    workflow_id: int
    project_id: int
    rules_applied: str
    extractors: tuple[Extractor, ...]
    reducers: dict[tuple[Reducible, str], tuple[Reducer, ...]]
    subject_rules: tuple[Rule, ...]
    user_rules: tuple[Rule, ...]
    broken: tuple[Broken, ...]
    held_extractors: tuple[str, ...] = ()

    def reducers_of(self, reducible: Reducible, topic: str) -> tuple[Reducer, ...]:
        return self.reducers.get((reducible, topic), ())


class Revisions(NamedTuple):
    """What a workflow is at this moment; a snapshot is good as long as this stays the same."""

    workflow_id: int
    project_id: int
    status: str
    rules_applied: str
    created_at: datetime
    revision: int
    project_revision: int | None
    project_status: str | None


def revisions(session: Session, workflow_id: int) -> Revisions | None:
    """The workflow's state and revisions; None where it is not known here."""
    found = session.execute(
        select(
            tables.Workflow.id,
            tables.Workflow.project_id,
            tables.Workflow.status,
            tables.Workflow.rules_applied,
            tables.Workflow.created_at,
            tables.Workflow.revision,
            tables.Project.revision,
            tables.Project.status,
        )
        .outerjoin(tables.Project, tables.Project.id == tables.Workflow.project_id)
        .where(tables.Workflow.id == workflow_id)
    ).first()
    return Revisions(*found) if found else None


def snapshot(session: Session, at: Revisions) -> Snapshot:
    """The configuration at these revisions, from memory where it has been read before."""
    database = str(session.get_bind().engine.url)
    if (database, at) not in _snapshots:
        while len(_snapshots) >= _SNAPSHOTS_KEPT:
            _snapshots.pop(next(iter(_snapshots)), None)
        _snapshots[database, at] = _read(session, at)
    return _snapshots[database, at]


_SNAPSHOTS_KEPT = 200
_snapshots: dict[tuple[str, Revisions], Snapshot] = {}


def _read(session: Session, at: Revisions) -> Snapshot:
    broken: list[Broken] = []
    extractors = session.scalars(
        select(tables.Extractor).filter_by(workflow_id=at.workflow_id).order_by(tables.Extractor.id)
    ).all()
    reducers = session.scalars(
        select(tables.Reducer)
        .where(
            tables.Reducer.status == "active",
            or_(
                *(
                    and_(
                        tables.Reducer.reducible_type == owner.type,
                        tables.Reducer.reducible_id == owner.id,
                    )
                    for owner in _owners(at)
                )
            ),
        )
        .order_by(tables.Reducer.id)
    )
    by_scope: dict[tuple[Reducible, str], tuple[Reducer, ...]] = {}
    for row in reducers:
        scope = (Reducible(row.reducible_type, row.reducible_id), row.topic)
        if reducer := _usable(reducer_of, row, "reducer", broken):
            by_scope[scope] = (*by_scope.get(scope, ()), reducer)
    return Snapshot(
        at.workflow_id,
        at.project_id,
        at.rules_applied,
        tuple(
            one
            for row in extractors
            if row.status == "active" and (one := _usable(extractor_of, row, "extractor", broken))
        ),
        by_scope,
        _rules(session, tables.SubjectRule, at.workflow_id, "subject_rule", broken),
        _rules(session, tables.UserRule, at.workflow_id, "user_rule", broken),
        tuple(broken),
        tuple(row.key for row in extractors if row.status != "active"),
    )


def _owners(at: Revisions) -> list[Reducible]:
    """Whose reducers run: the workflow's, and the project's while that is active."""
    own = Reducible("Workflow", at.workflow_id)
    is_held = at.project_status in ("paused", "halted")
    return [own] if is_held else [own, Reducible("Project", at.project_id)]


def _usable(read: Any, row: Any, kind: str, broken: list[Broken]) -> Any:
    try:
        return read(row)
    except (InvalidConfiguration, InvalidCondition, KeyError, ValueError) as problem:
        broken.append(Broken(kind, row.id, str(problem)))
        return None


def is_usable(
    row: tables.Extractor | tables.Reducer | tables.SubjectRule | tables.UserRule,
) -> bool:
    """Whether something configured can be used."""
    if isinstance(row, tables.Extractor):
        return _usable(extractor_of, row, "", []) is not None
    if isinstance(row, tables.Reducer):
        return _usable(reducer_of, row, "", []) is not None
    return _usable(_rule, row, "", []) is not None


def extractor_of(row: tables.Extractor | ExtractorRow) -> Extractor:
    """The extractor that a row configures; one of a document has no id. Raises as `reducer_of`."""
    problems: list[Problem] = []
    options = read_extractor_options(row.type, row.config, place=row.key, problems=problems)
    _refuse(problems)
    id, version = getattr(row, "id", 0), row.minimum_workflow_version
    return Extractor(id, row.key, EXTRACTORS[row.type], options, version, _sealed(row))


def reducer_of(row: tables.Reducer | ReducerRow) -> Reducer:
    """The reducer that a row configures. Raises InvalidConfiguration, or KeyError for its type."""
    problems: list[Problem] = []
    by_user = row.topic == "reduce_by_user"
    is_running = row.reduction_mode == "running_reduction"
    relevant = row.subject_reducer_keys if by_user else row.user_reducer_keys
    reducer = Reducer(
        getattr(row, "id", 0),
        row.key,
        REDUCERS[row.type],
        read_reducer_options(
            row.type, row.config, is_running=is_running, place=row.key, problems=problems
        ),
        read_filters(row.filters, place=f"{row.key}.filters", problems=problems),
        read_grouping(row.grouping, place=f"{row.key}.grouping", problems=problems),
        row.topic,
        is_running,
        tuple(relevant or ()),
        tuple(_gap(*span) for span in getattr(row, "gaps", None) or ()),
        _sealed(row),
    )
    _refuse(problems)
    return reducer


def _sealed(row: tables.Extractor | tables.Reducer | ExtractorRow | ReducerRow) -> str | None:
    """The secrets of a row; those of a document are not sealed yet, and nobody is asked for it."""
    return row.secrets if isinstance(row, tables.Extractor | tables.Reducer) else None


def _gap(since: str, until: str) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(since), datetime.fromisoformat(until)


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise InvalidConfiguration(problems)


def _rules(
    session: Session, table: Any, workflow_id: int, kind: str, broken: list[Broken]
) -> tuple[Rule, ...]:
    rows: Iterable[Any] = session.scalars(
        select(table)
        .filter_by(workflow_id=workflow_id, status="active")
        .order_by(table.row_order, table.id)
        .options(selectinload(table.effects))
    )
    return tuple(rule for row in rows if (rule := _usable(_rule, row, kind, broken)))


def _rule(row: tables.SubjectRule | tables.UserRule) -> Rule:
    topic = "subject" if isinstance(row, tables.SubjectRule) else "user"
    problems: list[Problem] = []
    given: Iterable[Any] = row.effects
    for at, effect in enumerate(given):
        place = f"then[{at}]"
        read_effect(effect.action, effect.config, topic=topic, place=place, problems=problems)
    _refuse(problems)
    effects = (
        Effect(one.id, one.revision, one.action, one.config, one.secrets, one.target_owner)
        for one in row.effects
    )
    return Rule(row.id, parse(json.loads(row.condition)), tuple(effects))
