"""Performing actions: in bulk, in order, once, and again where it is worth trying again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.domain.documents import read_document
from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.panoptes.client import Panoptes
from caesar_web.store import action_statements as actions
from caesar_web.store import transfer
from caesar_web.store.action_statements import SUBJECT_ACTIONS, Outcome
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, START, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

SET, COLLECTION, BOB, CAROL, STRANGER = 7, 9, 3, 4, 999
RETIRE: JSON = {"action": "retire_subject", "reason": "consensus"}
ADD: JSON = {"action": "add_subject_to_set", "subject_set_id": SET}
COLLECT: JSON = {"action": "add_subject_to_collection", "collection_id": COLLECTION}
PROMOTE: JSON = {"action": "promote_user", "workflow_id": 101}
SEEN: JSON = {"if": ["gte", ["lookup", "seen.extracts", 0], ["const", 1]]}
COUNT: JSON = {"type": "count"}
RETIRED, LINKED, COLLECTED, PROMOTED = "retired_subjects", "subject_sets", "collections", "update"
SUBJECTS = (1001, 1002, 1003, 1004, 1005)


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(
        database_url=config.database_url, panoptes_url=standin.url, action_attempts=3
    )


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


def document(*effects: JSON, user_effects: tuple[JSON, ...] = ()) -> JSON:
    """One rule for each effect, all of which act at once."""
    return {
        "extractors_config": {"survey": {"type": "survey"}},
        "reducers_config": {"seen": COUNT, "of_user": {**COUNT, "topic": "reduce_by_user"}},
        "rules_config": [{**SEEN, "then": [effect]} for effect in effects],
        "user_rules_config": [
            {"if": ["const", True], "then": [effect]} for effect in user_effects
        ],
    }


def decide(*effects: JSON, subjects: tuple[int, ...] = SUBJECTS) -> None:
    with db.session.begin():
        make_workflow(db.session(), **document(*effects))
    classify(*subjects)


def classify(*subjects: int, first: int = 1) -> None:
    receive([make_event(id, subject=subject) for id, subject in enumerate(subjects, first)])
    process()
