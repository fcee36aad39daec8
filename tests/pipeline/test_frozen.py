"""While effects are frozen, all is decided and nothing is sent; then all is, in its order."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.config import Config
from caesar_web.jobs import tasks
from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.pipeline.claiming import workflows_with_due
from caesar_web.store import freeze_statements as freezes
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.freeze_statements import EVERYWHERE
from caesar_web.store.snapshot import Reducible
from tests.conftest import plain_config
from tests.factories import make_workflow
from tests.pipeline.test_actions import (
    ADD,
    RETIRE,
    RETIRED,
    SUBJECTS,
    classify,
    decide,
    document,
    sent,
    states,
    subjects_sent,
)
from tests.standin.server import StandinServer

SCOPES = [Reducible("Workflow", 100), Reducible("Project", 10), EVERYWHERE]


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


def freeze(of: Reducible) -> None:
    with db.session.begin():
        freezes.freeze(db.session(), of, frozen_by="alice", now=datetime.now(UTC))
    db.session.remove()


def thaw(of: Reducible) -> None:
    with db.session.begin():
        freezes.thaw(db.session(), of)
    db.session.remove()


def due() -> list[int]:
    with db.session.begin():
        now = datetime.now(UTC)
        found = workflows_with_due(db.session(), panoptes=tasks.panoptes_host(), now=now)
    db.session.remove()
    return found


@pytest.mark.parametrize("scope", SCOPES)
def test_decided_and_not_sent_until_it_is_thawed(
    app: Flask, standin: StandinServer, scope: Reducible
) -> None:
    freeze(scope)
    decide({**ADD, "subject_set_id": 11}, RETIRE)
    assert states() == [("pending", 0)] * 10
    assert due() == []
    perform(100)
    assert sent(standin, "") == []
    assert states() == [("pending", 0)] * 10
    thaw(scope)
    assert due() == [100]
    perform(100)
    assert states() == [("completed", 1)] * 10
    assert subjects_sent(standin, "") == [list(SUBJECTS)] * 2


@pytest.mark.parametrize(
    "scope", [Reducible("Workflow", 101), Reducible("Project", 100), Reducible("Workflow", 10)]
)
def test_the_freeze_of_another_holds_nothing(
    app: Flask, standin: StandinServer, scope: Reducible
) -> None:
    freeze(scope)
    decide(RETIRE)
    assert due() == [100]
    perform(100)
    assert states() == [("completed", 1)] * 5


def test_what_is_frozen_twice_waits_for_both(app: Flask, standin: StandinServer) -> None:
    decide(RETIRE)
    for scope in SCOPES:
        freeze(scope)
    for scope in SCOPES:
        perform(100)
        assert sent(standin, RETIRED) == []
        thaw(scope)
    perform(100)
    assert states() == [("completed", 1)] * 5


def test_others_go_on(app: Flask, standin: StandinServer) -> None:
    freeze(Reducible("Workflow", 101))
    with db.session.begin():
        make_workflow(db.session(), 101, **document(RETIRE))
    decide(RETIRE)
    classify(*SUBJECTS, first=50)
    perform(100)
    assert {status for status, _ in states()} == {"completed"}


def test_a_freeze_in_the_middle_of_a_round_is_kept(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that is being made goes out, and no other."""
    decide({**ADD, "subject_set_id": 11}, RETIRE, subjects=(1001,))
    classify(1002, first=11)
    with db.session.begin():  # so that two calls are in one round
        other = {"effect_type": "retire_subject", "config": {"reason": "other"}}
        theirs = SubjectAction.subject_id == 1002
        db.session.execute(update(SubjectAction).where(theirs).values(**other))
    really = panoptes().add_to_subject_set

    def add_and_freeze(*given: object) -> None:
        really(*given)  # type: ignore[arg-type]
        freeze(EVERYWHERE)

    monkeypatch.setattr(panoptes(), "add_to_subject_set", add_and_freeze)
    perform(100)
    assert [entry["path"].split("/")[2] for entry in sent(standin, "")] == ["subject_sets"]
    assert sorted(states()) == [("completed", 1), ("pending", 0), ("pending", 0), ("pending", 0)]
