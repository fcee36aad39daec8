"""What is written through the API has the same effect as the pipeline's own."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from caesar_web.pipeline.pushing import (
    PushedExtract,
    PushedReduction,
    Refused,
    push_extract,
    push_reduction,
)
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.result_statements import SUBJECT, USER, Topic
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.snapshot import Reducible
from tests.factories import JSON, START, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive

LIONS: JSON = {"if": ["gte", ["lookup", "counts.lion", 0], ["const", 2]]}
SURE: JSON = {"if": ["gte", ["lookup", "swap.likelihood", 0], ["const", 0.9]]}
SEND: JSON = {"action": "external", "url": "https://receiver.example/", "reducer_key": "swap"}


@pytest.fixture
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"survey": {"type": "survey"}},
            reducers_config={
                "counts": {"type": "stats"},
                "swap": {"type": "external"},
                "seen": {"type": "count", "topic": "reduce_by_user"},
                "skill": {"type": "placeholder", "topic": "reduce_by_user"},
            },
            rules_config=[
                {**LIONS, "then": [{"action": "retire_subject"}]},
                {**SURE, "then": [{"action": "add_subject_to_set", "subject_set_id": 7}, SEND]},
            ],
            user_rules_config=[
                {
                    "if": ["gte", ["lookup", "skill.level", 0], ["const", 3]],
                    "then": [{"action": "promote_user", "workflow_id": 101}],
                }
            ],
        )
    receive([make_event(id, subject=1, user=id, choice="zebra") for id in (1, 2)])
    process()


def push(key: str = "survey", subject: int = 1, **given: Any) -> int:
    with db.session.begin():
        extract = PushedExtract(key, subject, **given)
        id = push_extract(db.session(), 100, extract, now=datetime.now(UTC))
    db.session.remove()
    return id


def put(
    key: str, target: int, data: JSON, *, topic: Topic = SUBJECT, subgroup: str = "_default"
) -> int:
    with db.session.begin():
        given = PushedReduction(key, target, subgroup, data)
        reducible = Reducible("Workflow", 100)
        id = push_reduction(db.session(), reducible, topic, given, now=datetime.now(UTC))
    db.session.remove()
    return id


def counts() -> Any:
    (data,) = values(SubjectReduction.data, SubjectReduction.reducer_key == "counts")
    return data


# Extracts


def test_an_extract_that_is_there_is_replaced_and_all_follows(workflow: None) -> None:
    before = rows(Extract.id, Extract.classification_id)
    push(data={"lion": 1}, classification_id=1)
    assert counts() == {"lion": 1, "zebra": 1}
    push(data={"lion": 1}, classification_id=2)
    assert counts() == {"lion": 2}
    assert rows(Extract.id, Extract.classification_id) == before
    assert rows(SubjectAction.subject_id, SubjectAction.effect_type) == [(1, "retire_subject")]
    assert values(Workflow.extracts_count) == [2]


def test_a_new_extract_of_a_classification_that_is_kept(workflow: None) -> None:
    push("other", data={"lion": 2}, classification_id=1)
    assert counts() == {"lion": 2, "zebra": 2}
    assert rows(Extract.user_id, Extract.project_id, where=Extract.extractor_key == "other") == [
        (1, 10)
    ]
    assert values(Workflow.extracts_count) == [3]


def test_a_new_extract_of_a_classification_that_nobody_has_seen(workflow: None) -> None:
    push(data={"lion": 2}, classification_id=50, classification_at=START, user_id=9, subject=77)
    found = rows(
        Extract.subject_id, Extract.user_id, Extract.classification_at, where=Extract.user_id == 9
    )
    assert found == [(77, 9, START)]
    seen = rows(UserReduction.user_id, UserReduction.data, where=UserReduction.user_id == 9)
    assert seen == [(9, {"classifications": 1, "extracts": 1})]
    assert values(SubjectAction.subject_id) == [77]


def test_of_one_that_still_waits_nothing_is_taken(workflow: None) -> None:
    """Its own extracts would take the place of what was written before."""
    receive([make_event(3, subject=1, user=3, choice="zebra")])
    with pytest.raises(Refused, match="3 is not processed yet; send this again soon"):
        push("other", data={"lion": 1}, classification_id=3)
    process()
    push("other", data={"lion": 1}, classification_id=3)
    assert counts() == {"lion": 1, "zebra": 3}


def test_without_a_classification_it_must_be_the_only_one(workflow: None) -> None:
    with pytest.raises(Refused, match="there are 2 extracts that this could be"):
        push(data={"lion": 1})
    with pytest.raises(Refused, match="there are 0 extracts"):
        push(data={"lion": 1}, subject=99)
    push(data={"lion": 1}, user_id=2)
    assert counts() == {"lion": 1, "zebra": 1}


def test_a_prediction_is_changed_without_a_classification(workflow: None) -> None:
    with db.session.begin():
        db.session.add(
            Extract(
                classification_at=START,
                extractor_key="machine",
                project_id=10,
                workflow_id=100,
                subject_id=1,
                data={"lion": 0},
                machine_data=True,
                created_at=START,
                updated_at=START,
            )
        )
    push("machine", data={"lion": 5})
    assert counts() == {"lion": 5, "zebra": 2}
    assert values(SubjectAction.subject_id) == [1]


@pytest.mark.parametrize("given", [{"subject": 2}, {"subject": 2, "user_id": 1}])
def test_the_classification_of_another_subject(workflow: None, given: JSON) -> None:
    with pytest.raises(Refused, match="1 is of another subject or workflow"):
        push(data={"lion": 1}, classification_id=1, **given)


def test_the_classification_of_another_workflow(workflow: None) -> None:
    with db.session.begin():
        make_workflow(db.session(), 200, extractors_config={"survey": {"type": "survey"}})
    receive([make_event(8, subject=1, workflow=200)])
    process(200)
    with pytest.raises(Refused, match="8 is of another subject or workflow"):
        push(data={"lion": 1}, classification_id=8)
    assert values(Extract.workflow_id, Extract.classification_id == 8) == [200]


# Reductions


def test_a_reduction_is_written_and_rules_are_checked(workflow: None) -> None:
    id = put("swap", 1, {"likelihood": 0.95})
    assert rows(SubjectReduction.id, SubjectReduction.data, where=SubjectReduction.id == id) == [
        (id, {"likelihood": 0.95})
    ]
    effects = rows(SubjectAction.effect_type, by=SubjectAction.id)
    assert effects == [("add_subject_to_set",), ("external",)]
    (payload,) = values(SubjectAction.payload, SubjectAction.effect_type == "external")
    assert (payload["id"], payload["data"]) == (id, {"likelihood": 0.95})
    assert rows(Workflow.subject_reductions_count, Workflow.subject_actions_count) == [(2, 2)]


def test_the_same_again_changes_and_checks_nothing(workflow: None) -> None:
    put("swap", 1, {"likelihood": 0.95})
    versions = rows(SubjectReduction.id, SubjectReduction.lock_version)
    put("swap", 1, {"likelihood": 0.95})
    assert rows(SubjectReduction.id, SubjectReduction.lock_version) == versions
    assert len(values(SubjectAction.id)) == 2


def test_data_is_replaced_and_not_merged(workflow: None) -> None:
    put("swap", 1, {"likelihood": 0.5, "other": 1})
    put("swap", 1, {"likelihood": 0.4})
    put("swap", 1, {"likelihood": 0.1}, subgroup="north")
    found = rows(
        SubjectReduction.subgroup,
        SubjectReduction.data,
        where=SubjectReduction.reducer_key == "swap",
    )
    assert found == [("_default", {"likelihood": 0.4}), ("north", {"likelihood": 0.1})]


def test_empty_data_is_kept_as_it_was_sent(workflow: None) -> None:
    id = put("swap", 1, {})
    assert values(SubjectReduction.data, SubjectReduction.id == id) == [{}]


def test_it_is_there_when_the_next_classification_comes(workflow: None) -> None:
    put("swap", 1, {"likelihood": 0.5})
    receive([make_event(3, subject=1, user=3, choice="zebra")])
    process()
    assert values(SubjectReduction.data, SubjectReduction.reducer_key == "swap") == [
        {"likelihood": 0.5}
    ]


def test_a_volunteers_reduction(workflow: None) -> None:
    put("skill", 1, {"level": 3}, topic=USER)
    assert values(UserReduction.data, UserReduction.reducer_key == "skill") == [{"level": 3}]
    assert values(UserAction.user_id) == [1]


def test_a_projects_reduction_has_no_rules(workflow: None) -> None:
    with db.session.begin():
        given = PushedReduction("swap", 1, "_default", {"likelihood": 0.95})
        project = Reducible("Project", 10)
        push_reduction(db.session(), project, SUBJECT, given, now=datetime.now(UTC))
    db.session.remove()
    assert values(SubjectAction.id) == []
    kinds = values(SubjectReduction.reducible_type, SubjectReduction.reducer_key == "swap")
    assert kinds == ["Project"]
