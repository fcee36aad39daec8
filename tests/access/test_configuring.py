"""Changing configuration as the caller: with their right, in the trail, and with the bells rung."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.access import acting_again, configuring
from caesar_web.domain.documents import read_document, read_extractor, read_reducer
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import queues, tasks
from caesar_web.pipeline.configuring import Place, Unknown
from caesar_web.pipeline.rule_saving import RuleWanted
from caesar_web.store import transfer
from caesar_web.store.action_statements import SUBJECT_ACTIONS
from caesar_web.store.activity import AuditEntry, SubjectAction
from caesar_web.store.configuration import Revision, SubjectRule, Workflow
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import Reducible
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.factories import JSON, START
from tests.people import ALICE, bearer
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

pytestmark = NO_OTHER_DATABASE

SPACED = '["gte",  ["const", 1.0]]'
NEW = Place(SubjectRule, 100, None)
OF_WORKFLOW, OF_PROJECT = Reducible("Workflow", 100), Reducible("Project", 10)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The workflows for whose actions the bell was rung."""
    rings: list[int] = []
    monkeypatch.setattr(queues, "ring_actions", lambda _, workflow_id: rings.append(workflow_id))
    return rings


@pytest.fixture(autouse=True)
def as_alice(app: Flask, standin: StandinServer) -> Iterator[None]:
    with app.test_request_context(headers=bearer(standin, ALICE)):
        yield
        tasks.panoptes().close()


@contextmanager
def told() -> Iterator[list[Any]]:
    """The entries of the trail that what is within has made."""
    seen = len(db.session.scalars(select(AuditEntry)).all())
    db.session.remove()
    entries: list[Any] = []
    yield entries
    entries += db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()[seen:]
    db.session.expunge_all()
    db.session.remove()


def configuration() -> JSON:
    with reading() as session:
        return transfer.show(session, session.get_one(Workflow, 100))


def test_rules_are_saved_moved_and_removed_and_restored() -> None:
    with told() as entries:
        at = NEW._replace(rule_id=configuring.save_rule(NEW, RuleWanted(SPACED), note="why not"))
        configuring.move_rule(at, -1)
        configuring.remove_rule(at)
        of_saving = db.session.scalars(select(Revision.id).filter_by(note="why not")).one()
        db.session.remove()
        assert configuring.restore(100, of_saving)
        assert not configuring.restore(100, of_saving)
    assert [(one.actor, one.actor_id, one.workflow_id) for one in entries] == [
        ("alice", ALICE, 100)
    ] * 4
    restored = f"restored from revision {of_saving}"
    assert [one.about for one in entries] == ["why not", None, None, restored]
    assert list(entries[0].after) == ["rules_config"]


def test_what_the_caller_may_not_point_at_changes_nothing() -> None:
    elsewhere = EffectRow("add_subject_to_set", {"subject_set_id": 8})
    with told() as entries:
        before = configuration()
        with pytest.raises(InvalidConfiguration, match=r"then\[0\].subject_set_id"):
            configuring.save_rule(NEW, RuleWanted(SPACED, ((None, elsewhere),)))
        assert configuration() == before
    assert entries == []


def test_extractors_and_reducers_are_saved_and_removed() -> None:
    with told() as entries:
        configuring.save_extractor(100, None, read_extractor("a", {"type": "survey"}))
        configuring.save_extractor(
            100, "a", read_extractor("b", {"type": "survey"}), rename_references=True
        )
        configuring.remove_extractor(100, "b")
        configuring.save_reducer(OF_WORKFLOW, None, read_reducer("c", {"type": "count"}))
        configuring.remove_reducer(OF_WORKFLOW, "c")
    assert [one.workflow_id for one in entries] == [100] * 5
    assert entries[1].after["extractors_config"] == {"b": {"type": "survey"}}


def test_pausing_and_what_it_brings_with_it_are_told() -> None:
    """Also where a document resumes a part, whose run is written with it."""
    id = configuring.save_extractor(100, None, read_extractor("a", {"type": "survey"}))
    with told() as entries:
        configuring.move_part(OF_WORKFLOW, "extractor", id, "paused")
        moved = configuring.move_part(OF_WORKFLOW, "extractor", id, "active")
        configuring.move_part(OF_WORKFLOW, "extractor", id, "paused")
        document = {"extractors_config": {"a": {"type": "survey"}}}
        assert configuring.apply(100, read_document(document))
    assert (moved.before, moved.run_id) == ("paused", 1)
    assert [one.actor for one in entries] == ["alice"] * 4
    assert entries[0].after["extractors_config"]["a"] == {"type": "survey", "status": "paused"}
    runs = db.session.scalars(select(Run).order_by(Run.id)).all()
    assert [(run.kind, run.started_by, run.started_by_id) for run in runs] == [
        ("reextract", "alice", ALICE)
    ] * 2
    db.session.remove()


def test_a_project_in_the_trail_is_no_workflow() -> None:
    with told() as entries:
        configuring.save_reducer(OF_PROJECT, None, read_reducer("c", {"type": "count"}))
        configuring.remove_reducer(OF_PROJECT, "c")
    assert [(one.workflow_id, one.project_id) for one in entries] == [(None, 10)] * 2


def failed_action(subject_id: int) -> int:
    values: JSON = {"effect_type": "retire_subject", "config": {}, "status": "failed"}
    with db.session.begin():
        action = SubjectAction(
            workflow_id=100,
            subject_id=subject_id,
            rule_id=1,
            effect_id=1,
            effect_revision=1,
            occurrence=0,
            not_before=START,
            created_at=START,
            updated_at=START,
            **values,
        )
        db.session.add(action)
        db.session.flush()
        id = action.id
    db.session.remove()
    return id


def test_actions_are_retried_and_done_again(rung: list[int]) -> None:
    first, second = failed_action(7), failed_action(8)
    with told() as entries:
        again = acting_again.act_again(SUBJECT_ACTIONS, 100, first)
        assert rung == [100]
        assert acting_again.retry_actions(SUBJECT_ACTIONS, 100, [first, second]) == 2
        assert rung == [100, 100]
        assert acting_again.retry_actions(SUBJECT_ACTIONS, 100, [first, second]) == 0
        assert acting_again.retry_actions(SUBJECT_ACTIONS, 200, [first]) == 0
    assert [(one.actor, one.workflow_id, one.action, one.about) for one in entries] == [
        ("alice", 100, "acted again", f"action {first} on subjects, again as {again}"),
        ("alice", 100, "retried actions", "2 on subjects"),
    ]
    assert rung == [100, 100]


def test_an_action_of_another_workflow_is_not_done_again(rung: list[int]) -> None:
    id = failed_action(7)
    before = everything_kept()
    with pytest.raises(Unknown):
        acting_again.act_again(SUBJECT_ACTIONS, 200, id)
    assert (everything_kept(), rung) == (before, [])
