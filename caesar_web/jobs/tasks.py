"""What RQ jobs do: turns of classifications, rounds of actions. And the sweep.

Each runs inside the process's application context and owns its transactions.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from flask import current_app
from rq.timeouts import BaseTimeoutException
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caesar_web.config import Config
from caesar_web.domain.hosts import host_of
from caesar_web.external.http import GuardedClient
from caesar_web.jobs import queues
from caesar_web.jobs.aside import Aside
from caesar_web.jobs.rounds import Rounds
from caesar_web.panoptes.client import Panoptes
from caesar_web.pipeline.calls import Means
from caesar_web.pipeline.claiming import workflows_with_due
from caesar_web.pipeline.processing import Limits, Turn, TurnFailed, take_turn
from caesar_web.storage.places import Storage, StorageProblem, place_of, remove_stale_parts
from caesar_web.store import credential_statements as credentials
from caesar_web.store import data_request_statements as data_requests
from caesar_web.store import external_statements, retention
from caesar_web.store import inbox_statements as inbox
from caesar_web.store import run_statements as run_rows
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import LANES
from caesar_web.store.sealing import Sealer

RUNS_AT_ONCE = 100
EXPORTS_AT_ONCE = 20
A_DAY_SECONDS = 24 * 3600
LONGEST_SECONDS = 20.0  # of turns in one job, so that a worker that is told to stop soon does

Part = TypeVar("Part")


@dataclass
class _Reached:
    """How far this process has got with removing old classifications."""

    position: int = 0


log = logging.getLogger(__name__)


def process(workflow_id: int, slot: int) -> None:
    """Takes turns at a workflow until nothing waits, or until others wait for this worker."""
    config = _config()
    queues.answer(config.redis_url, f"{workflow_id}:{slot}")
    with transaction() as session:
        queue = queue_of(session, workflow_id)
    first_lane = slot * LANES // queues.SLOTS
    until = time.monotonic() + LONGEST_SECONDS
    looks_again = True  # once: whatever is wrong, a job must not spin
    while True:
        turn = turns(workflow_id, first_lane, config)
        if turn.actions:
            queues.ring_actions(config.redis_url, workflow_id)
        for means in turn.means:
            queues.ring_asking(config.redis_url, means)
        if turn.in_vain and looks_again:
            looks_again = False
            continue
        if not turn.processed:
            return
        if turn.more_waits:  # in other lanes too, which another worker may take
            queues.ring_classifications(config.redis_url, workflow_id, queue=queue, slot=slot + 1)
        if time.monotonic() > until or queues.others_wait(config.redis_url, queue):
            queues.ring_classifications(config.redis_url, workflow_id, queue=queue, slot=slot)
            return


def turns(workflow_id: int, first_lane: int, config: Config) -> Turn:
    """One turn; where one classification makes it fail, that one is set aside and the rest done."""
    most = config.turn_classifications
    while True:
        limits = Limits(most, config.turn_extracts)
        try:
            with transaction() as session:
                return take_turn(
                    session, workflow_id, first_lane=first_lane, limits=limits, now=_now()
                )
        except TurnFailed as failure:
            if isinstance(failure.__cause__, BaseTimeoutException):
                raise  # the job took too long, and no classification is to blame
            log.exception("a turn of workflow %s failed", workflow_id)
            if len(failure.classifications) > 1:
                most = len(failure.classifications) // 2
                continue
            (one,) = failure.classifications
            with transaction() as session:
                inbox.set_aside(session, one.id, updated_at=one.updated_at, reason=str(failure))


def perform(workflow_id: int) -> None:
    """Performs a workflow's due actions, round after round, in the order of each target."""
    config = _config()
    queues.answer(config.redis_url, f"actions:{workflow_id}")
    means = Means(panoptes(), external(), sealer())
    rounds = Rounds(workflow_id, config, means, transaction, _now)
    rounds.perform()
    if rounds.has_doubtful():
        aside: Aside | None = current_app.extensions.get("caesar_aside")
        if aside is None:
            rounds.perform_doubtful()
            rounds.perform()
        else:  # where it is busy, the sweep rings again
            aside.begin(workflow_id, rounds.perform_doubtful)


def sweep() -> None:
    """Rings for all work that waits: what makes "nothing is lost" true, whatever Redis forgot."""
    config = _config()
    with transaction() as session:
        waiting = [(id, queue_of(session, id)) for id in inbox.workflows_waiting(session)]
        runs = run_rows.due(session, now=_now(), most=RUNS_AT_ONCE)
        due = workflows_with_due(session, panoptes=panoptes_host(), now=_now())
        asking = external_statements.means_due(session, now=_now())
        credentials.purge(session, now=_now())
        retention.purge(session, now=_now())
    for workflow_id, queue in waiting:
        queues.ring_classifications(config.redis_url, workflow_id, queue=queue)
    for workflow_id in due:
        queues.ring_actions(config.redis_url, workflow_id)
    for means in asking:
        queues.ring_asking(config.redis_url, means)
    for run_id in runs:
        queues.ring_run(config.redis_url, run_id)
    if config.retention_days:
        purge_classifications(timedelta(days=config.retention_days))
    _purge_exports()  # last, as a bucket may be slow


def purge_classifications(age: timedelta) -> None:
    """Removes some of the classifications that are processed and this old."""
    reached = once(_Reached, _Reached)
    with transaction() as session:
        reached.position = retention.purge_classifications(
            session, older_than=_now() - age, after=reached.position
        )


def _purge_exports() -> None:
    """Removes exports that have expired, a few in each sweep; what cannot go now goes later."""
    place = storage()
    with transaction() as session:
        expired = data_requests.expired(session, now=_now(), most=EXPORTS_AT_ONCE)
    try:
        for request_id, name in expired:
            place.remove(name)
            with transaction() as session:
                data_requests.forget_file(session, request_id, name)
        remove_stale_parts(place.parts, older_than=A_DAY_SECONDS, most=EXPORTS_AT_ONCE)
    except (StorageProblem, OSError):
        log.exception("exports that have expired could not be removed")


def queue_of(session: Session, workflow_id: int) -> str:
    """The workflow's own queue, else its project's, where that one is served; or everybody's."""
    chosen = func.coalesce(Workflow.custom_queue_name, Project.custom_queue_name)
    wanted = select(chosen).outerjoin(Project, Project.id == Workflow.project_id)
    own: str | None = session.scalar(wanted.where(Workflow.id == workflow_id))
    served = {name for name, _ in _config().queues}
    return own if own in served and own is not None else queues.CLASSIFICATIONS


def panoptes_host() -> str:
    """The host of Panoptes, as its light names it."""
    return host_of(_config().panoptes_url)


def panoptes() -> Panoptes:
    """The process's client of Panoptes, with the service account."""
    config = _config()
    url, client_id = config.panoptes_url, config.panoptes_client_id
    return once(Panoptes, lambda: Panoptes(url, client_id, config.panoptes_client_secret))


def external() -> GuardedClient:
    """The process's client of services that users configured, for as long as a lease allows."""
    config = _config()
    to_loopback, longest = config.http_to_loopback, config.action_lease_seconds / 2
    return once(
        GuardedClient,
        lambda: GuardedClient(http_to_loopback=to_loopback, most_seconds=longest),
    )


def sealer() -> Sealer:
    """What opens and seals secrets, with the keys of this process's configuration."""
    return Sealer(_config().encryption_keys)


def storage() -> Storage:
    """Where finished exports are kept."""
    config = _config()
    return place_of(config.export_storage, config.exports_folder)


def once(kind: type[Part], make: Callable[[], Part]) -> Part:
    """The one of its kind that this process's application shares, made when first wanted."""
    kept = current_app.extensions.setdefault("caesar_parts", {})
    if kind not in kept:
        kept[kind] = make()
    part: Part = kept[kind]
    return part


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose transaction ends with the block."""
    try:
        with db.session.begin():
            yield db.session()
    finally:
        db.session.remove()


def _config() -> Config:
    config: Config = current_app.extensions["caesar_config"]
    return config


def _now() -> datetime:
    return datetime.now(UTC)
