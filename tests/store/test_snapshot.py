"""A workflow's configuration in memory: read again when it has changed, broken parts left out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from caesar_web.store import configuration as tables
from caesar_web.store.activity import Light
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.snapshot import Reducible, Snapshot, revisions, snapshot
from tests.factories import START, give, make_event, make_workflow
from tests.pipeline.steps import process, receive

RULE = {"if": ["const", True], "then": [{"action": "retire_subject"}]}
CONFIGURATION: dict[str, Any] = {
    "extractors_config": {"a": {"type": "survey"}, "b": {"type": "who"}},
    "reducers_config": {
        "first": {"type": "stats", "filters": {"extractor_keys": ["a"]}},
        "second": {"type": "count"},
        "users": {"type": "count", "topic": "reduce_by_user"},
    },
    "rules_config": [RULE, RULE | {"if": ["const", 1]}],
}
WORKFLOW = Reducible("Workflow", 100)


@pytest.fixture
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **CONFIGURATION)
    db.session.remove()


def now_read() -> Snapshot:
    with db.session.begin():
        at = revisions(db.session(), 100)
        assert at is not None
        read = snapshot(db.session(), at)
    db.session.remove()
    return read


def statements_while_reading() -> int:
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        if str(arguments[2]).startswith("SELECT"):
            statements.append(arguments[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        now_read()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(statements)


def change(table: Any, where: Any, **values: Any) -> None:
    """As a mistake or an older version left it: past all checks, with a new revision."""
    with db.session.begin():
        db.session.execute(update(table).where(where).values(**values))
        db.session.execute(update(tables.Workflow).values(revision=tables.Workflow.revision + 1))
    db.session.remove()


def test_what_is_configured(workflow: None) -> None:
    read = now_read()
    assert (read.workflow_id, read.project_id) == (100, 10)
    assert [extractor.key for extractor in read.extractors] == ["a", "b"]
    by_subject = read.reducers_of(WORKFLOW, "reduce_by_subject")
    assert [reducer.key for reducer in by_subject] == ["first", "second"]
    assert [one.key for one in read.reducers_of(WORKFLOW, "reduce_by_user")] == ["users"]
    assert read.reducers_of(Reducible("Project", 10), "reduce_by_subject") == ()
    assert len(read.subject_rules) == 2
    assert read.broken == ()


def test_an_unknown_workflow_has_no_revisions(app: Flask) -> None:
    assert revisions(db.session(), 100) is None
    db.session.remove()


def test_it_is_read_once_for_each_revision(workflow: None) -> None:
    first = now_read()
    assert now_read() is first
    assert statements_while_reading() == 1
    with db.session.begin():
        row = db.session.get_one(tables.Workflow, 100)
        give(db.session(), row, {"extractors_config": {"a": {"type": "who"}}})
    db.session.remove()
    assert [extractor.key for extractor in now_read().extractors] == ["a"]
    assert now_read() is not first


def test_a_workflow_that_is_paused_or_made_again_is_read_again(workflow: None) -> None:
    first = now_read()
    for values in (
        {"status": "paused"},
        {"created_at": START + timedelta(seconds=1)},
        {"rules_applied": "no_rules"},
    ):
        with db.session.begin():
            db.session.execute(update(tables.Workflow).values(**values))
        db.session.remove()
        assert now_read() is not first
        first = now_read()
    assert first.rules_applied == "no_rules"


def test_a_change_of_the_project_is_seen(workflow: None) -> None:
    now_read()
    moments = {"created_at": START, "updated_at": START}
    with db.session.begin():
        db.session.add(tables.Project(id=10, **moments))
        db.session.add(
            tables.Reducer(
                reducible_type="Project", reducible_id=10, key="all", type="count", **moments
            )
        )
    db.session.remove()
    (reducer,) = now_read().reducers_of(Reducible("Project", 10), "reduce_by_subject")
    assert reducer.key == "all"


@pytest.mark.parametrize(
    ("table", "key", "values", "says"),
    [
        ("Extractor", "a", {"type": "unheard-of"}, "unheard-of"),
        ("Extractor", "a", {"config": {"unknown": 1}}, "no such option"),
        ("Extractor", "a", {"config": [1]}, "must be an object"),
        ("Reducer", "first", {"type": "unheard-of"}, "unheard-of"),
        ("Reducer", "first", {"config": {"unknown": 1}}, "it takes none"),
        ("Reducer", "first", {"filters": {"from": "x"}}, "must be a whole number"),
        ("Reducer", "first", {"filters": [1]}, "must be an object"),
        ("Reducer", "first", {"grouping": {"field_name": 5}}, "field_name"),
    ],
)
def test_a_broken_part_is_left_out_and_told(
    workflow: None, table: str, key: str, values: dict[str, Any], says: str
) -> None:
    kind = getattr(tables, table)
    change(kind, kind.key == key, **values)
    read = now_read()
    (broken,) = read.broken
    assert broken.kind == table.lower()
    assert says in broken.message
    keys = [one.key for one in read.extractors]
    keys += [one.key for one in read.reducers_of(WORKFLOW, "reduce_by_subject")]
    assert keys == [one for one in ("a", "b", "first", "second") if one != key]


@pytest.mark.parametrize("condition", ["", "no JSON", "[]", '["unheard-of"]', '["not"]', "5"])
def test_a_broken_rule_is_left_out_and_told(workflow: None, condition: str) -> None:
    first = now_read().subject_rules[0].id
    change(tables.SubjectRule, tables.SubjectRule.id == first, condition=condition)
    read = now_read()
    assert [rule.id for rule in read.subject_rules] == [first + 1]
    assert [(broken.kind, broken.id) for broken in read.broken] == [("subject_rule", first)]
    assert read.broken[0].message


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"action": "unheard-of"}, "'unheard-of' is no effect of a subject rule"),
        ({"action": "promote_user"}, "'promote_user' is no effect of a subject rule"),
        ({"action": "add_subject_to_set", "config": {}}, "subject_set_id: must be given"),
        ({"config": []}, "then[0]: must be an object"),
    ],
)
def test_a_rule_with_a_broken_effect_is_left_out_and_told(
    workflow: None, values: dict[str, Any], says: str
) -> None:
    first, second = now_read().subject_rules
    effect = tables.SubjectRuleEffect
    change(effect, effect.subject_rule_id == first.id, **values)
    read = now_read()
    assert [rule.id for rule in read.subject_rules] == [second.id]
    (broken,) = read.broken
    assert (broken.kind, broken.id) == ("subject_rule", first.id)
    assert says in broken.message


def test_the_rest_of_a_broken_workflow_works_and_a_light_tells(workflow: None) -> None:
    change(tables.Extractor, tables.Extractor.key == "b", type="unheard-of")
    change(tables.SubjectRule, tables.SubjectRule.condition == '["const", 1]', condition="[")
    receive([make_event(1, choice="lion")])
    assert process() == 1
    assert [one.extractor_key for one in db.session.scalars(select(Extract))] == ["a"]
    keys = {one.reducer_key for one in db.session.scalars(select(SubjectReduction))}
    assert keys == {"first", "second"}
    lights = db.session.scalars(select(Light).order_by(Light.kind)).all()
    assert [(light.kind, light.workflow_id) for light in lights] == [
        ("extractor", 100),
        ("subject_rule", 100),
    ]
    assert all(light.outcomes.endswith("x") and light.last_error for light in lights)
    assert all(light.updated_at > datetime(2020, 1, 1, tzinfo=UTC) for light in lights)
    db.session.remove()
