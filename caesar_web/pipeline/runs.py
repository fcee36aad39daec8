"""Runs: long work in steps, each of which is one transaction together with the run's progress.

A step first asks whoever it must, outside of any transaction, and gives what then writes. So a
worker that dies loses at most its step, and no step is done twice (architecture.md, the one idea).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from caesar_web.domain.values import DomainError
from caesar_web.external.http import GuardedClient
from caesar_web.panoptes.client import Panoptes
from caesar_web.storage.places import Storage
from caesar_web.store import run_statements as statements
from caesar_web.store.run_statements import Failure
from caesar_web.store.runs import Run, RunFile
from caesar_web.store.snapshot import Reducible


@dataclass(frozen=True)
class Means:
    """What runs are carried on with. `reading` begins a transaction; none may be open then."""

    panoptes: Panoptes
    external: GuardedClient
    reading: Callable[[], AbstractContextManager[Session]]
    now: Callable[[], datetime]
    most_extracts: int
    storage: Storage


@dataclass(frozen=True)
class Work:
    """A run as its steps see it, in the turn of whoever carries it on."""

    id: int
    reducible: Reducible
    options: Mapping[str, Any]
    checkpoint: Any
    started_at: datetime
    turn: int = 0


class Step(NamedTuple):
    """What a step did, and where the next one begins.

    `done` counts in the run's unit. With `wait_seconds` there is nothing to do before, and `note`
    says why. `rings` are the workflows that have work now.
    """

    checkpoint: Any
    done: int = 0
    failures: Sequence[Failure] = ()
    total: int | None = None
    is_estimate: bool | None = None
    is_over: bool = False
    wait_seconds: float = 0.0
    note: str | None = None
    rings: Collection[int] = ()


Write = Callable[[Session], Step]


@dataclass(frozen=True)
class Kind:
    """A kind of run: what it counts, and how its steps are made.

    `prepare` may ask the network; what it gives is called within the step's transaction. Raises
    RunFailed where the run cannot go on, PanoptesError or ExternalError where it may later.
    """

    unit: str
    prepare: Callable[[Means, Work], Write]


class RunFailed(DomainError):
    """A run cannot go on, for this reason."""


@dataclass(frozen=True)
class Order:
    """What somebody wants to have done: `about` tells it apart from others of its kind."""

    kind: str
    reducible: Reducible
    options: Mapping[str, Any] = field(default_factory=dict)
    about: str = ""
    acts: bool = False
    rate: int | None = None
    targets: Sequence[int] = ()
    file: tuple[str, bytes] | None = None


class Started(NamedTuple):
    """The run that does it, and whether it began just now."""

    run_id: int
    is_new: bool


def start(
    session: Session, order: Order, *, by: str, by_id: int | None = None, now: datetime
) -> Started:
    """Writes a run down; asking for the same while it runs gives that one."""
    reducible = order.reducible
    run = Run(
        kind=order.kind,
        identity=f"{order.kind} {reducible.type} {reducible.id} {order.about}".strip(),
        reducible_type=reducible.type,
        reducible_id=reducible.id,
        options=dict(order.options),
        acts=order.acts,
        rate=order.rate,
        total=len(order.targets) or None,
        started_by=by,
        started_by_id=by_id,
        not_before=now,
        progressed_at=now,
        created_at=now,
        updated_at=now,
    )
    if not statements.add(session, run):
        running = statements.unfinished(session, run.identity)
        if running is None:  # it has ended in this very moment
            raise RunFailed("the run that did this has just ended; ask again")
        return Started(running.id, is_new=False)
    statements.add_targets(session, run.id, order.targets, after=0)
    if order.file is not None:
        name, body = order.file
        session.add(RunFile(run_id=run.id, name=name, body=body))
        session.flush()
    return Started(run.id, is_new=True)


def work_of(run: Run) -> Work:
    """A claimed run as its steps see it."""
    return Work(
        run.id,
        Reducible(run.reducible_type, run.reducible_id),
        run.options,
        run.checkpoint,
        run.started_at or run.created_at,
        run.turn,
    )


def chunk(pairs: Iterable[tuple[int, int]]) -> tuple[list[int], int]:
    """Targets with their positions, as the targets and the last position."""
    found = list(pairs)
    return [target_id for _, target_id in found], found[-1][0] if found else 0
