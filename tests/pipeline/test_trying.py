"""Trying things out: what the engine makes of the same, in the time there is, and only read."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from caesar_web.domain.conditions import parse
from caesar_web.domain.documents import Document, ExtractorRow, ReducerRow
from caesar_web.domain.whys import explained
from caesar_web.pipeline import trying
from caesar_web.store import samples
from caesar_web.store.configuration import SubjectRule
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.snapshot import Reducible
from tests.factories import LIONS, make_event, make_workflow
from tests.pipeline.steps import process, receive
from tests.pipeline.test_statements import counted

LION: list[Any] = ["lookup", "counts.lion", 0]
WORKFLOW = Reducible("Workflow", 100)
USERS = {"of_users": {"type": "count", "topic": "reduce_by_user"}}


@pytest.fixture
def workflow(app: Flask) -> None:
    """Subject n has n lions, from users 1 to n; the rule has retired subject 5."""
    reducers = LIONS["reducers_config"] | USERS
    with db.session.begin():
        make_workflow(db.session(), **LIONS | {"reducers_config": reducers})
    pairs = [(subject, user) for subject in range(1, 6) for user in range(1, subject + 1)]
    receive(
        make_event(id, subject=subject, user=user, choice="lion")
        for id, (subject, user) in enumerate(pairs, start=1)
    )
    process()


def make_extractor(type_name: str, version: str | None = None, **config: Any) -> ExtractorRow:
    return ExtractorRow("tried", type_name, config, version)


def make_reducer(
    type_name: str, topic: str = "reduce_by_subject", filters: Any = None, **config: Any
) -> ReducerRow:
    mode = "default_reduction"
    return ReducerRow("tried", type_name, config, topic, mode, filters or {}, {}, None, None)


EXTRACTORS: list[tuple[ExtractorRow, Any, str | None]] = [
    (make_extractor("survey"), {"lion": 1}, None),
    (
        make_extractor("question", task_key="T9", if_missing="reject"),
        None,
        "It has no annotation for task T9.",
    ),
    (
        make_extractor("survey", "2.0"),
        None,
        "It was made with version 1.1 of the workflow, which is before 2.0.",
    ),
    (make_extractor("question", task_key="T9"), None, "no annotation for task T9"),
    (make_extractor("pluck_field"), None, "at tried.field_map: must be given"),
    (
        make_extractor("pluck_field", field_map={"x": "$.nowhere"}, if_missing="reject"),
        None,
        "It does not have all that the extractor looks for.",
    ),
]


def test_extractors(workflow: None) -> None:
    with reading() as session:
        tried = [trying.try_extractor(session, 100, row, 1) for row, _, _ in EXTRACTORS]
        assert trying.try_extractor(session, 100, EXTRACTORS[0][0], 999) is None
    results = [(one.data, one.why or one.error) for one in tried if one]
    assert results == [(data, said) for _, data, said in EXTRACTORS]
    assert tried[0] is not None
    assert "T0" in tried[0].classification.annotations


def test_reducers(workflow: None) -> None:
    with reading() as session:
        steps = trying.try_reducer(session, WORKFLOW, make_reducer("stats"), 4)
        of_user = trying.try_reducer(session, WORKFLOW, make_reducer("count", "reduce_by_user"), 2)
        broken = trying.try_reducer(session, WORKFLOW, make_reducer("unique_count"), 4)
        unknown = trying.try_reducer(session, WORKFLOW, make_reducer("stats"), 99)
    assert [(one.name, one.data) for one in steps.subgroups] == [("_default", {"lion": 4})]
    assert of_user.subgroups[0].data == {"classifications": 4, "extracts": 4}
    assert broken.error
    assert unknown.subgroups == ()


def test_reducers_see_previous_subjects_and_training(workflow: None) -> None:
    metadata = {"previous_subject_ids": [2], "#training_subject": True}
    receive([make_event(50, subject=9, user=8, choice="lion", subject_metadata=metadata)])
    process()
    row = make_reducer("stats", filters={"training_behavior": "experiment_only"})
    with reading() as session:
        plain = trying.try_reducer(session, WORKFLOW, make_reducer("stats"), 9)
        steps = trying.try_reducer(session, WORKFLOW, row, 9)
    assert plain.subgroups[0].data == {"lion": 3}
    assert steps.subgroups[0].data == {"lion": 2}
    assert [one.words for one in steps.subgroups[0].fallen] == ["a training subject"]


def test_reducers_see_what_extracts_carry_along(workflow: None) -> None:
    votes = make_reducer("votes", weight_field="classifications")
    votes = replace(votes, user_reducer_keys=["of_users"])  # 5 of user 1, 4 of user 2
    with reading() as session:
        (tried,) = trying.try_reducer(session, WORKFLOW, votes, 2).subgroups
        rehearsed = dict(trying.sampled(session, 100, Document(reducers=[votes])).found)
    assert tried.data["votes"] == {"lion": 9}
    assert rehearsed[2].find("tried.votes.lion") == 9


def test_only_so_many_extracts_are_looked_at(workflow: None) -> None:
    with reading() as session:
        steps = trying.try_reducer(session, WORKFLOW, make_reducer("stats"), 5, most=3)
    assert (steps.bounded_to, steps.subgroups[0].data) == (3, {"lion": 3})


def test_conditions(workflow: None) -> None:
    edited = parse(["gte", LION, ["const", 4]])
    with reading() as session:
        rule_id = session.scalar(select(SubjectRule.id))
        preview = trying.try_condition(
            session, 100, edited, trying.sampled(session, 100).found, rule_id=rule_id
        )
    assert (preview.run.matching, preview.run.total, preview.label) == (
        2,
        5,
        "of the latest 5 subjects",
    )
    assert [one.new for one in preview.near_misses] == [3, 5]
    assert {one.target_id: one.change for one in preview.changes if one.change != "same"} == {
        4: "newly matches"
    }
    assert preview.acted == {5}
    assert (preview.extremes, preview.is_cut_short) == ((), False)


def test_conditions_of_users(workflow: None) -> None:
    condition = parse(["gt", ["lookup", "of_users.classifications", 0], ["const", 5]])
    with reading() as session:
        sample = trying.sampled(session, 100, is_for_users=True).found[:3]
        preview = trying.try_condition(session, 100, condition, sample, is_for_users=True)
    assert preview.run.matching == 0
    assert preview.label == "of the latest 3 users"
    assert preview.extremes  # the highest value seen


def test_what_there_is_no_time_for_is_not_looked_at(workflow: None) -> None:
    ticks = count(step=0.5)
    with reading() as session:
        sample = trying.sampled(session, 100).found
        condition = parse(["gt", LION, ["const", 3]])
        preview = trying.try_condition(session, 100, condition, sample, clock=lambda: next(ticks))
    assert (preview.run.total, preview.sampled, preview.is_cut_short) == (3, 5, True)
    assert preview.near_misses == ()


def test_why(workflow: None) -> None:
    condition = parse(["gte", LION, ["const", 4]])
    with reading() as session:
        subject = samples.scope_of_subject(session, 100, 3)
        user = samples.scope_of_user(session, 100, 3)
        assert samples.scope_of_subject(session, 100, 99) is None
    assert subject is not None
    of_subject = explained(condition, subject)
    assert (of_subject.mark, of_subject.steps[0].value) == ("no", "3")
    assert user is not None
    assert explained(condition, user).steps[0].used_fallback  # users have no counts


def test_what_is_known(workflow: None) -> None:
    with reading() as session:
        known = trying.known(session, 100, trying.sampled(session, 100).found)
        users = trying.sampled(session, 100, is_for_users=True).found
        of_users = trying.known(session, 100, users, is_for_users=True)
    assert (known.sampled, known.extractors) == (5, frozenset({"survey"}))
    assert known.seen["counts.lion"].count == 5
    assert (set(known.reducers or ()), set(of_users.reducers or ())) == ({"counts"}, {"of_users"})
    assert of_users.targets == "users"


def test_nothing_is_written(workflow: None) -> None:
    condition = parse(["gte", LION, ["const", 4]])
    with reading() as session, counted() as statements:
        if db.engine.dialect.name == "postgresql":
            session.execute(text("SET TRANSACTION READ ONLY"))
        trying.try_extractor(session, 100, make_extractor("survey"), 1)
        trying.try_reducer(session, WORKFLOW, make_reducer("stats"), 5)
        sample = trying.sampled(session, 100).found
        trying.try_condition(session, 100, condition, sample, rule_id=1)
        samples.scope_of_subject(session, 100, 5)
        trying.known(session, 100, sample)
        assert not session.new
        assert not session.dirty
    assert {statement.split()[0] for statement in statements} <= {"SELECT", "SET"}
