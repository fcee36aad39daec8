"""Saving one extractor or reducer: other keys, what refers to them, and what is nobody's."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.domain.documents import ExtractorRow, ReducerRow, read_extractor, read_reducer
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import tasks
from caesar_web.pipeline.configuring import ChangedMeanwhile, Place, Unknown
from caesar_web.pipeline.part_saving import (
    remove_extractor,
    remove_reducer,
    save_extractor,
    save_reducer,
)
from caesar_web.pipeline.rule_saving import RuleWanted, save_rule
from caesar_web.store import transfer
from caesar_web.store.configuration import (
    Extractor,
    Project,
    Reducer,
    Revision,
    SubjectRule,
    Workflow,
)
from caesar_web.store.db import db
from caesar_web.store.fingerprints import fingerprint
from caesar_web.store.snapshot import Reducible
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.conftest import plain_config
from tests.factories import JSON, make_workflow
from tests.pipeline.test_configuring import change, revisions
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

GALAXIES, GALAXY_DEMO = Reducible("Workflow", 100), Reducible("Project", 10)
SPACED = '[ "gte",["lookup","other.b",  0], ["const", 1.0] ]'
DOCUMENT: JSON = {
    "extractors_config": {"survey": {"type": "survey"}, "other": {"type": "survey"}},
    "reducers_config": {
        "counts": {
            "type": "stats",
            "filters": {"extractor_keys": ["survey", "other"]},
            "grouping": {"field_name": "survey.lion", "if_missing": "ignore"},
        },
        "carrying": {
            "type": "count",
            "topic": "reduce_by_user",
            "subject_reducer_keys": ["counts"],
        },
    },
    "rules_config": [
        {
            "if": ["gt", ["lookup", "counts[a].lion", 0], ["lookup", "counts.zebra", 0]],
            "then": [
                {
                    "action": "external",
                    "url": "https://example.org/hook",
                    "reducer_key": "counts",
                }
            ],
        }
    ],
    "user_rules_config": [{"if": ["lookup", "carrying.counts", 0], "then": []}],
}


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture(autouse=True)
def workflow(app: Flask) -> Iterator[None]:
    with db.session.begin():
        make_workflow(db.session(), 100, **DOCUMENT)
    db.session.remove()
    save_rule(change(), Place(SubjectRule, 100, None), RuleWanted(SPACED))
    yield
    tasks.panoptes().close()


def shown() -> JSON:
    found = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    db.session.remove()
    return found


def extractor(key: str, **entry: Any) -> ExtractorRow:
    return read_extractor(key, {"type": "survey", **entry})


def reducer(key: str, **entry: Any) -> ReducerRow:
    return read_reducer(key, {**DOCUMENT["reducers_config"]["counts"], **entry})


def effect_revisions() -> list[int]:
    rules = db.session.scalars(select(SubjectRule)).all()
    found = [effect.revision for rule in rules for effect in rule.effects]
    db.session.remove()
    return found


def unchanged(error: type[Exception], attempt: Callable[[], object]) -> str:
    before = everything_kept()
    with pytest.raises(error) as problem:
        attempt()
    assert everything_kept() == before
    return str(problem.value)


def test_an_extractor_is_added_changed_and_removed() -> None:
    before = revisions()
    id = save_extractor(change(), 100, None, extractor("third", minimum_version="2.1"))
    assert list(shown()["extractors_config"]) == ["survey", "other", "third"]
    assert save_extractor(change(), 100, "third", extractor("third")) == id
    assert shown()["extractors_config"]["third"] == {"type": "survey"}
    assert revisions() == (before[0] + 2, before[1] + 2)
    save_extractor(change(), 100, "third", extractor("third"))
    assert revisions() == (before[0] + 2, before[1] + 2)
    remove_extractor(change(), 100, "third")
    assert list(shown()["extractors_config"]) == ["survey", "other"]
    assert revisions() == (before[0] + 3, before[1] + 3)


def test_references_follow_an_extractor_that_gets_another_key() -> None:
    id = save_extractor(change(), 100, "survey", extractor("species"), rename_references=True)
    assert db.session.get_one(Extractor, id).key == "species"
    db.session.remove()
    counts = shown()["reducers_config"]["counts"]
    assert counts["filters"] == {"extractor_keys": ["species", "other"]}
    assert counts["grouping"] == {"field_name": "species.lion", "if_missing": "ignore"}
    assert list(shown()["extractors_config"]) == ["species", "other"]


@NO_OTHER_DATABASE
def test_references_follow_only_when_they_are_to() -> None:
    rules = shown()["rules_config"]
    save_extractor(change(), 100, "survey", extractor("species"))
    save_reducer(change(), GALAXIES, "counts", reducer("sums"))
    assert shown()["reducers_config"]["sums"]["filters"] == {"extractor_keys": ["survey", "other"]}
    assert shown()["reducers_config"]["carrying"]["subject_reducer_keys"] == ["counts"]
    assert shown()["rules_config"] == rules


def test_references_follow_a_reducer_that_gets_another_key() -> None:
    before = revisions()
    id = save_reducer(change(), GALAXIES, "counts", reducer("sums"), rename_references=True)
    assert db.session.get_one(Reducer, id).key == "sums"
    db.session.remove()
    now = shown()
    assert list(now["reducers_config"]) == ["sums", "carrying"]
    assert now["reducers_config"]["carrying"]["subject_reducer_keys"] == ["sums"]
    first, second = now["rules_config"]
    assert first["if"] == ["gt", ["lookup", "sums[a].lion", 0], ["lookup", "sums.zebra", 0]]
    assert first["then"][0]["reducer_key"] == "sums"
    assert now["user_rules_config"] == DOCUMENT["user_rules_config"]
    assert second["if"] == ["gte", ["lookup", "other.b", 0], ["const", 1.0]]
    conditions = db.session.scalars(select(SubjectRule.condition).order_by(SubjectRule.id)).all()
    assert conditions[1] == SPACED
    db.session.remove()
    assert effect_revisions() == [1]
    assert revisions() == (before[0] + 1, before[1] + 1)


@NO_OTHER_DATABASE
def test_a_broken_rule_keeps_nobody_from_renaming() -> None:
    with db.session.begin():
        db.session.scalars(select(SubjectRule)).all()[1].condition = '["no such operator"]'
    db.session.remove()
    save_reducer(change(), GALAXIES, "counts", reducer("sums"), rename_references=True)
    first, second = shown()["rules_config"]
    assert first["if"][1] == ["lookup", "sums[a].lion", 0]
    assert second["if"] == ["no such operator"]


@NO_OTHER_DATABASE
def test_a_key_that_is_taken_is_told() -> None:
    for old in ("survey", None):
        attempt = partial(save_extractor, change(), 100, old, extractor("other"))
        told = unchanged(InvalidConfiguration, attempt)
        assert told == "at key: 'other' is taken; choose another key"
    for old in ("counts", None):
        save = partial(save_reducer, change(), GALAXIES, old, reducer("carrying"))
        unchanged(InvalidConfiguration, save)


@NO_OTHER_DATABASE
def test_what_is_not_there_is_unknown() -> None:
    attempts: list[Callable[[], object]] = [
        lambda: save_extractor(change(), 100, "none", extractor("none")),
        lambda: save_extractor(change(), 999, None, extractor("none")),
        lambda: remove_extractor(change(), 100, "none"),
        lambda: save_reducer(change(), GALAXIES, "none", reducer("none")),
        lambda: save_reducer(change(), Reducible("Project", 999), None, reducer("none")),
        lambda: save_reducer(change(), GALAXY_DEMO, "counts", reducer("counts")),
        lambda: remove_reducer(change(), GALAXIES, "none"),
        lambda: remove_reducer(change(), GALAXY_DEMO, "counts"),
    ]
    for attempt in attempts:
        unchanged(Unknown, attempt)


@NO_OTHER_DATABASE
def test_what_was_changed_meanwhile_is_not_overwritten() -> None:
    one = fingerprint(db.session.scalars(select(Extractor).filter_by(key="survey")).one())
    other = fingerprint(db.session.scalars(select(Reducer).filter_by(key="counts")).one())
    db.session.remove()
    versioned = extractor("survey", minimum_version="2.1")
    save_extractor(change(), 100, "survey", versioned, expected=one)
    unchanged(
        ChangedMeanwhile, lambda: save_extractor(change(), 100, "survey", versioned, expected=one)
    )
    grouped = reducer("counts", grouping=None)
    save_reducer(change(), GALAXIES, "counts", grouped, expected=other)
    unchanged(
        ChangedMeanwhile,
        lambda: save_reducer(change(), GALAXIES, "counts", grouped, expected=other),
    )


def test_reducers_of_a_project() -> None:
    save_reducer(change(), GALAXY_DEMO, None, reducer("counts"))
    carrying = {"type": "count", "topic": "reduce_by_user", "subject_reducer_keys": ["counts"]}
    save_reducer(change(), GALAXY_DEMO, None, read_reducer("carrying", carrying))
    workflows = shown()
    save_reducer(change(), GALAXY_DEMO, "counts", reducer("sums"), rename_references=True)
    assert shown() == workflows
    project = db.session.get_one(Project, 10)
    assert (project.revision, project.display_name) == (4, "Galaxy Demo")
    found = transfer.show(db.session(), project)["reducers_config"]
    assert list(found) == ["sums", "carrying"]
    assert found["carrying"]["subject_reducer_keys"] == ["sums"]
    last = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
    assert last is not None
    assert (last.reducible_type, last.reducible_id, last.author) == ("Project", 10, "alice")
    assert list((last.before or {})["reducers_config"]) == ["counts", "carrying"]
    db.session.remove()
    remove_reducer(change(), GALAXY_DEMO, "sums")
    left = db.session.scalars(select(Reducer.key).filter_by(reducible_type="Project")).all()
    assert left == ["carrying"]
