"""Failures as operators see them: of which sorts, grouped by cause, each with where it is."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from flask import current_app, url_for
from sqlalchemy.orm import Session

from caesar_web.access import operating, parts
from caesar_web.domain.causes import cause_of, key_of
from caesar_web.jobs import failed_jobs
from caesar_web.jobs.failed_jobs import FailedJob
from caesar_web.store import failure_statements as failures
from caesar_web.store.action_statements import SUBJECT_ACTIONS, USER_ACTIONS
from caesar_web.store.failure_statements import Failed
from caesar_web.store.snapshot import Reducible

_JOBS = {
    "caesar_web.jobs.tasks.process": "process classifications",
    "caesar_web.jobs.tasks.perform": "perform actions",
    "caesar_web.jobs.running.carry_on": "carry a run on",
}


@dataclass(frozen=True)
class Member:
    """One failure: what it is in words, where it is, and what it says of why."""

    id: str
    words: str
    address: str | None
    message: str
    at: datetime | None


@dataclass(frozen=True)
class Sort:
    """A sort of failures. What retrying and discarding do is said before it is done."""

    name: str
    noun: str
    title: str
    retry: Callable[[Sequence[Any], str], int]
    retries: str
    discard: Callable[[Sequence[Any], str], int]
    discards: str
    of_ids: Callable[[str], Any] = int

    def named(self, number: int) -> str:
        """So many of them."""
        return f"{number:,} {self.noun}" if number == 1 else f"{number:,} {self.noun}s"


@dataclass(frozen=True)
class Group:
    """Failures with the same cause, the newest first."""

    sort: Sort
    what: str
    cause: str
    members: list[Member] = field(repr=False)

    @property
    def key(self) -> str:
        return key_of(self.sort.name, self.what, self.cause)

    @property
    def words(self) -> str:
        return f"{self.what}: {self.cause}" if self.what else self.cause

    @property
    def number(self) -> int:
        return len(self.members)

    @property
    def highest(self) -> int:
        """The highest id, where ids are numbers that count up."""
        return max((int(one.id) for one in self.members if self.sort.of_ids is int), default=0)

    @property
    def moments(self) -> list[datetime]:
        return [one.at for one in self.members if one.at]


@dataclass(frozen=True)
class Found:
    """What failed, by sort; `is_away` where Redis does not tell of jobs."""

    groups: list[Group]
    full: list[Sort]
    is_away: bool


_ACTIONS_STAY = (
    "They stay failed, and their workflows go on showing that. Only here they are listed no more."
)
_ACTIONS_AGAIN = "Each is tried again, as if it had never been tried."
SORTS: Mapping[str, Sort] = {
    sort.name: sort
    for sort in (
        Sort(
            "subject_actions",
            "action",
            "Actions on subjects",
            partial(operating.retry_actions, SUBJECT_ACTIONS),
            _ACTIONS_AGAIN,
            partial(operating.acknowledge_actions, SUBJECT_ACTIONS),
            _ACTIONS_STAY,
        ),
        Sort(
            "user_actions",
            "action",
            "Actions on volunteers",
            partial(operating.retry_actions, USER_ACTIONS),
            _ACTIONS_AGAIN,
            partial(operating.acknowledge_actions, USER_ACTIONS),
            _ACTIONS_STAY,
        ),
        Sort(
            "classifications",
            "classification",
            "Classifications set aside",
            operating.retry_classifications,
            "Each waits again, and is processed as soon as its workflow is active.",
            operating.discard_classifications,
            "They are removed and never counted. Only a backfill brings them back.",
        ),
        Sort(
            "runs",
            "run",
            "Runs",
            operating.retry_runs,
            "Each goes on from where it was, unless the same is at work already.",
            operating.acknowledge_runs,
            "They stay failed. Only here they are listed no more.",
        ),
        Sort(
            "jobs",
            "job",
            "Jobs",
            operating.retry_jobs,
            "Each goes into its queue once more.",
            operating.discard_jobs,
            "Redis forgets them. Nothing is lost: whatever waits is rung for again.",
            str,
        ),
    )
}


def found(session: Session, only: str | None = None) -> Found:
    """All failures, or those of one sort, grouped; the largest group of each sort first."""
    jobs = _jobs() if only in (None, "jobs") else []
    rows = dict(_rows(session, only))
    names = failures.names_of(
        session, {one.reducible.id for of in rows.values() for one in of if _is_workflows(one)}
    )
    groups: list[Group] = []
    for name, of in rows.items():
        groups += _grouped(SORTS[name], ((_what(one), _member(name, one, names)) for one in of))
    groups += _grouped(SORTS["jobs"], ((_job_words(one), _job(one)) for one in jobs or ()))
    full = [SORTS[name] for name, of in rows.items() if len(of) >= failures.MOST]
    return Found(groups, full, jobs is None)


def group(session: Session, sort: str, key: str) -> Group | None:
    """The failures of one cause; None where there are none any more."""
    return next((one for one in found(session, sort).groups if one.key == key), None)


def address_of_run(of: Reducible, run_id: int) -> str | None:
    """The page of a run, where there is one."""
    named = {"Workflow": ("runs.show", "workflow_id")}
    endpoint, name = named.get(of.type, ("project_runs.show", "project_id"))
    given: dict[str, Any] = {name: of.id, "run_id": run_id}
    return address_if_any(endpoint, **given)


def address_if_any(endpoint: str, **values: Any) -> str | None:
    """The address of a page, where this service has it."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


def _rows(session: Session, only: str | None) -> Iterable[tuple[str, list[Failed]]]:
    find: dict[str, Callable[[], list[Failed]]] = {
        "subject_actions": lambda: failures.failed_actions(session, SUBJECT_ACTIONS),
        "user_actions": lambda: failures.failed_actions(session, USER_ACTIONS),
        "classifications": lambda: failures.set_aside(session),
        "runs": lambda: failures.failed_runs(session),
    }
    return ((name, ask()) for name, ask in find.items() if only in (None, name))


def _grouped(sort: Sort, members: Iterable[tuple[str, Member]]) -> list[Group]:
    by_cause: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for what, member in members:
        by_cause[what, cause_of(member.message)].append(member)
    made = [Group(sort, what, cause, of) for (what, cause), of in by_cause.items()]
    return sorted(made, key=lambda one: -one.number)


def _is_workflows(one: Failed) -> bool:
    return one.reducible.type == "Workflow"


def _what(one: Failed) -> str:
    return "" if one.what == "classification" else one.what.replace("_", " ")


def _member(sort: str, one: Failed, names: Mapping[int, str]) -> Member:
    where = f"{one.reducible.type.lower()} {one.reducible.id}"
    name = names.get(one.reducible.id) if _is_workflows(one) else None
    if name:
        where = f"{name} ({one.reducible.id})"
    words, address = _place(sort, one)
    return Member(str(one.id), f"{words} in {where}", address, one.message or "", one.at)


def _place(sort: str, one: Failed) -> tuple[str, str | None]:
    """What failed, and where it is looked at."""
    own: dict[str, Any] = {"workflow_id": one.reducible.id}
    if sort == "runs":
        return f"run {one.id}", address_of_run(one.reducible, one.id)
    if sort == "classifications":
        address = url_for("subjects.show", subject_id=one.target_id, **own)
        return f"classification {one.id} of subject {one.target_id}", address
    of, noun = ("subjects", "subject") if sort == "subject_actions" else ("users", "volunteer")
    address = url_for("activity.show", of=of, action_id=one.id, **own)
    return f"{noun} {one.target_id}", address


def _jobs() -> list[FailedJob] | None:
    config = parts.config()
    return failed_jobs.failed_jobs(config.redis_url, [name for name, _ in config.queues])


def _job_words(job: FailedJob) -> str:
    return _JOBS.get(job.function, job.function or "a job")


def _job(job: FailedJob) -> Member:
    words, address = f"{job.queue}: {job.id}", None
    first = job.arguments[0] if job.arguments else None
    if isinstance(first, int) and first > 0 and job.function in _JOBS:
        is_run = job.function.endswith("carry_on")
        words = f"{'run' if is_run else 'workflow'} {first}, job {job.id}"
        address = None if is_run else url_for("workflows.show", workflow_id=first)
    return Member(job.id, words, address, job.exception, job.at)
