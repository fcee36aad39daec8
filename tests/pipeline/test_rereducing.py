"""Reducing again and extracting again: as if all had come anew, as it is configured now."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.jobs import running
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Reducer, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.results import (
    Extract,
    ExtractSubjectReduction,
    SubjectReduction,
    UserReduction,
)
from caesar_web.store.runs import Withheld
from caesar_web.store.snapshot import Reducible
from tests.factories import JSON, START, give, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.running import begin, carry_out, failures, make_due, state, take_steps
from tests.pipeline.steps import process, receive

RUNNING = {"reduction_mode": "running_reduction"}
ALL = {"filters": {"repeated_classifications": "keep_all"}}
DOCUMENT: JSON = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {
        "counts": {"type": "stats", **ALL},
        "tally": {"type": "stats", **ALL, **RUNNING},
        "first": {"type": "stats", "filters": {"from": 0, "to": 1}},
        "by_user": {"type": "count", "topic": "reduce_by_user"},
    },
    "rules_config": [
        {
            "if": ["gte", ["lookup", "counts.lion", 0], ["const", 3]],
            "then": [{"action": "retire_subject", "reason": "consensus"}],
        }
    ],
    "user_rules_config": [
        {
            "if": ["gte", ["lookup", "by_user.classifications", 0], ["const", 3]],
            "then": [{"action": "promote_user", "workflow_id": 101}],
        }
    ],
}
EVENTS = [
    make_event(id, subject=1 + id % 3, user=10 + id % 2, choice=choice)
    for id, choice in enumerate(["lion", "lion", "zebra"] * 6, 1)
]


@pytest.fixture
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **DOCUMENT, rules_applied="no_rules")
    receive(EVENTS)
    process()


def configure(**document: Any) -> None:
    with db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 100), document)
    db.session.remove()


def reductions(key: str | None = None) -> dict[tuple[Any, ...], Any]:
    where = True if key is None else SubjectReduction.reducer_key == key
    columns = (SubjectReduction.subject_id, SubjectReduction.reducer_key, SubjectReduction.data)
    return {(subject, name): data for subject, name, data in rows(*columns, where=where)}


def test_what_is_already_so_stays(workflow: None) -> None:
    before = reductions()
    versions = rows(SubjectReduction.id, SubjectReduction.lock_version)
    counted = len(values(ExtractSubjectReduction.extract_id))
    run = carry_out("rereduce")
    assert reductions() == before
    assert rows(SubjectReduction.id, SubjectReduction.lock_version) == versions
    assert len(values(ExtractSubjectReduction.extract_id)) == counted
    assert (run.status, run.done, run.total) == ("finished", 5, 5)  # three subjects, two users


def test_what_was_wrong_is_made_anew(workflow: None) -> None:
    """In running mode too, which counts everything again."""
    before = reductions()
    with db.session.begin():
        db.session.execute(update(SubjectReduction).values(data={"lion": 99}, store={"x": 1}))
    carry_out("rereduce")
    assert reductions() == before
    receive([make_event(100, subject=2, user=50, choice="lion")])
    process()
    more = reductions("tally")[2, "tally"]["lion"] - before[2, "tally"]["lion"]
    assert more == 1


def test_what_no_extract_supports_any_more_goes(workflow: None) -> None:
    configure(
        reducers_config={
            "counts": {"type": "stats", "filters": {"extractor_keys": ["nobody"]}},
            "tally": {"type": "stats", **RUNNING},
        }
    )
    assert reductions("counts")
    carry_out("rereduce")
    assert reductions("counts") == {}
    assert len(reductions("tally")) == 3
    (count,) = values(Workflow.subject_reductions_count)
    assert count == len(reductions())


def test_one_reducer_alone(workflow: None) -> None:
    with db.session.begin():
        db.session.execute(update(SubjectReduction).values(data={"lion": 99}))
    carry_out("rereduce", options={"reducer_key": "counts"})
    assert reductions("counts")[1, "counts"] != {"lion": 99}
    assert reductions("tally")[1, "tally"] == {"lion": 99}


def test_a_reducer_that_is_gone(workflow: None) -> None:
    run_id = begin("rereduce", options={"reducer_key": "nothing"}).run_id
    running.carry_on(run_id)
    assert state(run_id).status == "failed"
    assert state(run_id).last_error == "there is no reducer nothing any more that could be used"


@pytest.mark.parametrize("acts", [True, False])
def test_rules_decide_as_if_all_had_come_anew(workflow: None, acts: bool) -> None:
    configure(rules_applied="all_matching_rules")
    expected = {(2, "retire_subject"), (3, "retire_subject")}
    carry_out("rereduce", acts=acts)
    acted = set(rows(SubjectAction.subject_id, SubjectAction.effect_type))
    is_subject = Withheld.target_type == "subject"
    withheld = set(rows(Withheld.target_id, Withheld.effect_type, where=is_subject))
    assert (acted, withheld) == ((expected, set()) if acts else (set(), expected))
    promoted = (
        values(UserAction.user_id)
        if acts
        else values(Withheld.target_id, Withheld.target_type == "user")
    )
    assert promoted == [10, 11]
    (subjects, users) = rows(Workflow.subject_actions_count, Workflow.user_actions_count)[0]
    assert (subjects, users) == ((2, 2) if acts else (0, 0))


def test_a_rule_that_held_for_a_moment_only_matters_where_each_is_checked(workflow: None) -> None:
    passing = ["eq", ["lookup", "counts.lion", 0], ["const", 1]]
    rule = {"if": passing, "then": [{"action": "retire_subject"}]}
    configure(rules_config=[rule], user_rules_config=[], rules_applied="all_matching_rules")
    carry_out("rereduce", options={"check": "last"}, acts=True)
    assert values(SubjectAction.id) == []
    carry_out("rereduce", options={"check": "none"}, acts=True)
    assert values(SubjectAction.id) == []
    carry_out("rereduce", acts=True)
    assert values(SubjectAction.subject_id) == [2, 3]


def test_only_those_that_were_named(workflow: None) -> None:
    with db.session.begin():
        db.session.execute(update(SubjectReduction).values(data={"lion": 99}))
    run = carry_out("rereduce", options={"subjects": "listed"}, targets=[2])
    assert run.done == 1
    assert reductions("counts")[2, "counts"] == {"lion": 6}
    assert reductions("counts")[3, "counts"] == {"lion": 99}


def test_only_those_that_have_no_reductions(workflow: None) -> None:
    with db.session.begin():
        db.session.query(SubjectReduction).filter_by(subject_id=2).delete()
        db.session.execute(update(SubjectReduction).values(data={"lion": 99}))
    run = carry_out("rereduce", options={"subjects": "never"})
    assert run.done == 1
    assert reductions("counts")[2, "counts"] == {"lion": 6}
    assert reductions("counts")[3, "counts"] == {"lion": 99}


def test_only_those_of_late(workflow: None) -> None:
    (late,) = values(Extract.updated_at, Extract.classification_id == 1)
    with db.session.begin():
        db.session.execute(update(Extract).values(updated_at=START))
        db.session.execute(
            update(Extract).where(Extract.classification_id == 1).values(updated_at=late)
        )
    since = (late - timedelta(seconds=1)).isoformat()
    assert carry_out("rereduce", options={"since": since}).done == 2  # its subject, its user


def test_a_project(app: Flask) -> None:
    with db.session.begin():
        for id in (100, 101):
            make_workflow(db.session(), id, extractors_config={"survey": {"type": "survey"}})
        for key, topic in (("all", "reduce_by_subject"), ("each", "reduce_by_user")):
            db.session.add(
                Reducer(
                    reducible_type="Project",
                    reducible_id=10,
                    key=key,
                    type="stats",
                    topic=topic,
                    filters=ALL["filters"],
                    created_at=START,
                    updated_at=START,
                )
            )
    receive(
        [
            make_event(id, subject=1, user=7, choice="lion", workflow=100 + id % 2)
            for id in range(1, 5)
        ]
    )
    process(100)
    process(101)
    with db.session.begin():
        for table in (SubjectReduction, UserReduction):
            db.session.execute(update(table).values(data={"lion": 99}))
    carry_out("rereduce", reducible=Reducible("Project", 10))
    assert values(SubjectReduction.data) == [{"lion": 4}]
    assert values(UserReduction.data) == [{"lion": 4}]


def test_what_cannot_be_reduced_is_told_once(workflow: None) -> None:
    grouping = {"field_name": "survey.nothing", "if_missing": "error"}
    configure(reducers_config={"counts": {"type": "stats", "grouping": grouping}})
    run = carry_out("rereduce")
    assert run.status == "finished"
    places = [place for place, _ in failures(run.id)]
    assert places
    assert set(places) == {"reducer counts"}
    assert len(places) <= 3


# Extracting again


def test_extracting_again_follows_the_extractors_as_they_are(workflow: None) -> None:
    configure(
        extractors_config={"survey": {"type": "survey"}, "who": {"type": "who"}},
        rules_applied="all_matching_rules",
    )
    run = carry_out("reextract")
    assert (run.status, run.done, run.total) == ("finished", 3, 3)
    keys = values(Extract.extractor_key)
    assert (keys.count("survey"), keys.count("who")) == (18, 18)
    assert reductions("tally")[2, "tally"] == {"lion": 6, "user_id": 63}
    assert values(SubjectAction.id) == []  # unless it is to act
    assert set(values(Withheld.target_id, Withheld.target_type == "subject")) == {2, 3}


def test_extracting_again_tries_what_was_set_aside(workflow: None) -> None:
    with db.session.begin():
        db.session.execute(
            update(Classification)
            .where(Classification.id == 1)
            .values(failed_reason="it was ill", processed_at=None)
        )
    carry_out("reextract")
    assert rows(Classification.failed_reason, where=Classification.id == 1) == [(None,)]
    assert all(values(Classification.processed_at))


def test_extracting_again_only_what_came_since(workflow: None) -> None:
    with db.session.begin():
        db.session.execute(update(Classification).values(received_at=START))
        db.session.execute(
            update(Classification)
            .where(Classification.id == 2)
            .values(received_at=START + timedelta(days=1))
        )
    run = carry_out("reextract", options={"since": (START + timedelta(hours=1)).isoformat()})
    assert run.done == 1
    assert values(Classification.id, Classification.run_id == run.id) == [2]


def test_a_run_waits_while_much_waits(workflow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caesar_web.pipeline.feeding.MOST_WAITING", 5)
    receive([make_event(id, subject=1) for id in range(200, 206)])
    run_id = begin("reextract").run_id
    take_steps(run_id, most=3, works=False)
    assert values(Classification.run_id, Classification.run_id.is_not(None)) == []
    process()
    make_due(run_id)
    assert take_steps(run_id) == "finished"
