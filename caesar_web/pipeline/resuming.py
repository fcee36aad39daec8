"""What is made up for when something paused goes on: the run that does it, and when it may."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from caesar_web.pipeline.runs import Order, RunFailed, Started, Step, Work, start
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import queries, run_statements, statuses
from caesar_web.store.configuration import Extractor, Project, Reducer, Workflow
from caesar_web.store.inbox import LANES
from caesar_web.store.snapshot import Reducible
from caesar_web.store.statuses import Part

A_TURN = timedelta(minutes=1)  # one that had begun before may have worked without the part already
PROJECT_PAUSED = "The project is paused: this run goes on when it is resumed."
SECONDS_BETWEEN_LOOKS = 2.0


@contextmanager
def made_up(
    session: Session, owner: Workflow | Project, *, by: str, by_id: int | None, now: datetime
) -> Iterator[list[Started]]:
    """Starts a run for each part that was paused before the block and is active after it."""
    paused = statuses.paused(session, owner)
    started: list[Started] = []
    yield started
    session.flush()
    for part in statuses.parts(session, owner):
        since = paused.get((statuses.KINDS[type(part)], part.id))
        if since is not None and part.status == "active":
            order = _order(session, _reducible(owner), part, since)
            started.append(start(session, order, by=by, by_id=by_id, now=now))


def make_up_for_project(
    session: Session,
    project: Project,
    since: datetime | None,
    *,
    by: str,
    by_id: int | None,
    now: datetime,
) -> Started:
    """Starts the run for all reducers of a project that was paused."""
    options = {"since": since or project.created_at, "check": "none"}
    order = _asked(session, "rereduce", _reducible(project), "project", options)
    return start(session, order, by=by, by_id=by_id, now=now)


def running(session: Session, reducible: Reducible, what: str) -> int | None:
    """The run that makes up for a part, while it is not over."""
    run = run_statements.latest(session, _prefix(reducible, what))
    return run.id if run is not None and run.finished_at is None else None


def name_of(kind: str, id: int) -> str:
    """What the runs of a part are told apart by."""
    return f"{kind} {id}"


def await_turns(session: Session, work: Work) -> Step:
    """The first step of each such run: all turns that knew the older configuration are over."""
    ids = [work.reducible.id]
    if work.reducible.type == "Project":
        ids = [one.id for one in queries.workflows(session, project_ids=ids)]
    for workflow_id in sorted(ids):
        inbox.await_lanes(session, workflow_id, range(LANES))
    return Step({"phase": "list"}, rings=ids)


def obstacle(session: Session, work: Work) -> Step | None:
    """Why a project's reducers do not work now, as a step that waits. Raises RunFailed."""
    project = session.get(Project, work.reducible.id)
    if work.reducible.type != "Project" or project is None or project.status == "active":
        return None
    if project.status == "halted":
        raise RunFailed("the project is halted")
    return Step(work.checkpoint, wait_seconds=SECONDS_BETWEEN_LOOKS, note=PROJECT_PAUSED)


def since_of(work: Work) -> datetime | None:
    """From when on a run has something to make up for; None for all times."""
    since = work.options.get("since")
    return None if since is None else datetime.fromisoformat(since)


def _order(session: Session, reducible: Reducible, part: Part, since: datetime) -> Order:
    what = name_of(statuses.KINDS[type(part)], part.id)
    if isinstance(part, Extractor):
        return _asked(
            session, "reextract", reducible, what, {"extractor_key": part.key, "since": since}
        )
    if isinstance(part, Reducer):
        options = {"reducer_key": part.key, "since": since, "check": "changed"}
        return _asked(session, "rereduce", reducible, what, options)
    options = {"rule_kind": statuses.KINDS[type(part)], "rule_id": part.id, "since": since}
    return _asked(session, "recheck", reducible, what, options)


def _asked(
    session: Session, kind: str, reducible: Reducible, what: str, options: dict[str, Any]
) -> Order:
    """Begins where the latest one began, unless that came to its end: it may have missed as much.

    With another begin it is another run, as an earlier one has its targets already.
    """
    since = (options["since"] - A_TURN).isoformat()
    before = run_statements.latest(session, _prefix(reducible, what))
    if before is not None and before.status != "finished":
        since = min(since, before.options["since"], key=datetime.fromisoformat)
    about = f"{_resumed(what)} since {options['since'].isoformat()}"
    return Order(kind, reducible, {**options, "since": since, "resumes": True}, about, acts=True)


def _prefix(reducible: Reducible, what: str) -> str:
    kind = {"extractor": "reextract", "reducer": "rereduce", "project": "rereduce"}
    of = kind.get(what.split()[0], "recheck")
    return f"{of} {reducible.type} {reducible.id} {_resumed(what)} since "


def _resumed(what: str) -> str:
    return f"resumed {what}"


def _reducible(owner: Workflow | Project) -> Reducible:
    return Reducible(type(owner).__name__, owner.id)
