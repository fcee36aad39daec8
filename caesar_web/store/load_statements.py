"""Which workflow has how much to do, which parts fail, which runs go on: for operators, bounded."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, String, and_, case, cast, func, or_, select, text
from sqlalchemy.orm import Session

from caesar_web.domain.lights import FAILED
from caesar_web.store.activity import Light
from caesar_web.store.configuration import Extractor, Project, Reducer, Workflow
from caesar_web.store.db import UTCDateTime, among
from caesar_web.store.inbox import Classification
from caesar_web.store.operation_statements import (
    LANES,
    MOST_IN_A_LANE,
    MOST_LANES,
    light_is_of_something,
)
from caesar_web.store.runs import Run

LATEST_CLASSIFICATIONS = 10_000
LATEST_RUNS = 1_000
MOST_WORKFLOWS = 200
MOST_LIGHTS = 50
MOST_RUNS = 25
LATELY = timedelta(days=7)


class Waits(NamedTuple):
    """What waits of a workflow, and since when."""

    number: int
    oldest: datetime


class Latest(NamedTuple):
    """Of the latest classifications, those of one workflow, and how many were processed lately."""

    number: int
    processed: int


class Owner(NamedTuple):
    """A workflow with its project, and the queues that they have."""

    id: int
    name: str | None
    status: str
    project_id: int
    project_name: str | None
    own_queue: str | None
    project_queue: str | None


class FailingLight(NamedTuple):
    """The light of something that failed lately, and what that is called."""

    light: Light
    key: str | None
    workflow_name: str | None


class RunOf(NamedTuple):
    """A run, and what its workflow or project is called."""

    run: Run
    name: str | None


def waiting(session: Session) -> dict[int, Waits]:
    """What waits of each workflow, at most a thousand of each lane."""
    bounds = {"most_lanes": MOST_LANES, "most_in_a_lane": MOST_IN_A_LANE}
    return {id: Waits(number, oldest) for id, number, oldest in session.execute(_WAITING, bounds)}


def latest(session: Session, *, since: datetime) -> dict[int, Latest]:
    """The latest classifications by workflow, and which of them were processed since then."""
    newest = (
        select(Classification.workflow_id, Classification.processed_at)
        .order_by(Classification.position.desc())
        .limit(LATEST_CLASSIFICATIONS)
        .subquery()
    )
    is_lately = case((newest.c.processed_at >= since, 1), else_=0)
    counted = select(newest.c.workflow_id, func.count(), func.sum(is_lately))
    rows = session.execute(counted.group_by(newest.c.workflow_id))
    return {id: Latest(number, int(processed)) for id, number, processed in rows}


def owners(session: Session, workflow_ids: Collection[int]) -> list[Owner]:
    """These workflows, and those that have a queue or whose projects have one."""
    has_queue = or_(Workflow.custom_queue_name.is_not(None), Project.custom_queue_name.is_not(None))
    rows = session.execute(
        select(
            Workflow.id,
            Workflow.name,
            Workflow.status,
            Workflow.project_id,
            Workflow.project_name,
            Workflow.custom_queue_name,
            Project.custom_queue_name,
        )
        .outerjoin(Project, Project.id == Workflow.project_id)
        .where(or_(among(Workflow.id, workflow_ids), has_queue))
        .order_by(Workflow.project_id, Workflow.id)
        .limit(MOST_WORKFLOWS)
    )
    return [Owner(*row) for row in rows]


def failing_lights(session: Session) -> list[FailingLight]:
    """What failed lately and is still there, the latest to begin first."""
    is_of = (
        and_(Light.kind == kind, Light.name == cast(table.id, String))
        for kind, table in (("extractor", Extractor), ("reducer", Reducer))
    )
    of_extractor, of_reducer = is_of
    rows = session.execute(
        select(Light, func.coalesce(Extractor.key, Reducer.key), Workflow.name)
        .outerjoin(Extractor, of_extractor)
        .outerjoin(Reducer, of_reducer)
        .outerjoin(Workflow, Workflow.id == Light.workflow_id)
        .where(Light.outcomes.contains(FAILED), light_is_of_something())
        .order_by(Light.failing_since.desc(), Light.id)
        .limit(MOST_LIGHTS + 1)
    )
    return [FailingLight(*row) for row in rows]


def unfinished_runs(session: Session) -> list[RunOf]:
    """Runs that are not over, those first that are due for longest."""
    return _runs(session, Run.finished_at.is_(None), order=Run.not_before)


def runs_that_failed(session: Session, *, now: datetime) -> list[RunOf]:
    """Those of the latest runs that failed lately, and that nobody has acknowledged."""
    newest = select(Run.id).order_by(Run.id.desc()).limit(LATEST_RUNS).subquery()
    is_new = and_(
        Run.id.in_(select(newest)),
        Run.status == "failed",
        Run.finished_at > now - LATELY,
        Run.acknowledged_at.is_(None),
    )
    return _runs(session, is_new, order=Run.id.desc())


def _runs(session: Session, wanted: Any, *, order: Any) -> list[RunOf]:
    of_workflow = and_(Run.reducible_type == "Workflow", Workflow.id == Run.reducible_id)
    of_project = and_(Run.reducible_type == "Project", Project.id == Run.reducible_id)
    rows = session.execute(
        select(Run, func.coalesce(Workflow.name, Project.display_name))
        .outerjoin(Workflow, of_workflow)
        .outerjoin(Project, of_project)
        .where(wanted)
        .order_by(order)
        .limit(MOST_RUNS + 1)
    )
    return [RunOf(*row) for row in rows]


_WAITING = text(
    f"""{LANES} SELECT workflow_id, sum(number) AS number, min(received_at) AS oldest
    FROM lanes GROUP BY workflow_id ORDER BY workflow_id"""
).columns(workflow_id=BigInteger, number=BigInteger, oldest=UTCDateTime)
