"""Samples to try things on: the newest, in a fixed number of statements, of one workflow only."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from caesar_web.domain.scope import ReductionScope
from caesar_web.store import samples
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.result_statements import SUBJECT, USER
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.snapshot import Reducible
from tests.factories import START, make_event, make_workflow
from tests.pipeline.steps import receive
from tests.pipeline.test_statements import counted

WORKFLOW = Reducible("Workflow", 100)
TIMES = {"created_at": START, "updated_at": START}


@pytest.fixture
def workflows(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session())
        make_workflow(db.session(), 101)


def write(table: Any, rows: list[dict[str, Any]]) -> None:
    with db.session.begin():
        db.session.execute(insert(table), rows)
    db.session.remove()


def reduction(key: str, data: Any, *, workflow: int = 100, **over: Any) -> dict[str, Any]:
    of = {"reducible_type": "Workflow", "reducible_id": workflow, "subgroup": "_default"}
    return {**of, "reducer_key": key, "data": data, **TIMES, **over}


def test_the_newest_subjects_as_rules_see_them(workflows: None) -> None:
    receive([make_event(1, subject=2, subject_metadata={"mag": 3})])
    write(
        SubjectReduction,
        [
            reduction("counts", {"lion": 1}, subject_id=1),
            reduction("counts", {"lion": 2}, subject_id=2),
            reduction("counts", {"lion": 3}, subject_id=3),
            reduction("counts", {"bird": 1}, subject_id=2, subgroup="red"),
            reduction("counts", {"bird": 1}, subject_id=3, workflow=101),
            reduction("other", 4, subject_id=1),
        ],
    )
    with reading() as session:
        found = samples.recent_subjects(session, 100, most=2)
        one = samples.scope_of_subject(session, 100, 2)
    assert found == [
        (1, ReductionScope({"counts": {"_default": {"lion": 1}}, "other": {"_default": 4}}, 1)),
        (
            2,
            ReductionScope(
                {"counts": {"_default": {"lion": 2}, "red": {"bird": 1}}}, 2, {"mag": 3}
            ),
        ),
    ]
    assert one == found[1][1]


def test_the_newest_users(workflows: None) -> None:
    write(UserReduction, [reduction("c", 1, user_id=7), reduction("c", 2, user_id=8)])
    with reading() as session:
        assert samples.recent_users(session, 100) == [
            (8, ReductionScope({"c": {"_default": 2}})),
            (7, ReductionScope({"c": {"_default": 1}})),
        ]
        assert samples.scope_of_user(session, 100, 7) == ReductionScope({"c": {"_default": 1}})
        assert samples.scope_of_user(session, 101, 7) is None


def test_the_number_of_statements_is_fixed(workflows: None) -> None:
    rows = [reduction("c", 1, subject_id=id) for id in range(1, 60)]
    write(SubjectReduction, rows)
    with reading() as session, counted() as statements:
        assert len(samples.recent_subjects(session, 100)) == 59
    assert len(statements) == 3


def test_what_is_too_large_for_a_sample_is_left_out(
    workflows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_REDUCTIONS", 3)
    names = ("red", "blue")
    write(
        SubjectReduction,
        [reduction("c", 1, subject_id=id, subgroup=name) for id in (1, 2) for name in names],
    )
    with reading() as session:
        found = samples.recent_subjects(session, 100)
    assert [id for id, _ in found] == [1]


def test_a_subject_is_the_workflows_where_anything_of_it_came_there(workflows: None) -> None:
    receive([make_event(1, subject=5, subject_metadata={"mag": 3})])
    with reading() as session:
        assert samples.scope_of_subject(session, 100, 5) == ReductionScope({}, 5, {"mag": 3})
        assert samples.scope_of_subject(session, 101, 5) is None


def test_the_classifications_that_came_last(
    workflows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive([make_event(id, subject=id, user=9) for id in (1, 2, 3)])
    receive([make_event(id, subject=id, workflow=101) for id in range(4, 9)])
    with reading() as session:
        found = samples.recent_classifications(session, 100, most=2)
        assert [(one.id, one.subject.id, one.user_id) for one in found] == [(3, 3, 9), (2, 2, 9)]
        monkeypatch.setattr(samples, "NEWEST_ARRIVALS", 4)  # none of them is this workflow's
        found = samples.recent_classifications(session, 100, most=2)
        assert [one.id for one in found] == [3, 2]
        assert samples.classification(session, 101, 3) is None
        assert samples.classification(session, 100, 3) is not None


def extract(id: int, classification: int | None, key: str, **over: Any) -> dict[str, Any]:
    at = START + timedelta(seconds=id)
    of = {"id": id, "classification_id": classification, "extractor_key": key, "subject_id": 1}
    return {**of, "classification_at": at, "workflow_id": 100, "data": {"x": id}, **TIMES, **over}


def test_the_newest_extracts_with_whole_classifications(workflows: None) -> None:
    write(
        Extract,
        [
            extract(1, 11, "a", project_id=10, user_id=None),
            extract(2, 12, "a", project_id=10, user_id=7),
            extract(3, 12, "b", project_id=10, user_id=7),
            extract(4, 13, "a", project_id=10, user_id=7),
            extract(5, 14, "a", project_id=10, user_id=7, subject_id=2),
            extract(6, 15, "a", project_id=20, user_id=7, workflow_id=101),
        ],
    )

    def newest(*arguments: Any, most: int) -> tuple[list[int], bool]:
        with reading() as session:
            found, has_more = samples.newest_extracts(session, *arguments, most=most)
        return [one.id for one in found], has_more

    assert newest(WORKFLOW, SUBJECT, [1], most=4) == ([4, 3, 2, 1], False)
    assert newest(WORKFLOW, SUBJECT, [1, 2], most=4) == ([5, 4, 3, 2], True)
    assert newest(WORKFLOW, SUBJECT, [1], most=2) == ([4], True)  # of 12 not all fit
    assert newest(WORKFLOW, USER, [7], most=9) == ([5, 4, 3, 2], False)
    assert newest(Reducible("Project", 20), USER, [7], most=9) == ([6], False)


def test_on_whom_a_rule_has_acted(workflows: None) -> None:
    action = {
        "workflow_id": 100,
        "rule_id": 4,
        "effect_id": 1,
        "effect_revision": 1,
        "effect_type": "retire_subject",
        "config": {},
        "not_before": START,
        **TIMES,
    }
    others = [action | {"subject_id": 2}, action | {"subject_id": 3, "rule_id": 5}]
    write(SubjectAction, [action | {"subject_id": 1}, *others])
    with reading() as session:
        assert samples.acted_on(session, 100, 4, [1, 3]) == {1}
        assert samples.acted_on(session, 101, 4, [1, 3]) == frozenset()
