"""Restoring: the configuration of an earlier revision, on the same path as any other change."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.domain.documents import read_document
from caesar_web.domain.options import MASK
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import tasks
from caesar_web.pipeline.configuring import Unknown, configure, remove_effect, restore
from caesar_web.store import transfer
from caesar_web.store.configuration import Revision, SubjectRule, SubjectRuleEffect, Workflow
from caesar_web.store.db import db
from caesar_web.store.effects import opened
from tests.conftest import plain_config
from tests.factories import JSON, SEALER, make_workflow
from tests.pipeline.test_configuring import (
    ADD,
    BOB,
    CALL,
    RETIRE,
    change,
    document,
    kept,
    place,
    refused,
    revisions,
)
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

MASKED = {**CALL, "password": MASK}
PRECISE: JSON = {"if": ["gte", ["lookup", "a.b", 0], ["const", 1.0]], "then": [RETIRE]}


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture(autouse=True)
def workflows(app: Flask) -> Iterator[None]:
    """Revision 1 makes workflow 100, and revision 2 workflow 200."""
    both: JSON = {"rules_config": [PRECISE, *document(ADD, CALL)["rules_config"]]}
    with db.session.begin():
        make_workflow(db.session(), 100, **both)
        make_workflow(db.session(), 200, project_id=20, **document(RETIRE))
    db.session.remove()
    yield
    tasks.panoptes().close()


def effects() -> list[tuple[int, int]]:
    return [(effect.id, effect.revision) for effect in kept()]


def test_what_is_restored_is_as_it_was_and_equal_rules_stay_the_same() -> None:
    with db.session.begin():
        first = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    db.session.remove()
    before, there = revisions(), effects()
    other = read_document(
        {"status": "paused", "rules_config": [PRECISE, *document(MASKED)["rules_config"]]}
    )
    assert configure(change(), 100, other)
    assert restore(change(), 100, 1)
    with db.session.begin():
        workflow = db.session.get_one(Workflow, 100)
        assert transfer.show(db.session(), workflow) == first
        last = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
        assert last is not None
        assert (last.author, last.note) == ("alice", "restored from revision 1")
    db.session.remove()
    assert effects()[0] == there[0]
    assert opened(kept()[2], SEALER).secrets == {"password": "s3cret"}
    assert revisions() == (before[0] + 2, before[1] + 2)
    assert not restore(change(), 100, 1)
    assert revisions() == (before[0] + 2, before[1] + 2)


def test_whoever_restores_needs_the_permission() -> None:
    assert configure(change(), 100, read_document(document(MASKED)))
    problems = refused(lambda: restore(change(BOB), 100, 1))
    assert problems == [
        "at rules_config[1].then[0].subject_set_id: subject set 7 belongs to a project that you "
        "may not change"
    ]


def test_a_password_that_is_kept_no_more_is_not_restored() -> None:
    (call,) = [effect.id for effect in kept() if effect.action == CALL["action"]]
    rule_id = db.session.get_one(SubjectRuleEffect, call).subject_rule_id
    db.session.remove()
    remove_effect(change(), place()._replace(rule_id=rule_id, effect_id=call))
    assert "there is nothing kept" in str(refused(lambda: restore(change(), 100, 1)))


def test_a_revision_of_another_workflow_is_unknown() -> None:
    with db.session.begin():
        of_project = Revision(
            reducible_type="Project",
            reducible_id=100,
            author="x",
            after={},
            created_at=change().now,
        )
        db.session.add(of_project)
        db.session.flush()
        project_revision = of_project.id
    db.session.remove()
    before = everything_kept()
    for workflow_id, revision_id in ((100, 2), (200, 1), (100, 999), (100, project_revision)):
        with pytest.raises(Unknown):
            restore(change(), workflow_id, revision_id)
    assert everything_kept() == before


def test_a_revision_that_cannot_be_read_any_more_changes_nothing() -> None:
    with db.session.begin():
        revision = db.session.get_one(Revision, 1)
        revision.after = {"extractors_config": {"a": {"type": "of the past"}}}
    db.session.remove()
    with pytest.raises(InvalidConfiguration, match="unknown type"):
        restore(change(), 100, 1)
    assert db.session.scalars(select(SubjectRule)).first() is not None
