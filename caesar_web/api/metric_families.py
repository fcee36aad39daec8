"""The metrics, by name, made of what the database and Redis tell; their labels are few."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from caesar_web.jobs.monitor import QueueState
from caesar_web.jobs.queues import CLASSIFICATIONS
from caesar_web.store.operation_statements import Operation

Labelled = tuple[tuple[str, ...], float]

_OF_QUEUES: dict[str, tuple[str, Callable[[QueueState], float]]] = {
    "caesar_queue_jobs": ("Jobs that wait.", lambda one: one.size),
    "caesar_queue_oldest_job_seconds": (
        "Age of the job that is next.",
        lambda one: one.oldest_seconds or 0,
    ),
    "caesar_queue_failed_jobs": ("Jobs that failed within a day.", lambda one: one.failed),
    "caesar_queue_workers": ("Workers that are alive.", lambda one: one.workers),
    "caesar_queue_busy_workers": ("Workers that are at a job.", lambda one: one.busy),
}
_TOTALS = {
    "extracts": ("caesar_extracts_made", "Extracts that were made."),
    "reductions": ("caesar_reductions_made", "Reductions that were made."),
    "actions": ("caesar_actions_decided", "Actions that rules decided."),
}


class _Lane(NamedTuple):
    """What the metrics of waiting classifications are told apart by."""

    queue: str
    status: str
    origin: str


def families(
    found: Operation | None,
    queues: Sequence[QueueState] | None,
    *,
    served: Sequence[str],
    commit_id: str,
    now: datetime,
) -> Iterator[Metric]:
    """All that can be told; None stands for what is away."""
    yield InfoMetricFamily("caesar_build", "Which code this is.", {"commit": commit_id})
    yield _one("caesar_database_up", "Whether the database answers.", found is not None)
    yield _one("caesar_redis_up", "Whether Redis answers.", queues is not None)
    if queues is not None:
        for name, (about, value) in _OF_QUEUES.items():
            yield _gauge(name, about, ["queue"], [((one.name,), value(one)) for one in queues])
    if found is not None:
        yield from _of_inbox(found, served, now)
        yield from _of_actions(found, now)
        yield from _of_the_rest(found)


def _of_inbox(found: Operation, served: Sequence[str], now: datetime) -> Iterator[Metric]:
    numbers = {_Lane(queue, "active", "live"): 0 for queue in served}
    ages = dict.fromkeys(numbers, 0.0)
    for one in found.waiting:
        queue = one.own_queue if one.own_queue in served else CLASSIFICATIONS
        lane = _Lane(queue or "", one.status, "backfill" if one.is_backfilled else "live")
        numbers[lane] = numbers.get(lane, 0) + one.number
        ages[lane] = max(ages.get(lane, 0.0), _age(one.oldest, now))
    yield _gauge(
        "caesar_waiting_classifications",
        "Classifications that wait, at most a thousand of each lane; `status` is the workflow's.",
        list(_Lane._fields),
        numbers.items(),
    )
    yield _gauge(
        "caesar_waiting_classifications_oldest_seconds",
        "How long the oldest of them has waited.",
        list(_Lane._fields),
        ages.items(),
    )
    yield _one(
        "caesar_set_aside_classifications",
        "Classifications that could not be processed, counted to 10,000.",
        found.numbers.set_aside,
    )
    yield CounterMetricFamily(
        "caesar_events_rejected", "Events that could not be taken.", found.numbers.rejected
    )


def _of_actions(found: Operation, now: datetime) -> Iterator[Metric]:
    labels = ["effect", "state"]
    yield _gauge(
        "caesar_actions",
        "Actions that are pending or failed, counted to 10,000 on subjects and on users.",
        labels,
        [((one.effect_type, one.status), one.number) for one in found.unfinished],
    )
    yield _gauge(
        "caesar_latest_actions",
        "The states of the latest 10,000 actions on subjects and on users.",
        labels,
        [((one.kind, one.status), one.number) for one in found.latest_actions],
    )
    due = sum(one.due for one in found.unfinished)
    yield _one("caesar_due_actions", "Pending actions that could be performed now.", due)
    oldest = [one.oldest_due for one in found.unfinished if one.oldest_due]
    yield _one(
        "caesar_due_actions_oldest_seconds",
        "For how long the first of them is due.",
        _age(min(oldest), now) if oldest else 0,
    )
    yield _one(
        "caesar_freezes", "Freezes in force, under which actions wait.", found.numbers.freezes
    )


def _of_the_rest(found: Operation) -> Iterator[Metric]:
    yield _gauge(
        "caesar_runs",
        "The latest 10,000 runs by kind and state.",
        ["kind", "state"],
        [((one.kind, one.status), one.number) for one in found.runs],
    )
    yield _gauge(
        "caesar_red_lights",
        "Parts of configurations that failed each time of late.",
        ["kind"],
        [((kind,), number) for kind, number in found.red_lights.items()],
    )
    for name, (metric, about) in _TOTALS.items():
        yield CounterMetricFamily(metric, about, found.totals[name])


def _one(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, float(value))


def _gauge(name: str, about: str, labels: Sequence[str], values: Iterable[Labelled]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for told_apart_by, value in values:
        family.add_metric(told_apart_by, value)
    return family


def _age(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
