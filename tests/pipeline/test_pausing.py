"""Pausing, halting and resuming parts: what goes on meanwhile, and what comes of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, text, update

from caesar_web.domain.documents import read_document
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import running
from caesar_web.pipeline.configuring import Unknown, configure, restore
from caesar_web.pipeline.pausing import move_part
from caesar_web.store import transfer
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Extractor, Project, Reducer, Revision, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import LANES, Classification
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.runs import Run
from caesar_web.store.snapshot import revisions, snapshot
from tests.factories import JSON, START, give, make_event, make_workflow
from tests.jobs.running import eventually
from tests.pipeline.pausing import (
    PROJECT,
    change,
    make_up,
    move,
    move_whole_project,
    part_id,
)
from tests.pipeline.reading import rows, values
from tests.pipeline.running import carry_out, make_due, state, take_steps
from tests.pipeline.steps import process, receive

DEADLINE_SECONDS = 30.0
RUNNING = {"reduction_mode": "running_reduction"}
ALL = {"filters": {"repeated_classifications": "keep_all"}}
ADD = {"action": "add_subject_to_set", "subject_set_id": 7}
ADD_TO_8 = {**ADD, "subject_set_id": 8}
SEND = {"action": "external", "url": "https://receiver.example/", "reducer_key": "counts"}
DOCUMENT: JSON = {
    "extractors_config": {
        "survey": {"type": "survey"},
        "place": {"type": "pluck_field", "field_map": {"name": "$.metadata.place"}},
    },
    "reducers_config": {
        "counts": {"type": "stats", "filters": {"extractor_keys": ["survey"]}},
        "tally": {"type": "stats", "filters": {"extractor_keys": ["survey"]}, **RUNNING},
        "places": {
            "type": "count",
            "grouping": {"field_name": "place.name"},
            **RUNNING,
        },
    },
    "rules_config": [
        {"if": ["gte", ["lookup", "counts.lion", 0], ["const", 3]], "then": [ADD, SEND]},
        {
            "if": ["gte", ["lookup", "counts.lion", 0], ["const", 1]],
            "then": [{**ADD, "subject_set_id": 8}],
        },
    ],
}


@pytest.fixture(autouse=True)
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **DOCUMENT)
    db.session.remove()


def arrive(*ids: int, subject: int = 1, **over: Any) -> None:
    """Lions at a place of their own, each by another volunteer."""
    metadata = {"workflow_version": "1.1", "place": over.pop("place", "north")}
    receive(
        [
            make_event(
                id, subject=subject, user=1000 + id, choice="lion", metadata=metadata, **over
            )
            for id in ids
        ]
    )
    process()


def lions(key: str, subject: int = 1) -> int:
    where = (SubjectReduction.reducer_key == key) & (SubjectReduction.subject_id == subject)
    found = values(SubjectReduction.data, where)
    return int(found[0]["lion"]) if found else 0


def shown() -> JSON:
    with db.session.begin():
        document = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    db.session.remove()
    return document


def acted() -> list[tuple[int, str]]:
    return sorted(rows(SubjectAction.subject_id, SubjectAction.effect_type))


# While it is not active


def test_a_paused_extractor_extracts_nothing_and_the_others_go_on() -> None:
    move("extractor", "place", "paused")
    arrive(1, 2)
    assert values(Extract.extractor_key) == ["survey", "survey"]
    assert lions("counts") == 2
    assert all(values(Classification.processed_at))


@pytest.mark.parametrize("status", ["paused", "halted"])
def test_what_it_has_made_of_a_changed_classification_stays_and_counts(status: str) -> None:
    arrive(1, 2)
    move("extractor", "survey", status)
    arrive(1, changed=60, place="south")
    of_it = Extract.classification_id == 1
    assert values(Extract.extractor_key, of_it, by=Extract.id) == ["survey", "place"]
    assert lions("counts") == 2


def test_extracting_again_leaves_what_a_held_extractor_has_made() -> None:
    arrive(1, 2)
    move("extractor", "place", "halted")
    carry_out("reextract")
    assert values(Extract.extractor_key).count("place") == 2


def test_rules_see_what_a_paused_reducer_has_made() -> None:
    arrive(1, 2)
    move("reducer", "tally", "paused")
    rule = {"if": ["gte", ["lookup", "tally.lion", 0], ["const", 2]], "then": [ADD]}
    with db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 100), {"rules_config": [rule]})
    arrive(3)
    assert (lions("tally"), lions("counts")) == (2, 3)
    assert acted()


def test_a_paused_rule_stops_none_behind_it() -> None:
    with db.session.begin():
        workflow = db.session.get_one(Workflow, 100)
        give(db.session(), workflow, {"rules_applied": "first_matching_rule"})
    moved = move("subject_rule", "0", "paused")
    assert moved.before == "active"
    arrive(1, 2, 3)
    assert acted() == [(1, "add_subject_to_set")]
    assert values(SubjectAction.config) == [{"subject_set_id": 8}]


def test_only_what_is_active_takes_part() -> None:
    for kind, name in (("extractor", "place"), ("reducer", "places"), ("subject_rule", "1")):
        move(kind, name, "paused")
    with db.session.begin():
        at = revisions(db.session(), 100)
        assert at is not None
        now = snapshot(db.session(), at)
    assert [one.key for one in now.extractors] == ["survey"]
    assert now.held_extractors == ("place",)
    assert len(now.subject_rules) == 1


# Making up for it


def test_other_rules_are_not_asked_again() -> None:
    """Or their receivers would get each reduction once more."""
    move("subject_rule", "1", "paused")
    arrive(1, 2, 3)
    before = acted()
    assert before == [(1, "add_subject_to_set"), (1, "external")]
    make_up(move("subject_rule", "1", "active"))
    assert acted() == sorted([*before, (1, "add_subject_to_set")])


def test_a_rule_is_checked_over_what_changed_since_and_nothing_is_reduced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caesar_web.pipeline.resuming.A_TURN", START - START)
    arrive(1, 2, 3, subject=1)
    with db.session.begin():
        db.session.execute(delete(SubjectAction))  # as if it had not acted
    moved = move("subject_rule", "0", "paused")
    arrive(4, 5, 6, subject=2)
    versions = rows(SubjectReduction.id, SubjectReduction.lock_version)
    again = move("subject_rule", "0", "active")
    make_up(again)
    assert moved.run_id is None
    assert state(again.run_id or 0).done == 1
    assert rows(SubjectReduction.id, SubjectReduction.lock_version) == versions
    rule = part_id("subject_rule", "0")
    assert values(SubjectAction.subject_id, SubjectAction.rule_id == rule) == [2, 2]


def test_the_extracts_of_others_stay_as_they_are() -> None:
    arrive(1, 2)
    move("extractor", "survey", "paused")
    arrive(3, 4)
    with db.session.begin():
        db.session.execute(update(Extract).values(data={"name": "by hand"}))
    make_up(move("extractor", "survey", "active"))
    found = rows(Extract.classification_id, Extract.extractor_key, Extract.data)
    assert sorted(json.dumps(row) for row in found if row[0] >= 3) == [
        '[3, "place", {"name": "by hand"}]',
        '[3, "survey", {"lion": 1}]',
        '[4, "place", {"name": "by hand"}]',
        '[4, "survey", {"lion": 1}]',
    ]


def test_a_run_ends_where_its_part_is_paused_again_and_the_next_makes_up_for_both() -> None:
    move("reducer", "tally", "paused")
    arrive(1, 2)
    first = move("reducer", "tally", "active").run_id
    assert first is not None
    move("reducer", "tally", "paused")
    running.carry_on(first)
    assert state(first).status == "failed"
    make_up(move("reducer", "tally", "active"))
    assert lions("tally") == 2


def test_asking_twice_gives_the_run_that_is_there() -> None:
    move("reducer", "tally", "paused")
    first = move("reducer", "tally", "active")
    again = move("reducer", "tally", "active")
    assert first.run_id == again.run_id
    assert again.before == "active"
    assert len(values(Run.id)) == 1


def test_a_run_of_an_extractor_waits_while_the_workflow_is_paused() -> None:
    move("extractor", "survey", "paused")
    arrive(1)
    run_id = move("extractor", "survey", "active").run_id or 0
    with db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 100), {"status": "paused"})
    assert take_steps(run_id, most=2) == "running"
    assert "paused" in (state(run_id).last_error or "")
    with db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 100), {"status": "active"})
    make_due(run_id)
    assert take_steps(run_id) == "finished"
    assert lions("tally") == 1


def test_a_run_waits_for_turns_that_knew_the_older_configuration(app: Flask) -> None:
    """They have read it with a lane in their hands, and do not do what the part would do."""
    if db.engine.dialect.name != "postgresql":
        return  # one writer at a time
    move("reducer", "tally", "paused")
    run_id = move("reducer", "tally", "active").run_id or 0
    with db.engine.connect() as turn, ThreadPoolExecutor(1) as pool:
        turn.execute(text(f"SELECT pg_advisory_xact_lock({100 * LANES + 5})"))
        step = pool.submit(_one_step, app, run_id)
        eventually(_somebody_waits)
        assert not step.done()
        turn.rollback()
        step.result(DEADLINE_SECONDS)
    assert state(run_id).checkpoint == {"phase": "list"}


def _one_step(app: Flask, run_id: int) -> None:
    with app.app_context():
        take_steps(run_id, most=1, works=False)


def _somebody_waits() -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with db.engine.connect() as connection:
        return bool(connection.scalar(text(waiting)))


# Halting


@pytest.mark.parametrize("via", [(), ("paused",)])
def test_what_a_halted_running_reducer_missed_is_never_counted(via: tuple[str, ...]) -> None:
    arrive(1, 2)
    arrive(10, subject=2, place="east")
    for status in via:
        move("reducer", "tally", status)
        move("reducer", "places", status)
    move("reducer", "tally", "halted")
    move("reducer", "places", "halted")
    arrive(3, 4, place="south")
    arrive(20, 21, subject=3)  # of which it has nothing yet
    for key in ("tally", "places"):
        assert move("reducer", key, "active").run_id is None
    arrive(5, place="south")
    arrive(22, subject=3)
    arrive(3, changed=60, place="south")  # one of them comes again, changed
    assert (lions("tally"), lions("tally", 3), lions("counts")) == (3, 1, 5)
    south = (SubjectReduction.reducer_key == "places") & (SubjectReduction.subgroup == "south")
    assert values(SubjectReduction.data, south) == [{"classifications": 1, "extracts": 2}]
    # Neither when it makes up for a later pause.
    move("reducer", "tally", "paused")
    arrive(6)
    make_up(move("reducer", "tally", "active"))
    assert lions("tally") == 4
    # Unless somebody wants all of it reduced again.
    carry_out("rereduce", options={"reducer_key": "tally"})
    assert (lions("tally"), lions("tally", 3)) == (6, 3)


def test_a_halted_reducer_in_default_mode_follows_with_the_next_classification() -> None:
    move("reducer", "counts", "halted")
    arrive(1, 2)
    assert move("reducer", "counts", "active").run_id is None
    assert lions("counts") == 0
    arrive(3)
    assert lions("counts") == 3


def test_halted_extractors_and_rules_are_not_made_up_for() -> None:
    move("extractor", "survey", "halted")
    arrive(1, 2)
    assert move("extractor", "survey", "active").run_id is None
    move("subject_rule", "1", "halted")
    arrive(3)
    assert move("subject_rule", "1", "active").run_id is None
    assert (lions("counts"), acted()) == (1, [])


# Projects


def test_a_halted_project_and_its_running_reducers() -> None:
    of = {"reducible_type": "Project", "reducible_id": 10, "created_at": START, "updated_at": START}
    with db.session.begin():
        db.session.add(Project(id=10, created_at=START, updated_at=START))
        db.session.add(Reducer(key="everybody", type="stats", **RUNNING, **of))
    arrive(1)
    move_whole_project("halted")
    arrive(2, 30)
    arrive(31, subject=3)
    assert move_whole_project("active").run_id is None
    arrive(3)
    arrive(32, subject=3)
    assert (lions("everybody"), lions("everybody", 3)) == (2, 1)


def test_a_reducer_of_a_paused_project_waits_for_it() -> None:
    of = {"reducible_type": "Project", "reducible_id": 10, "created_at": START, "updated_at": START}
    with db.session.begin():
        db.session.add(Project(id=10, created_at=START, updated_at=START))
        db.session.add(Reducer(key="everybody", type="stats", **of))
    move("reducer", "everybody", "paused", of=PROJECT)
    arrive(1)
    move_whole_project("paused")
    run_id = move("reducer", "everybody", "active", of=PROJECT).run_id or 0
    assert take_steps(run_id, most=2) == "running"
    assert state(run_id).last_error == (
        "The project is paused: this run goes on when it is resumed."
    )
    make_up(move_whole_project("active"))
    make_due(run_id)
    assert take_steps(run_id) == "finished"
    assert lions("everybody") == 1


# In the configuration


def test_a_state_is_a_revision_and_part_of_documents() -> None:
    before = shown()
    assert "status" not in before["extractors_config"]["place"]
    move("extractor", "place", "paused")
    move("reducer", "tally", "halted")
    move("subject_rule", "0", "paused")
    document = shown()
    assert document["extractors_config"]["place"]["status"] == "paused"
    assert document["reducers_config"]["tally"]["status"] == "halted"
    assert document["rules_config"][0]["status"] == "paused"
    assert values(Revision.author, by=Revision.id)[-3:] == ["alice"] * 3
    read_document(document)


def test_a_document_without_a_state_resumes_and_makes_up_for_it() -> None:
    before = shown()
    for kind, name in (("extractor", "place"), ("reducer", "tally"), ("subject_rule", "0")):
        move(kind, name, "paused")
    paused = shown()
    rules = part_id("subject_rule", "0")
    assert configure(change(), 100, read_document({"rules_applied": "first_matching_rule"}))
    assert values(Run.id) == []  # it said nothing of them
    assert not configure(
        change(), 100, read_document({**paused, "rules_applied": "first_matching_rule"})
    )
    assert configure(change(), 100, read_document(before))
    assert values(Run.kind, by=Run.id) == ["reextract", "rereduce", "recheck"]
    assert part_id("subject_rule", "0") == rules
    assert values(Extractor.status) == ["active", "active"]


def test_restoring_brings_states_back() -> None:
    move("extractor", "place", "paused")
    (*_, paused) = values(Revision.id)
    move("extractor", "place", "active")
    assert restore(change(), 100, paused)
    assert shown()["extractors_config"]["place"]["status"] == "paused"


def test_states_that_there_are_not() -> None:
    with pytest.raises(InvalidConfiguration, match=r"extractors_config\.a\.status"):
        read_document({"extractors_config": {"a": {"type": "survey", "status": "asleep"}}})
    with pytest.raises(Unknown):
        move_part(change(), PROJECT, "reducer", 1, "paused")
