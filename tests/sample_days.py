"""Sample projects after some hours of classifications, the same each time, to take pictures of."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from sqlalchemy import select

from caesar_web.jobs import tasks
from caesar_web.pipeline.ingest import take_in
from caesar_web.pipeline.processing import take_turn
from caesar_web.pipeline.workflows import add, describe
from caesar_web.standin import demo
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.conftest import migrate, plain_config
from tests.factories import JSON, give
from tests.people import PassingTime, application, at_panoptes
from tests.pipeline.steps import LIMITS
from tests.services import redis_server
from tests.standin.server import Clock, StandinServer

BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
BATCHES, IN_BATCH = 12, 90
MINUTES = 20  # from one batch to the next
PARTS = ("extractors_config", "reducers_config")
COLLECTION = r"/collections/\d+/links"


class StoppedTime(PassingTime):
    """A clock that shows what it is told."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def sample_days(folder: Path) -> Iterator[Flask]:
    """An application with the stand-in's projects 10 and 20 at work, at a moment that stands still.

    Workflow 101 is not added yet. An effect of workflow 100 has failed.
    """
    url = f"sqlite:///{folder / 'caesar.db'}"
    migrate(url)
    time, seconds = StoppedTime(BEGINNING), Clock(BEGINNING.timestamp())
    with StandinServer(now=seconds) as standin, redis_server(folder / "redis") as redis:
        plain = plain_config(database_url=url, home=folder, redis_url=redis.url)
        config = at_panoptes(plain, standin)
        with application(config, time) as app:
            with app.app_context():
                for workflow_id in (100, 200):
                    _configure(workflow_id, time.now)
                standin.fail(COLLECTION, status=422, message="The collection is closed", times=2)
                for _ in _batches(standin, time):
                    seconds.now = time.now.timestamp()
                tasks.panoptes().close()
                db.session.remove()
            yield app


def _configure(workflow_id: int, now: datetime) -> None:
    """First the parts, then the rules, then one of them changed, as people go on."""
    file = Path(demo.__file__).parent / "configurations" / f"{workflow_id}.json"
    whole: JSON = json.loads(file.read_text("utf-8"))
    changed = json.loads(json.dumps(whole["rules_config"]).replace("15", "12"))
    documents = (
        {name: whole[name] for name in PARTS},
        {**whole, "rules_config": changed},
        {"rules_config": whole["rules_config"]},
    )
    with db.session.begin():
        workflow = add(db.session(), describe(tasks.panoptes(), workflow_id), now=now)
        db.session.flush()
    for number, document in enumerate(documents):
        at = now + timedelta(minutes=7 * number)
        with db.session.begin():
            workflow = db.session.get_one(Workflow, workflow_id)
            give(db.session(), workflow, document, author="alice", now=at)


def _batches(standin: StandinServer, time: StoppedTime) -> Iterator[None]:
    """Volunteers classify, and what is decided is carried out; once for each batch."""
    with requests.Session() as session:
        asking = demo.Standin(standin.url, session)
        asking.sign_in()
        workflows = [asking.workflow(workflow_id) for workflow_id in (100, 200)]
        events = demo.interleaved(workflows, seed=1, now=lambda: time.now.timestamp())
        for _ in range(BATCHES):
            time.now += timedelta(minutes=MINUTES)
            yield
            for event in islice(events, IN_BATCH):
                _take(event, time.now)
            for workflow in workflows:
                _process(int(workflow.page.workflow["id"]), time.now)
                asking.sign_in()
                workflow.retired.update(asking.retired(int(workflow.page.workflow["id"])))


def _take(event: Any, now: datetime) -> None:
    with db.session.begin():
        take_in(db.session(), [event], now=now)


def _process(workflow_id: int, now: datetime) -> None:
    more = True
    while more:
        with db.session.begin():
            turn = take_turn(db.session(), workflow_id, first_lane=0, limits=LIMITS, now=now)
            more = bool(turn.processed)
    tasks.perform(workflow_id)
    with db.session.begin():
        for table in (SubjectAction, UserAction):
            _at_sample_time(table, workflow_id)


def _at_sample_time(table: Any, workflow_id: int) -> None:
    """Actions are performed by the real clock."""
    for action in db.session.scalars(select(table).filter_by(workflow_id=workflow_id)):
        action.updated_at = action.created_at + timedelta(seconds=2)
        action.attempted_at = action.attempted_at and action.updated_at
        action.completed_at = action.completed_at and action.updated_at
