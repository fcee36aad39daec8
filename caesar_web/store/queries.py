"""What pages and clients read: a workflow's parts, a subject's results, how the system fares."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Extractor, Reducer, SubjectRule, UserRule, Workflow
from caesar_web.store.db import among, db
from caesar_web.store.inbox import Classification
from caesar_web.store.result_statements import Topic
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.snapshot import Reducible


class Performed(NamedTuple):
    """How many actions of one kind there are in one state."""

    effect_type: str
    status: str
    number: int


class Newest(NamedTuple):
    """When the newest extract, reduction and action were made."""

    extract: datetime | None
    reduction: datetime | None
    action: datetime | None


def begin_reading(session: Session) -> None:
    """Makes the session's transaction one that only reads, which on SQLite waits for nobody."""
    session.connection(execution_options={"reads_only": True})


@contextmanager
def reading() -> Iterator[Session]:
    """A transaction that only reads, and ends with the block."""
    with db.session.begin():
        begin_reading(db.session())
        yield db.session()


def part_counts(session: Session, workflow_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many extractors, reducers and rules each workflow has."""
    counted: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "extractors_count": (Extractor.workflow_id, ()),
        "reducers_count": (Reducer.reducible_id, (Reducer.reducible_type == "Workflow",)),
        "subject_rules_count": (SubjectRule.workflow_id, ()),
        "user_rules_count": (UserRule.workflow_id, ()),
    }
    counts = {id: dict.fromkeys(counted, 0) for id in workflow_ids}
    for name, (column, where) in counted.items():
        rows = session.execute(
            select(column, func.count()).where(among(column, workflow_ids), *where).group_by(column)
        )
        for workflow_id, number in rows:
            counts[workflow_id][name] = number
    return counts


def extracts_of_subject(
    workflow_id: int, subject_id: int, *, extractor_key: str | None = None
) -> Select[Any]:
    """Asks for the extracts of a subject in a workflow, by id."""
    wanted = select(Extract).filter_by(workflow_id=workflow_id, subject_id=subject_id)
    if extractor_key is not None:
        wanted = wanted.filter_by(extractor_key=extractor_key)
    return wanted.order_by(Extract.id)


def has_extractor(session: Session, workflow_id: int, key: str) -> bool:
    wanted = select(Extractor.id).filter_by(workflow_id=workflow_id, key=key)
    return session.scalar(wanted) is not None


def reductions_of(
    reducible: Reducible,
    topic: Topic,
    target: int,
    *,
    reducer_key: str | None = None,
) -> Select[Any]:
    """Asks for the reductions of a subject or user in a workflow or project, by id."""
    table: Any = topic.reductions
    wanted = select(table).filter_by(
        reducible_type=reducible.type, reducible_id=reducible.id, **{topic.target: target}
    )
    if reducer_key is not None:
        wanted = wanted.filter_by(reducer_key=reducer_key)
    return wanted.order_by(table.id)


def has_seen(session: Session, workflow_id: int, subject_id: int) -> bool:
    """Whether a classification, extract or reduction of the subject came up in the workflow."""
    here = {"workflow_id": workflow_id, "subject_id": subject_id}
    reduced = {"reducible_type": "Workflow", "reducible_id": workflow_id, "subject_id": subject_id}
    traces: tuple[tuple[Any, dict[str, Any]], ...] = (
        (Classification, here),
        (Extract, here),
        (SubjectReduction, reduced),
    )
    wanted = (select(table.id).filter_by(**where).limit(1) for table, where in traces)
    return any(session.scalar(one) is not None for one in wanted)


def newest(session: Session) -> Newest:
    def of(*tables: Any) -> datetime | None:
        latest = (
            session.scalar(select(table.created_at).order_by(table.id.desc()).limit(1))
            for table in tables
        )
        return max((moment for moment in latest if moment), default=None)

    return Newest(of(Extract), of(SubjectReduction, UserReduction), of(SubjectAction, UserAction))


def performed(session: Session) -> list[Performed]:
    """Actions by what they do and their state."""
    rows: list[Performed] = []
    for table in (SubjectAction, UserAction):
        counted = (
            select(table.effect_type, table.status, func.count())
            .group_by(table.effect_type, table.status)
            .order_by(table.effect_type, table.status)
        )
        rows += (Performed(*row) for row in session.execute(counted))
    return rows


def totals(session: Session) -> dict[str, int]:
    """How many extracts, reductions and actions all workflows have together."""
    sums = {
        "extracts": func.sum(Workflow.extracts_count),
        "reductions": func.sum(Workflow.subject_reductions_count + Workflow.user_reductions_count),
        "actions": func.sum(Workflow.subject_actions_count + Workflow.user_actions_count),
    }
    row = session.execute(select(*sums.values())).one()
    return {name: int(total or 0) for name, total in zip(sums, row, strict=True)}


def waiting_classifications(session: Session, *, most: int) -> int:
    """How many classifications wait, counted up to `most`."""
    waiting = (
        select(Classification.id)
        .where(Classification.processed_at.is_(None), Classification.failed_reason.is_(None))
        .limit(most)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(waiting)) or 0


def reducers(session: Session, reducible_type: str, reducible_id: int) -> list[Reducer]:
    wanted = select(Reducer).filter_by(reducible_type=reducible_type, reducible_id=reducible_id)
    return list(session.scalars(wanted.order_by(Reducer.id)))


def workflows(session: Session, *, project_ids: Sequence[int] | None) -> list[Workflow]:
    """The workflows of some projects, or all of them, by id."""
    wanted = select(Workflow).order_by(Workflow.id)
    if project_ids is not None:
        wanted = wanted.where(among(Workflow.project_id, project_ids))
    return list(session.scalars(wanted))
