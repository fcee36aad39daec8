"""The documentation's example: the fifth lion retires the subject, not before and not twice."""

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from tests.factories import LIONS, copied, make_event, make_workflow
from tests.pipeline.steps import process, receive


@pytest.fixture
def workflow(app: Flask) -> int:
    with db.session.begin():
        return make_workflow(db.session(), **LIONS).id


def actions() -> list[SubjectAction]:
    found = list(db.session.scalars(select(SubjectAction).order_by(SubjectAction.id)))
    db.session.expunge_all()
    db.session.rollback()
    return found


def test_the_fifth_lion_retires_and_no_other_does(workflow: int) -> None:
    for id in range(1, 8):
        receive([make_event(id, user=id, choice="lion")])
        process()
        assert len(actions()) == (1 if id >= 5 else 0), f"after lion {id}"


def test_a_batch_decides_at_the_same_classification(workflow: int) -> None:
    receive([make_event(id, user=id, choice="lion") for id in range(1, 8)])
    assert process() == 7
    (action,) = actions()
    assert (action.subject_id, action.effect_type, action.status) == (
        1,
        "retire_subject",
        "pending",
    )
    assert action.config == {"reason": "consensus"}
    assert action.trace is not None
    assert action.trace["value"] is True
    assert action.trace["steps"][0]["value"] == 5  # as it stood when it matched, not at the end


def test_extracts_and_reductions(workflow: int) -> None:
    receive([make_event(id, user=id, choice="lion") for id in (1, 2)])
    process()
    extracts = db.session.scalars(select(Extract).order_by(Extract.id)).all()
    assert [extract.data for extract in extracts] == [{"lion": 1}, {"lion": 1}]
    (reduction,) = db.session.scalars(select(SubjectReduction)).all()
    assert (reduction.reducer_key, reduction.subgroup, reduction.data) == (
        "counts",
        "_default",
        {"lion": 2},
    )


def test_the_same_event_again_does_nothing(workflow: int) -> None:
    events = [make_event(id, user=id, choice="lion") for id in range(1, 6)]
    receive(events)
    process()
    receive([copied(event) for event in events])
    assert process() == 0
    assert len(actions()) == 1
