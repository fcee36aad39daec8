"""What operators see at a glance: what waits, queues, runs and lights, in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from caesar_web.domain import spans
from caesar_web.domain.lights import Light, light_of
from caesar_web.jobs.monitor import QueueState
from caesar_web.jobs.queues import CLASSIFICATIONS
from caesar_web.store import run_statements
from caesar_web.store.load_statements import FailingLight, Latest, Owner, RunOf, Waits
from caesar_web.store.snapshot import Reducible
from caesar_web.web.failure_groups import address_of_run

BEHIND_SECONDS = 60
MOST_SHOWN = 40

WELL, SOME, BAD, NONE = "well", "some", "all", "none"  # the colours of lights


@dataclass(frozen=True)
class Said:
    """A sentence, and its colour."""

    words: str
    colour: str


@dataclass(frozen=True)
class QueueShown:
    """A queue with its state in words."""

    state: QueueState
    age: str | None
    said: Said


@dataclass(frozen=True)
class LoadShown:
    """A workflow, what waits and what was done of it, and its queue."""

    owner: Owner
    waits: Waits | None
    age: str | None
    latest: Latest | None
    queue: Said
    of_project: bool


@dataclass(frozen=True)
class RunShown:
    """A run, its state and progress in words, and its page where there is one."""

    kind: str
    where: str
    where_address: str
    state: str
    progress: str
    bar: tuple[int, int] | None
    error: str | None
    at: datetime
    address: str | None


@dataclass(frozen=True)
class LightShown:
    """What fails, of which workflow."""

    what: str
    light: Light
    where: str | None
    address: str | None


def waiting(
    waits: Mapping[int, Waits], owners: Mapping[int, Owner], *, now: datetime
) -> list[Said]:
    """What waits: in workflows that are active, and in the others, which wait because they must."""
    active = [one for id, one in waits.items() if id in owners and owners[id].status == "active"]
    paused = [one for id, one in waits.items() if id in owners and owners[id].status != "active"]
    said = [_waiting(active, now) if active else Said("Nothing waits.", WELL)]
    if paused:
        number = sum(one.number for one in paused)
        said.append(Said(f"{_wait(number)} in workflows that are paused or halted.", NONE))
    return said


def _waiting(waits: Sequence[Waits], now: datetime) -> Said:
    seconds = max(_seconds(one.oldest, now) for one in waits)
    is_behind = seconds > BEHIND_SECONDS
    words = f"{_wait(sum(one.number for one in waits))}, the oldest since {spans.in_words(seconds)}"
    return Said(f"{'Behind' if is_behind else 'At work'}: {words}.", BAD if is_behind else WELL)


def _wait(number: int) -> str:
    return "1 classification waits" if number == 1 else f"{number:,} classifications wait"


def queues(states: Iterable[QueueState]) -> list[QueueShown]:
    """Queues with their states in words."""
    return [
        QueueShown(
            one,
            None if one.oldest_seconds is None else spans.in_words(one.oldest_seconds),
            _state_of(one),
        )
        for one in states
    ]


def _state_of(one: QueueState) -> Said:
    if not one.workers:
        return Said("nobody works it", BAD) if one.size else Said("no workers", SOME)
    if one.size and one.busy >= one.workers:
        return Said("all workers are busy", SOME)
    return Said("at work" if one.busy or one.size else "idle", WELL)


def loads(
    owners: Iterable[Owner],
    waits: Mapping[int, Waits],
    latest: Mapping[int, Latest],
    *,
    served: Sequence[str],
    now: datetime,
) -> list[LoadShown]:
    """Workflows by what waits of them, the most first."""
    shown = [
        LoadShown(
            one,
            waits.get(one.id),
            spans.in_words(_seconds(waits[one.id].oldest, now)) if one.id in waits else None,
            latest.get(one.id),
            queue_of(one, served),
            one.own_queue is None and one.project_queue is not None,
        )
        for one in owners
    ]
    return sorted(shown, key=_by_load)


def _by_load(one: LoadShown) -> tuple[int, int, int]:
    waits = one.waits.number if one.waits else 0
    return (-waits, -(one.latest.number if one.latest else 0), one.owner.id)


def queue_of(one: Owner, served: Sequence[str]) -> Said:
    """The queue in which a workflow's classifications wait, as jobs.tasks.queue_of has it."""
    chosen = one.own_queue if one.own_queue is not None else one.project_queue
    if chosen is None:
        return Said(CLASSIFICATIONS, NONE)
    if chosen in served:
        return Said(chosen, WELL)
    return Said(f"{CLASSIFICATIONS}, as {chosen} is not served", SOME)


def runs(found: Iterable[RunOf], *, now: datetime) -> list[RunShown]:
    """Runs in words."""
    return [_run(one, now) for one in found]


def _run(one: RunOf, now: datetime) -> RunShown:
    run, of = one.run, Reducible(one.run.reducible_type, one.run.reducible_id)
    state = "lost" if run_statements.is_lost(run, now=now) else run.status
    where_address = (
        url_for("workflows.show", workflow_id=of.id)
        if of.type == "Workflow"
        else url_for("projects.show", project_id=of.id)
    )
    return RunShown(
        run.kind.replace("_", " "),
        f"{one.name or of.type} ({of.id})",
        where_address,
        state,
        _progress(run.done, run.total, is_estimate=run.is_estimate, failed=run.failed),
        (min(run.done, run.total), run.total) if run.total and not run.finished_at else None,
        run.last_error,
        run.finished_at or run.progressed_at,
        address_of_run(of, run.id),
    )


def _progress(done: int, total: int | None, *, is_estimate: bool, failed: int) -> str:
    about = "about " if is_estimate else ""
    words = f"{done:,}" if total is None else f"{done:,} of {about}{total:,}"
    return f"{words}, {failed:,} could not be done" if failed else words


def lights(found: Iterable[FailingLight]) -> list[LightShown]:
    """What fails, red before yellow."""
    shown = [_light(one) for one in found]
    return sorted(shown, key=lambda one: one.light.state != "all")


def _light(one: FailingLight) -> LightShown:
    row = one.light
    light = light_of(
        row.outcomes, last_error=row.last_error, since=row.failing_since, failures=row.failures
    )
    what = f"{row.kind.replace('_', ' ')} {one.key or row.name}"
    if row.workflow_id is None:
        return LightShown(what, light, None, None)
    name = f"{one.workflow_name or 'Workflow'} ({row.workflow_id})"
    return LightShown(what, light, name, url_for("workflows.show", workflow_id=row.workflow_id))


def _seconds(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
