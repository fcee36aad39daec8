"""Taking events in: each stands alone, what is refused is kept with its reason."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.domain.events import (
    Arrival,
    Rejected,
    SubjectSeen,
    read_event,
    without_addresses,
    workflow_of,
)
from caesar_web.store import inbox_statements as inbox


class Taken(NamedTuple):
    """What became of a request's events, and the workflows that have work now."""

    kept: int
    skipped: int
    rejected: int
    workflows: set[int]


def take_in(session: Session, events: Iterable[Any], *, now: datetime) -> Taken:
    """Writes the classifications of known workflows into the inbox."""
    rejected: list[tuple[str, str]] = []
    wanted = list(_classification_events(events, rejected))
    known = inbox.workflows_of(session, {workflow_id for workflow_id, _ in wanted})
    arrivals = []
    skipped = 0
    for workflow_id, event in wanted:
        project_id, status = known.get(workflow_id, (0, "halted"))
        if status == "halted":
            skipped += 1
            continue
        try:
            arrivals.append(_of_project(read_event(event), project_id))
        except Rejected as problem:
            rejected.append((str(problem), _as_text(event)))
    waiting = keep(session, arrivals, now=now)
    if rejected:
        inbox.keep_rejected(session, rejected, now=now)
    active = {workflow_id for workflow_id in waiting if known[workflow_id][1] == "active"}
    return Taken(len(arrivals), skipped, len(rejected), active)


def _classification_events(
    events: Iterable[Any], rejected: list[tuple[str, str]]
) -> Iterable[tuple[int, dict[str, Any]]]:
    for event in events:
        try:
            workflow_id = workflow_of(event)
        except Rejected as problem:
            rejected.append((str(problem), _as_text(event)))
            continue
        if workflow_id is not None:
            yield workflow_id, event


def _of_project(arrival: Arrival, project_id: int) -> Arrival:
    if arrival.project_id != project_id:
        raise Rejected(
            f"data.links.project is {arrival.project_id},"
            f" but workflow {arrival.workflow_id} belongs to project {project_id}"
        )
    return arrival


def _once_each(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """In the order in which they are taken in; of one id the latest version."""
    latest: dict[int, Arrival] = {}
    for arrival in arrivals:
        known = latest.setdefault(arrival.id, arrival)
        if arrival.updated_at > known.updated_at:
            latest[arrival.id] = arrival
    return sorted(latest.values(), key=lambda arrival: (arrival.created_at, arrival.id))


def keep(
    session: Session, arrivals: Iterable[Arrival], *, now: datetime, run_id: int | None = None
) -> set[int]:
    """Writes classifications into the inbox, for a run or live; gives the workflows with work."""
    ordered = _once_each(arrivals)
    if not ordered:
        return set()
    told = [subject for arrival in ordered for subject in arrival.subjects]
    # Without `linked.subjects` an event tells only that there is such a subject.
    untold = [SubjectSeen(arrival.subject_id, {}, None, None) for arrival in ordered]
    inbox.keep_subjects(session, [*told, *untold])
    return inbox.keep_classifications(session, ordered, now=now, run_id=run_id)


def _as_text(event: Any) -> str:
    """In ASCII, so that any database can hold what it refuses as a value."""
    try:
        return json.dumps(without_addresses(event))
    except RecursionError:
        return json.dumps("left out: nested too deep")
