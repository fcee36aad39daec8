"""What operators do about failures and refused events, as the caller, which the trail tells of.

Each gives how many it was, which is at most the number of ids: some may be gone meanwhile.
"""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from caesar_web.access import parts, trail
from caesar_web.jobs import failed_jobs, queues, tasks
from caesar_web.pipeline import ingest
from caesar_web.pipeline.ingest import Replayed
from caesar_web.store import failure_statements as failures
from caesar_web.store import rejected_statements as rejected
from caesar_web.store.action_statements import Kind
from caesar_web.store.failure_statements import ByWorkflow
from caesar_web.store.runs import Run

Ids = Collection[int]


def retry_actions(kind: Kind, ids: Ids, cause: str) -> int:
    """Lets failed actions be tried again, of whatever workflows."""
    with tasks.transaction() as session:
        changed = failures.retry_actions(session, kind, ids, now=parts.now())
        _note(session, "retried actions", changed, cause)
    for workflow_id in changed:
        queues.ring_actions(parts.config().redis_url, workflow_id)
    return changed.total()


def acknowledge_actions(kind: Kind, ids: Ids, cause: str) -> int:
    """Leaves failed actions so; operators are not shown them any more."""
    with tasks.transaction() as session:
        changed = failures.acknowledge_actions(session, kind, ids, now=parts.now())
        _note(session, "discarded failures of actions", changed, cause)
    return changed.total()


def retry_classifications(ids: Ids, cause: str) -> int:
    """Lets classifications that were set aside wait again."""
    with tasks.transaction() as session:
        changed = failures.wait_again(session, ids)
        _note(session, "retried classifications", changed, cause)
    _ring(changed)
    return changed.total()


def discard_classifications(ids: Ids, cause: str) -> int:
    """Removes classifications that were set aside."""
    with tasks.transaction() as session:
        changed = failures.discard_set_aside(session, ids)
        _note(session, "discarded classifications", changed, cause)
    return changed.total()


def retry_runs(ids: Ids, cause: str) -> int:
    """Lets failed runs go on from where they were."""
    with tasks.transaction() as session:
        run_ids = _change_runs(session, failures.resume_runs, ids, "let a run go on", cause)
    for run_id in run_ids:
        queues.ring_run(parts.config().redis_url, run_id)
    return len(run_ids)


def acknowledge_runs(ids: Ids, cause: str) -> int:
    """Leaves failed runs so; operators are not shown them any more."""
    with tasks.transaction() as session:
        change = failures.acknowledge_runs
        return len(_change_runs(session, change, ids, "discarded the failure of a run", cause))


def retry_jobs(ids: Collection[str], cause: str) -> int:
    """Has failed jobs done again. Raises RedisError."""
    number = failed_jobs.retry(parts.config().redis_url, ids)
    _note_jobs("retried jobs", number, cause)
    return number


def discard_jobs(ids: Collection[str], cause: str) -> int:
    """Forgets failed jobs. Raises RedisError."""
    number = failed_jobs.discard(parts.config().redis_url, ids)
    _note_jobs("discarded jobs", number, cause)
    return number


def replay_events(ids: Ids, cause: str) -> Replayed:
    """Takes refused events in once more, all or none; what is refused again stays."""
    with tasks.transaction() as session:
        replayed = ingest.replay(session, ids, now=parts.now())
        taken = replayed.taken
        if replayed.gone or taken.rejected:
            tried = replayed.gone + taken.rejected
            about = _about(tried, f"{taken.rejected:,} refused again: {cause}")
            trail.note(session, "replayed events", about=about)
    _ring(taken.workflows)
    return replayed


def discard_events(ids: Ids, cause: str) -> int:
    """Removes refused events."""
    with tasks.transaction() as session:
        number = rejected.remove(session, ids)
        if number:
            trail.note(session, "discarded events", about=_about(number, cause))
    return number


def _change_runs(
    session: Session,
    change: Callable[..., list[Run]],
    ids: Ids,
    action: str,
    cause: str,
) -> list[int]:
    now: datetime = parts.now()
    runs = change(session, ids, now=now)
    for run in runs:
        where = "workflow_id" if run.reducible_type == "Workflow" else "project_id"
        about = f"run {run.id}: {cause}"[: trail.LONGEST_ABOUT]
        trail.note(session, action, about=about, **{where: run.reducible_id})
    return [run.id for run in runs]


def _note(session: Session, action: str, changed: ByWorkflow, cause: str) -> None:
    """An entry of each workflow, whose members read it too."""
    for workflow_id, number in sorted(changed.items()):
        trail.note(session, action, about=_about(number, cause), workflow_id=workflow_id)


def _note_jobs(action: str, number: int, cause: str) -> None:
    if number:
        with tasks.transaction() as session:
            trail.note(session, action, about=_about(number, cause))


def _about(number: int, cause: str) -> str:
    return f"{number:,}: {cause}"[: trail.LONGEST_ABOUT]


def _ring(workflow_ids: Iterable[int]) -> None:
    with tasks.transaction() as session:
        to_ring = [(id, tasks.queue_of(session, id)) for id in workflow_ids]
    for workflow_id, queue in to_ring:
        if not queues.ring_classifications(parts.config().redis_url, workflow_id, queue=queue):
            break  # the sweep rings later
