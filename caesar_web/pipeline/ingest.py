"""Taking events in: each stands alone, what is refused is kept with its reason."""

import json
from collections.abc import Collection, Iterable
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
from caesar_web.store import rejected_statements as rejected_rows


class Taken(NamedTuple):
    """What became of a request's events, and the workflows that have work now."""

    kept: int
    skipped: int
    rejected: int
    workflows: set[int]


class Refusal(NamedTuple):
    """An event that cannot be taken: its place among those that came, and why."""

    at: int
    reason: str
    event: Any


class Replayed(NamedTuple):
    """What became of refused events that were tried again."""

    taken: Taken
    gone: int


def take_in(session: Session, events: Iterable[Any], *, now: datetime) -> Taken:
    """Writes the classifications of known workflows into the inbox."""
    taken, refusals = _take(session, events, now=now)
    if refusals:
        rejected = [(one.reason, _as_text(one.event)) for one in refusals]
        inbox.keep_rejected(session, rejected, now=now)
    return taken


def replay(session: Session, ids: Collection[int], *, now: datetime) -> Replayed:
    """Takes refused events in once more; what is refused again stays, with the reason of now."""
    kept = rejected_rows.texts(session, ids)
    taken, refusals = _take(session, (_as_event(text) for _, text in kept), now=now)
    refused = [(kept[one.at][0], one.reason) for one in refusals]
    if refused:
        rejected_rows.give_reasons(session, refused)
    again = {id for id, _ in refused}
    gone = [id for id, _ in kept if id not in again]
    return Replayed(taken, rejected_rows.remove(session, gone))


def _take(session: Session, events: Iterable[Any], *, now: datetime) -> tuple[Taken, list[Refusal]]:
    rejected: list[Refusal] = []
    wanted = list(_classification_events(events, rejected))
    known = inbox.workflows_of(session, {workflow_id for _, workflow_id, _ in wanted})
    arrivals = []
    skipped = 0
    for at, workflow_id, event in wanted:
        project_id, status = known.get(workflow_id, (0, "halted"))
        if status == "halted":
            skipped += 1
            continue
        try:
            arrivals.append(_of_project(read_event(event), project_id))
        except Rejected as problem:
            rejected.append(Refusal(at, str(problem), event))
    waiting = keep(session, arrivals, now=now)
    active = {workflow_id for workflow_id in waiting if known[workflow_id][1] == "active"}
    return Taken(len(arrivals), skipped, len(rejected), active), rejected


def _classification_events(
    events: Iterable[Any], rejected: list[Refusal]
) -> Iterable[tuple[int, int, dict[str, Any]]]:
    for at, event in enumerate(events):
        try:
            workflow_id = workflow_of(event)
        except Rejected as problem:
            rejected.append(Refusal(at, str(problem), event))
            continue
        if workflow_id is not None:
            yield at, workflow_id, event


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


def _as_event(text: str) -> Any:
    """What was refused as `_as_text` has kept it; nothing where that cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
