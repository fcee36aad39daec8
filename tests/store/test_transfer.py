"""Configuration in and out as one document: a round trip, all or nothing, and who changed what."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.domain.documents import read_document
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline.workflows import Description, add
from caesar_web.store import rules as rules_of_documents
from caesar_web.store import transfer
from caesar_web.store.configuration import (
    Extractor,
    Reducer,
    Revision,
    SubjectRule,
    UserRule,
    Workflow,
)
from caesar_web.store.db import db
from tests.factories import START, copied, give

JSON = dict[str, Any]
SAMPLES = sorted((Path(transfer.__file__).parents[1] / "standin" / "configurations").glob("*.json"))
LATER = START + timedelta(hours=1)

RETIRE: JSON = {
    "if": ["gte", ["lookup", "counts.lion", 0], ["const", 5]],
    "then": [{"action": "retire_subject", "reason": "consensus"}],
}
COLLECT: JSON = {
    "if": ["const", True],
    "then": [
        {"action": "add_subject_to_set", "subject_set_id": 7},
        {"action": "add_subject_to_collection", "collection_id": 8},
    ],
}
PROMOTE: JSON = {
    "if": ["gte", ["lookup", "seen.extracts", 0], ["const", 5]],
    "then": [{"action": "promote_user", "workflow_id": 101}],
}
DOCUMENT: JSON = {
    "status": "paused",
    "rules_applied": "first_matching_rule",
    "public_extracts": True,
    "public_reductions": True,
    "extractors_config": {"species": {"type": "survey", "minimum_version": "2.10"}},
    "reducers_config": {
        "counts": {"type": "stats", "filters": {"extractor_keys": ["species"], "to": 3}},
        "seen": {
            "type": "count",
            "topic": "reduce_by_user",
            "reduction_mode": "running_reduction",
            "grouping": {"field_name": "species.lion", "if_missing": "ignore"},
            "subject_reducer_keys": ["counts"],
        },
    },
    "rules_config": [RETIRE, COLLECT],
    "user_rules_config": [PROMOTE],
}


@pytest.fixture
def workflow(app: Flask) -> int:
    with db.session.begin():
        add(db.session(), Description(100, 10, "Galaxies", "Galaxy Demo"), now=START)
    db.session.remove()
    return 100


def apply(document: JSON, *, author: str = "ann") -> bool:
    with db.session.begin():
        row = db.session.get_one(Workflow, 100)
        changed = give(db.session(), row, document, author=author, now=LATER)
    db.session.remove()
    return changed


def shown() -> JSON:
    document = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    text = json.dumps(document)
    db.session.remove()
    return copied(json.loads(text))


def rules(table: Any = SubjectRule) -> list[tuple[int, int, list[tuple[int, int]]]]:
    """Id and order of every rule, with id and revision of its effects."""
    rows = db.session.scalars(select(table).order_by(table.row_order)).all()
    found = [
        (row.id, row.row_order, [(effect.id, effect.revision) for effect in row.effects])
        for row in rows
    ]
    db.session.remove()
    return found


def revisions() -> list[Revision]:
    found = list(db.session.scalars(select(Revision).order_by(Revision.id)))
    db.session.expunge_all()
    db.session.remove()
    return found


def state() -> tuple[int, Any]:
    row = db.session.get_one(Workflow, 100)
    found = (row.revision, row.updated_at)
    db.session.remove()
    return found


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: str(file.stem))
def test_a_sample_comes_out_as_it_went_in(workflow: int, file: Path) -> None:
    document = json.loads(file.read_text("utf-8"))
    assert apply(document)
    said = shown()
    for name in ("status", "rules_applied", "public_extracts", "public_reductions"):
        assert said[name] == document[name]
    assert said["rules_config"] == document["rules_config"]
    assert said["user_rules_config"] == document["user_rules_config"]
    for kind in ("extractors_config", "reducers_config"):
        assert list(said[kind]) == list(document[kind])
        for key, entry in document[kind].items():
            assert entry.items() <= said[kind][key].items()
    before = rules(), rules(UserRule), state()
    assert not apply(said)  # what is shown, applied, is what there is
    assert not apply(document)
    assert (rules(), rules(UserRule), state()) == before
    assert len(revisions()) == 1


def test_everything_that_can_be_said_comes_out_as_it_went_in(workflow: int) -> None:
    assert apply(DOCUMENT)
    said = shown()
    assert said.pop("reducers_config") == {
        "counts": {
            "type": "stats",
            "topic": "reduce_by_subject",
            "reduction_mode": "default_reduction",
            "filters": {"extractor_keys": ["species"], "to": 3},
        },
        "seen": DOCUMENT["reducers_config"]["seen"],
    }
    assert said == {name: DOCUMENT[name] for name in said}


@pytest.mark.parametrize(
    "condition",
    [
        ["const", {"b": 1, "a": 1.0, "é": "🦁", "n": None}],
        ["eq", ["const", 12345678901234567890123], ["const", 1e300], ["const", -0.0]],
        ["lookup", 'a["b"].c', [1, {"z": 1, "a": 2}]],
        ["to_f", ["to_i", ["float", ["int", ["const", "1"]]]]],
    ],
)
def test_a_condition_is_kept_to_the_letter(workflow: int, condition: Any) -> None:
    apply({"rules_config": [{"if": condition, "then": []}]})
    (rule,) = shown()["rules_config"]
    assert json.dumps(rule["if"]) == json.dumps(condition)


def test_a_change_is_kept_with_its_author(workflow: int) -> None:
    assert apply(DOCUMENT)
    assert apply({"status": "active"}, author="bob")
    first, second = revisions()
    assert (first.author, second.author) == ("ann", "bob")
    assert (first.reducible_type, first.reducible_id) == ("Workflow", 100)
    assert first.before is not None
    assert first.after is not None
    assert (second.before or {})["status"] == "paused"
    assert (second.after or {})["status"] == "active"
    assert first.before["rules_config"] == []
    assert first.after["rules_config"] == DOCUMENT["rules_config"]
    assert second.created_at == LATER
    assert state() == (3, LATER)


def test_what_changes_nothing_leaves_no_trace(workflow: int) -> None:
    apply(DOCUMENT)
    before = state()
    for same in (DOCUMENT, {}, {"status": "paused"}, {"status": None, "rules_config": None}):
        assert not apply(same)
    assert state() == before
    assert len(revisions()) == 1


@pytest.mark.parametrize("member", [name for name in DOCUMENT if name.endswith("_config")])
def test_what_a_document_does_not_speak_of_stays(workflow: int, member: str) -> None:
    apply(DOCUMENT)
    before = shown()
    empty: Any = {} if isinstance(DOCUMENT[member], dict) else []
    assert apply({member: empty})
    assert shown() == before | {member: empty}


def ids(table: Any) -> dict[str, int]:
    """The ids of extractors or reducers by their keys."""
    found = {row.key: row.id for row in db.session.scalars(select(table))}
    db.session.remove()
    return found


def test_parts_keep_their_ids_while_their_keys_and_types_stay(workflow: int) -> None:
    apply(DOCUMENT)
    before = ids(Extractor), ids(Reducer)
    changed = copied(DOCUMENT)
    species = {"type": "survey", "task_key": "T1"}
    changed["extractors_config"] = {"new": {"type": "who"}, "species": species}
    changed["reducers_config"] = {"counts": {"type": "stats"}}
    apply(changed)
    assert ids(Extractor)["species"] == before[0]["species"]
    assert ids(Extractor).keys() == {"species", "new"}
    assert ids(Reducer) == {"counts": before[1]["counts"]}
    assert shown()["extractors_config"]["species"] == species


def test_b10_parts_of_another_type_are_others(workflow: int) -> None:
    """So what has failed, and what was missed in a pause, is not laid to them."""
    apply(DOCUMENT)
    before = ids(Extractor), ids(Reducer)
    apply(
        {
            "extractors_config": {"species": {"type": "question"}},
            "reducers_config": {"counts": {"type": "count"}},
        }
    )
    assert ids(Extractor)["species"] != before[0]["species"]
    assert ids(Reducer)["counts"] not in before[1].values()
    assert shown()["extractors_config"] == {"species": {"type": "question"}}


def test_a_rule_that_stays_is_the_same_rule(workflow: int) -> None:
    apply(DOCUMENT)
    (retire, collect), promote = rules(), rules(UserRule)
    apply({"rules_config": [COLLECT, RETIRE]})
    assert rules() == [(collect[0], 0, collect[2]), (retire[0], 1, retire[2])]
    assert rules(UserRule) == promote
    apply({"rules_config": [{"if": ["const", False], "then": []}, COLLECT]})
    first, second = rules()
    assert second == (collect[0], 1, collect[2])
    assert first[0] not in (retire[0], collect[0])


def _other_condition(rule: JSON) -> None:
    rule["if"][2] = ["const", 6]


def _other_reason(rule: JSON) -> None:
    rule["then"][0]["reason"] = "flagged"


def _one_effect_more(rule: JSON) -> None:
    rule["then"].append({"action": "add_subject_to_set", "subject_set_id": 7})


def _of_another_kind(rule: JSON) -> None:
    rule["if"][2] = ["const", 5.0]


@pytest.mark.parametrize(
    "change", [_other_condition, _other_reason, _one_effect_more, _of_another_kind]
)
def test_a_rule_that_changes_is_a_new_one(workflow: int, change: Callable[[JSON], None]) -> None:
    apply(DOCUMENT)
    (retire, collect) = rules()
    document = copied(DOCUMENT)
    change(document["rules_config"][0])
    assert apply(document)
    (new, same) = rules()
    assert same == collect
    assert new[0] != retire[0]
    assert not {id for id, _ in new[2]} & {id for id, _ in retire[2]}


def test_of_equal_rules_each_is_kept(workflow: int) -> None:
    apply({"rules_config": [RETIRE, RETIRE]})
    before = rules()
    assert len({id for id, _, _ in before}) == 2
    assert not apply({"rules_config": [RETIRE, RETIRE]})
    apply({"rules_config": [RETIRE]})
    assert rules() == before[:1]


def test_a_failure_in_the_middle_changes_nothing(
    workflow: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(DOCUMENT)
    before = shown(), rules(), state()

    def fail(*_: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(rules_of_documents, "replace", fail)
    with pytest.raises(RuntimeError):
        apply({"extractors_config": {}, "reducers_config": {}, "rules_config": []})
    db.session.remove()
    assert (shown(), rules(), state()) == before
    assert len(revisions()) == 1


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "the document must be an object"),
        ({"extractors": {}}, "at extractors: no such member; known: status, rules_applied,"),
        ({"status": "on"}, "at status: must be one of: active, paused, halted"),
        ({"rules_applied": 1}, "at rules_applied: must be one of:"),
        ({"public_extracts": "perhaps"}, "at public_extracts: must be true or false"),
        ({"extractors_config": []}, "at extractors_config: must be an object of keys"),
        ({"extractors_config": {"a": 1}}, "at extractors_config.a: must be an object"),
        ({"extractors_config": {"a.b": {}}}, "at extractors_config: 'a.b' cannot be a key"),
        ({"extractors_config": {"a": {}}}, "at extractors_config.a.type: unknown type None"),
        (
            {"extractors_config": {"a": {"type": "who", "x": 1}}},
            "at extractors_config.a.x: no such option",
        ),
        (
            {"extractors_config": {"a": {"type": "who", "minimum_version": "new"}}},
            "at extractors_config.a.minimum_version: must be a version",
        ),
        (
            {"reducers_config": {"subject": {"type": "count"}}},
            "at reducers_config.subject: this key is kept for subject metadata",
        ),
        (
            {"reducers_config": {"a": {"type": "count", "topic": "all"}}},
            "at reducers_config.a.topic: must be one of:",
        ),
        (
            {"reducers_config": {"a": {"type": "count", "filters": {"from": "x"}}}},
            "at reducers_config.a.filters.from: must be a whole number",
        ),
        ({"rules_config": {}}, "at rules_config: must be a list"),
        ({"rules_config": [{}]}, "at rules_config[0]: must be an object"),
        (
            {"rules_config": [RETIRE, {"if": ["not", ["lookup", "a"]]}]},
            "at rules_config[1].if[1]: lookup needs a key and a fallback",
        ),
        (
            {"rules_config": [RETIRE | {"then": [{"action": "explode"}]}]},
            "at rules_config[0].then[0].action:",
        ),
        (
            {"user_rules_config": [RETIRE]},
            "at user_rules_config[0].then[0].action:",
        ),
        (
            {"rules_config": [COLLECT | {"then": [{"action": "add_subject_to_set"}]}]},
            "at rules_config[0].then[0].subject_set_id: must be given",
        ),
        ({"status": "a\0b"}, "status holds a NUL character"),
    ],
)
def test_problems_name_their_place(document: Any, problem: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        read_document(document)
    assert [one for one in refused.value.problems if str(one).startswith(problem)], str(
        refused.value
    )


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        read_document({"status": "on", "extractors_config": {"a": {}}, "rules_config": [{}]})
    places = [problem.place for problem in refused.value.problems]
    assert sorted(places) == ["extractors_config.a.type", "rules_config[0]", "status"]
