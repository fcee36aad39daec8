"""What rules would see of parts that are not saved yet: the same as if they had been there."""

from collections.abc import Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from caesar_web.domain.documents import read_document
from caesar_web.pipeline import trying
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.results import Extract, SubjectReduction
from tests.factories import LIONS, give, make_event, make_workflow
from tests.pipeline.steps import process, receive

FIRST: dict[str, dict[str, Any]] = {
    "extractors_config": {"answers": {"type": "survey"}, "who": {"type": "who"}},
    "reducers_config": {
        "first3": {
            "type": "consensus",
            "filters": {"extractor_keys": ["answers"], "from": 0, "to": 2},
        },
        "first": {"type": "first_extract", "filters": {"extractor_keys": ["answers", "who"]}},
    },
}
EVENTS = [
    make_event(10 * subject + user, subject=subject, user=user, choice=choice)
    for subject, choices in {1: "aaab", 2: "aba", 3: "b"}.items()
    for user, choice in enumerate(choices, start=1)
]


def seen(also: Mapping[str, Any]) -> dict[int, Any]:
    """The reductions of each subject, as rules would see them."""
    with reading() as session:
        sample = trying.sampled(session, 100, read_document(also)).found
    return {id: scope.reductions for id, scope in sample}


@pytest.fixture(params=["nothing", "another extractor"])
def workflow(app: Flask, request: pytest.FixtureRequest) -> None:
    with db.session.begin():
        make_workflow(db.session(), **(LIONS if request.param != "nothing" else {}))
    receive(EVENTS)
    process()


@pytest.mark.usefixtures("workflow")
def test_it_is_what_saving_it_would_have_given() -> None:
    before = seen({})
    rehearsed = seen(FIRST)
    with db.session.begin():
        db.session.delete(db.session.get_one(Workflow, 100))
        make_workflow(db.session(), 200, project_id=10, **FIRST)
    receive([make_event(1000 + at, workflow=200, **_again(one)) for at, one in enumerate(EVENTS)])
    process(200)
    with reading() as session:
        really = {id: scope.reductions for id, scope in trying.sampled(session, 200).found}
    for key in FIRST["reducers_config"]:
        assert {id: found[key] for id, found in rehearsed.items()} == {
            id: found[key] for id, found in really.items()
        }
    assert rehearsed[1]["first3"]["_default"]["num_votes"] == 3
    assert all(before.get(id, {}).items() <= found.items() for id, found in rehearsed.items())


@pytest.mark.usefixtures("workflow")
def test_nothing_is_written() -> None:
    def number() -> list[int | None]:
        found = [
            db.session.scalar(select(func.count()).select_from(one))
            for one in (Extract, SubjectReduction)
        ]
        db.session.rollback()
        return found

    before = number()
    seen(FIRST)
    assert number() == before


@pytest.mark.usefixtures("workflow")
def test_what_cannot_be_extracted_or_divided_is_left_out() -> None:
    extractor = {"type": "question", "task_key": "T9"}
    divided = {"type": "count", "grouping": {"field_name": "answers.x", "if_missing": "error"}}
    broken = {
        "extractors_config": {"answers": {"type": "survey"}, "absent": extractor},
        "reducers_config": {"divided": divided, "counts2": {"type": "stats"}},
    }
    assert all("divided" not in found and "counts2" in found for found in seen(broken).values())


def test_a_workflow_that_has_seen_nothing(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session())
        give(db.session(), db.session.get_one(Workflow, 100), LIONS)
    assert seen(FIRST) == {}


def _again(event: dict[str, Any]) -> dict[str, Any]:
    """What makes the same classification under another id."""
    data = event["data"]
    subject, user = data["links"]["subjects"][0], data["links"]["user"]
    choice = data["annotations"][0]["value"][0]["choice"]
    return {"subject": int(subject), "user": int(user), "choice": choice}
