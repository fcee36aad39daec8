"""Workflows and projects as lists show them, with how they fare."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from caesar_web.domain.lights import Light, health, light_of
from caesar_web.store import health_statements, queries
from caesar_web.store.configuration import Workflow
from caesar_web.store.health_statements import Pulse


@dataclass(frozen=True)
class WorkflowListed:
    """A workflow, how its parts fare, and when it last did something."""

    workflow: Workflow
    health: Light
    last_activity: datetime | None

    @property
    def reductions(self) -> int:
        return self.workflow.subject_reductions_count + self.workflow.user_reductions_count

    @property
    def actions(self) -> int:
        return self.workflow.subject_actions_count + self.workflow.user_actions_count


@dataclass(frozen=True)
class ProjectListed:
    """A project with its workflows that are here."""

    id: int
    name: str
    workflows: tuple[WorkflowListed, ...]

    @property
    def health(self) -> Light:
        return health((one.health for one in self.workflows), of="workflow")

    @property
    def last_activity(self) -> datetime | None:
        moments = (one.last_activity for one in self.workflows)
        return max((at for at in moments if at), default=None)


def workflows(session: Session, project_ids: Sequence[int] | None) -> list[WorkflowListed]:
    """The workflows of some projects, or all of them, in a fixed number of statements."""
    rows = queries.workflows(session, project_ids=project_ids)
    ids = [row.id for row in rows]
    pulses = health_statements.pulses(session, ids)
    failing = health_statements.failing_outcomes(session, ids)
    return [_listed(row, pulses[row.id], failing.get(row.id, [])) for row in rows]


def projects(session: Session, project_ids: Sequence[int] | None) -> list[ProjectListed]:
    """Some projects, or all of them, as far as their workflows are here."""
    listed = sorted(workflows(session, project_ids), key=lambda one: one.workflow.project_id)
    return [
        _project(id, tuple(own)) for id, own in groupby(listed, lambda one: one.workflow.project_id)
    ]


def _listed(row: Workflow, pulse: Pulse, failing: Iterable[str]) -> WorkflowListed:
    outcomes = [*failing, pulse.outcomes]
    has_worked = pulse.last_activity is not None
    lights = [light_of(each, has_worked=has_worked) for each in outcomes]
    return WorkflowListed(row, health(lights), pulse.last_activity)


def _project(id: int, own: tuple[WorkflowListed, ...]) -> ProjectListed:
    name = own[0].workflow.project_name or f"Project {id}"
    return ProjectListed(id, name, own)
