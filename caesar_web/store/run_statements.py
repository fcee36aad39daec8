"""Statements over runs: starting one only once, carrying one on alone, what it goes over."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, literal, select, update
from sqlalchemy.orm import Session

from caesar_web.store import bulk
from caesar_web.store.db import UTCDateTime, among, table_of
from caesar_web.store.runs import Run, RunFailure, RunTarget
from caesar_web.store.snapshot import Reducible

OVER = ("finished", "failed", "cancelled")
LOST_AFTER = timedelta(minutes=5)

_failures = table_of(RunFailure)
_targets = table_of(RunTarget)


class Failure(NamedTuple):
    """Something that a run could not do: what it was about, and why."""

    place: str
    message: str


class Progress(NamedTuple):
    """How a run stands after a step; None where the step says nothing of it."""

    checkpoint: Any
    done: int
    failures: Sequence[Failure]
    total: int | None
    is_estimate: bool | None
    is_over: bool
    note: str | None


def unfinished(session: Session, identity: str) -> Run | None:
    """The run of this identity that is not over."""
    wanted = select(Run).where(Run.identity == identity, Run.finished_at.is_(None))
    found: Run | None = session.scalar(wanted)
    return found


def latest(session: Session, identity: str) -> Run | None:
    """The run that was asked for last, among those whose identity begins so."""
    wanted = select(Run).where(Run.identity.startswith(identity, autoescape=True))
    found: Run | None = session.scalar(wanted.order_by(Run.id.desc()).limit(1))
    return found


def add(session: Session, run: Run) -> bool:
    """Writes a new run, which gets its id; False where one of its identity is not over yet."""
    columns = (
        "kind",
        "identity",
        "reducible_type",
        "reducible_id",
        "options",
        "acts",
        "rate",
        "total",
        "started_by",
        "started_by_id",
        "not_before",
        "progressed_at",
        "created_at",
        "updated_at",
    )
    row = {name: getattr(run, name) for name in columns}
    written = bulk.insert(
        session,
        table_of(Run),
        [row],
        columns=columns,
        conflict="(identity) WHERE finished_at IS NULL DO NOTHING",
        returning=("id",),
    )
    for (run.id,) in written:
        return True
    return False


def claim(session: Session, run_id: int, *, now: datetime, lease_until: datetime) -> Run | None:
    """The run, for this worker alone until the lease ends; None where it is over or not due."""
    claimed = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.finished_at.is_(None), Run.not_before <= now)
        .values(
            status=case((Run.status == "waiting", "running"), else_=Run.status),
            turn=Run.turn + 1,
            not_before=lease_until,
            started_at=func.coalesce(Run.started_at, _moment(now)),
            updated_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    if not claimed.rowcount:  # type: ignore[attr-defined]  # a cursor's result for sure
        return None
    return session.get(Run, run_id, populate_existing=True)


def not_before(session: Session, run_id: int) -> datetime | None:
    """When a run may be carried on; None where it is over or gone."""
    wanted = select(Run.not_before).where(Run.id == run_id, Run.finished_at.is_(None))
    found: datetime | None = session.scalar(wanted)
    return found


def record(
    session: Session,
    run_id: int,
    turn: int,
    progress: Progress,
    *,
    now: datetime,
    lease_until: datetime,
) -> str | None:
    """Writes what a step did; the run's state now, or None where somebody else has the run."""
    is_stopping = Run.status == "stopping"
    values: dict[str, Any] = {
        "checkpoint": progress.checkpoint,
        "done": Run.done + progress.done,
        "failed": Run.failed + len(progress.failures),
        "attempts": 0,
        "last_error": progress.note,
        "not_before": lease_until,
        "updated_at": now,
        # A step that was the last one has finished the run, also where somebody stops it.
        "status": "finished"
        if progress.is_over
        else case((is_stopping, "cancelled"), else_=Run.status),
        "finished_at": now if progress.is_over else case((is_stopping, _moment(now)), else_=None),
    }
    moved = progress.done or progress.failures or progress.is_over
    if moved:
        values["progressed_at"] = now
    if progress.total is not None:
        values["total"] = progress.total
    if progress.is_estimate is not None:
        values["is_estimate"] = progress.is_estimate
    status: str | None = session.scalar(
        update(Run)
        .where(Run.id == run_id, Run.turn == turn, Run.finished_at.is_(None))
        .values(values)
        .returning(Run.status)
        .execution_options(synchronize_session=False)
    )
    if status is not None and progress.failures:
        _write_failures(session, run_id, progress.failures, now)
    return status


def give_back(
    session: Session, run_id: int, turn: int, *, now: datetime, until: datetime, error: str | None
) -> None:
    """Lets the run be carried on from `until` on; an error counts as an attempt."""
    values: dict[str, Any] = {"not_before": until, "updated_at": now}
    if error is not None:
        values |= {"last_error": error, "attempts": Run.attempts + 1}
    session.execute(
        update(Run)
        .where(Run.id == run_id, Run.turn == turn, Run.finished_at.is_(None))
        .values(values)
        .execution_options(synchronize_session=False)
    )


def end(
    session: Session, run_id: int, turn: int, *, status: str, now: datetime, error: str | None
) -> None:
    """The run is over, for this reason."""
    values = {"status": status, "finished_at": now, "updated_at": now, "last_error": error}
    session.execute(
        update(Run)
        .where(Run.id == run_id, Run.turn == turn, Run.finished_at.is_(None))
        .values(values)
        .execution_options(synchronize_session=False)
    )


def stop(session: Session, run_id: int, *, now: datetime) -> bool:
    """Asks a run to stop after its step; one that nobody works on stops at once."""
    idle = Run.not_before <= now
    stopped = session.execute(
        update(Run)
        .where(Run.id == run_id, Run.finished_at.is_(None))
        .values(
            status=case((idle, "cancelled"), else_="stopping"),
            finished_at=case((idle, _moment(now)), else_=None),
            updated_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    return bool(stopped.rowcount)  # type: ignore[attr-defined]  # a cursor's result for sure


def resume(session: Session, run: Run, *, now: datetime) -> None:
    """Lets a run that is over, or that was lost, go on from its checkpoint.

    Its rate counts from here on, whatever time it lay still.
    """
    run.options = {**run.options, "resumed": {"at": now.isoformat(), "done": run.done}}
    run.status, run.finished_at, run.last_error = "waiting", None, None
    run.acknowledged_at = None
    run.attempts, run.not_before, run.progressed_at, run.updated_at = 0, now, now, now
    session.flush()


def due(session: Session, *, now: datetime, most: int) -> list[int]:
    """The runs that may be carried on now, the longest waiting first."""
    wanted = (
        select(Run.id)
        .where(Run.finished_at.is_(None), Run.not_before <= now)
        .order_by(Run.not_before)
        .limit(most)
    )
    return list(session.scalars(wanted))


def due_of(session: Session, reducible: Reducible, *, now: datetime) -> list[int]:
    """The runs of a workflow or project that may be carried on now."""
    wanted = select(Run.id).where(
        Run.reducible_type == reducible.type,
        Run.reducible_id == reducible.id,
        Run.finished_at.is_(None),
        Run.not_before <= now,
    )
    return list(session.scalars(wanted))


def silent(session: Session, run_ids: Iterable[int]) -> frozenset[int]:
    """Those of the runs during which nothing is to be done that rules decide."""
    wanted = select(Run.id).where(among(Run.id, run_ids), Run.acts.is_(False))
    return frozenset(session.scalars(wanted))


def is_lost(run: Run, *, now: datetime) -> bool:
    """Whether nobody has carried the run on although it has long been due."""
    return run.finished_at is None and run.not_before < now - LOST_AFTER


def add_targets(session: Session, run_id: int, target_ids: Iterable[int], *, after: int) -> int:
    """Appends targets after a position, in their order; gives the last position."""
    rows = [
        {"run_id": run_id, "position": position, "target_id": target_id}
        for position, target_id in enumerate(target_ids, start=after + 1)
    ]
    columns = ("run_id", "position", "target_id")
    conflict = "(run_id, position) DO NOTHING"
    bulk.insert(session, _targets, rows, columns=columns, conflict=conflict)
    return after + len(rows)


def targets(session: Session, run_id: int, *, after: int, most: int) -> list[tuple[int, int]]:
    """The next targets of a run, each with its position."""
    rows = session.execute(
        select(RunTarget.position, RunTarget.target_id)
        .where(RunTarget.run_id == run_id, RunTarget.position > after)
        .order_by(RunTarget.position)
        .limit(most)
    )
    return [(position, target_id) for position, target_id in rows]


def count_targets(session: Session, run_id: int) -> int:
    """How many targets a run goes over."""
    return session.scalar(select(func.count()).where(RunTarget.run_id == run_id)) or 0


def _moment(at: datetime) -> ColumnElement[datetime]:
    """A moment within an expression, which does not know what kind of column it is for."""
    return literal(at, UTCDateTime())


def _write_failures(
    session: Session, run_id: int, failures: Iterable[Failure], now: datetime
) -> None:
    rows = ({"run_id": run_id, **one._asdict(), "created_at": now} for one in failures)
    bulk.insert(session, _failures, rows, columns=("run_id", *Failure._fields, "created_at"))


def is_turn(session: Session, run_id: int, turn: int) -> bool:
    """Whether the run is still carried on by whoever began this turn of it."""
    wanted = select(Run.id).where(Run.id == run_id, Run.turn == turn, Run.finished_at.is_(None))
    return session.scalar(wanted) is not None
