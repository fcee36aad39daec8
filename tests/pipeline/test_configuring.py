"""Changing configuration: only with Panoptes' word for every target, and all of it or nothing."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from caesar_web.config import Config
from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import EffectRow, read_effect_row
from caesar_web.domain.options import MASK
from caesar_web.domain.values import InvalidConfiguration, Problem
from caesar_web.jobs import tasks
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.pipeline.configuring import (
    Change,
    Place,
    Unknown,
    configure,
    remove_effect,
    save_effect,
)
from caesar_web.pipeline.targets import Author
from caesar_web.pipeline.workflows import Description
from caesar_web.store.configuration import (
    Revision,
    SubjectRule,
    SubjectRuleEffect,
    UserRule,
    Workflow,
)
from caesar_web.store.db import db
from caesar_web.store.effects import opened
from tests.conftest import plain_config
from tests.factories import JSON, SEALER, START, make_workflow
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

ALICE = Author("alice", 2, lambda project_id: project_id in (10, 20))
BOB = Author("bob", 3, lambda _: False)
OPERATOR = Author("operator", None, lambda _: True, is_admin=True)
LATER = START + timedelta(hours=1)
ADD: JSON = {"action": "add_subject_to_set", "subject_set_id": 7}
RETIRE: JSON = {"action": "retire_subject", "reason": "consensus"}
CALL: JSON = {
    "action": "external_with_basic_auth",
    "url": "https://example.org/hook",
    "reducer_key": "counts",
    "username": "bob",
    "password": "s3cret",
}
PROMOTE: JSON = {"action": "promote_user", "workflow_id": 101}


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture(autouse=True)
def two_workflows(app: Flask) -> Iterator[None]:
    with db.session.begin():
        make_workflow(db.session(), 100, **document(ADD, user_effects=(PROMOTE,)))
        make_workflow(db.session(), 200, project_id=20, **document(RETIRE))
    db.session.remove()
    yield
    tasks.panoptes().close()


def document(*effects: JSON, user_effects: tuple[JSON, ...] = ()) -> JSON:
    return {
        "rules_config": [{"if": ["const", True], "then": list(effects)}],
        "user_rules_config": [{"if": ["const", True], "then": list(user_effects)}],
    }


def change(author: Author = ALICE) -> Change:
    return Change(author, LATER, tasks.panoptes(), SEALER, tasks.transaction)


def row(effect: JSON, topic: str = "subject") -> EffectRow:
    problems: list[Problem] = []
    config = {name: value for name, value in effect.items() if name != "action"}
    found = read_effect_row(
        effect["action"], config, topic=topic, place="config", problems=problems
    )
    assert problems == []
    return found


def place(effect: bool = True, *, table: Any = SubjectRule, workflow_id: int = 100) -> Place:
    """The first effect of the first rule, or a new one."""
    rule = db.session.scalars(select(table).filter_by(workflow_id=workflow_id)).first()
    assert rule is not None
    found = Place(table, workflow_id, rule.id, rule.effects[0].id if effect else None)
    db.session.remove()
    return found


def kept(workflow_id: int = 100) -> list[SubjectRuleEffect]:
    rules = select(SubjectRule.id).filter_by(workflow_id=workflow_id)
    found = select(SubjectRuleEffect).where(SubjectRuleEffect.subject_rule_id.in_(rules))
    effects = list(db.session.scalars(found.order_by(SubjectRuleEffect.id)))
    db.session.expunge_all()
    db.session.remove()
    return effects


def revisions(workflow_id: int = 100) -> tuple[int, int]:
    """The workflow's revision, and how many changes are kept."""
    count = select(func.count()).select_from(Revision).filter_by(reducible_id=workflow_id)
    found = db.session.get_one(Workflow, workflow_id).revision, db.session.scalar(count) or 0
    db.session.remove()
    return found


def refused(attempt: Callable[[], object]) -> list[str]:
    """What an attempt is refused with, which changes nothing."""
    before = everything_kept()
    with pytest.raises(InvalidConfiguration) as problem:
        attempt()
    assert everything_kept() == before
    return [str(one) for one in problem.value.problems]


def test_a_document_that_points_into_another_project_is_refused_b2_b4() -> None:
    elsewhere = document(
        RETIRE,
        {**ADD, "subject_set_id": 8},
        {"action": "add_subject_to_collection", "collection_id": 999},
        user_effects=({**PROMOTE, "workflow_id": 300},),
    )
    problems = refused(lambda: configure(change(), 100, read_document(elsewhere)))
    assert problems == [
        "at rules_config[0].then[1].subject_set_id: subject set 8 belongs to a project "
        "that you may not change",
        "at rules_config[0].then[2].collection_id: there is no collection 999",
        "at user_rules_config[0].then[0].workflow_id: workflow 300 belongs to a project that "
        "you may not change",
    ]
    assert configure(change(OPERATOR), 200, read_document(document({**ADD, "subject_set_id": 8})))
    (effect,) = kept(200)
    assert (effect.saved_by, effect.saved_by_id) == ("operator", None)
    assert effect.target_owner == {"project": 30}


def test_an_unchanged_rule_needs_no_permission(standin: StandinServer) -> None:
    same = read_document({**document(ADD), "status": "paused"})
    standin.clear_log()
    assert configure(change(BOB), 100, same)
    assert standin.log("^/api") == []


def test_what_became_new_meanwhile_is_not_saved_without_a_permission() -> None:
    the_same = read_document(document(ADD))
    others = read_document(document(RETIRE))

    def interrupted(project_id: int) -> bool:
        """Somebody else saves, while Panoptes is asked."""
        configure(change(OPERATOR), 100, others)
        return True

    slow = Author("alice", 2, interrupted)
    more = read_document(
        {"rules_config": [*document(ADD)["rules_config"], *document(ADD)["rules_config"]]}
    )
    assert configure(change(slow), 100, more)  # the same target, so it was asked about
    assert configure(change(OPERATOR), 100, the_same)
    other_set = {**ADD, "subject_set_id": 11}
    further = read_document(
        {"rules_config": [*document(ADD)["rules_config"], *document(other_set)["rules_config"]]}
    )
    with pytest.raises(InvalidConfiguration, match=r"\[0\].*subject_set_id: was not asked about"):
        configure(change(slow), 100, further)
    assert [effect.action for effect in kept()] == ["retire_subject"]


def test_a_workflow_is_added_only_as_it_is_described() -> None:
    description = Description(300, 30, "Transcribe a page", "Council Minutes")
    with pytest.raises(Unknown):
        configure(change(), 300, read_document({}))
    elsewhere = read_document(document({**ADD, "subject_set_id": 8}))
    with pytest.raises(InvalidConfiguration):
        configure(change(), 300, elsewhere, description=description)
    assert db.session.get(Workflow, 300) is None
    db.session.remove()
    assert configure(change(OPERATOR), 300, elsewhere, description=description)
    assert len(kept(300)) == 1


def test_an_effect_is_checked_as_it_will_be_b2() -> None:
    """The one that is there may be changed by its author; what it would become may not."""
    at = place()
    assert refused(lambda: save_effect(change(), at, row({**ADD, "subject_set_id": 8}))) == [
        "at config.subject_set_id: subject set 8 belongs to a project that you may not change"
    ]
    collect = {"action": "add_subject_to_collection", "collection_id": 999}
    assert refused(lambda: save_effect(change(), at, row(collect), at="effect")) == [
        "at effect.collection_id: there is no collection 999"
    ]
    promote = place(table=UserRule)
    assert refused(
        lambda: save_effect(change(), promote, row({**PROMOTE, "workflow_id": 300}, "user"))
    )


def test_an_effect_that_is_changed_acts_again_and_who_saved_it_is_kept() -> None:
    at, before = place(), revisions()
    assert save_effect(change(), at, row({**ADD, "subject_set_id": 22})) == at.effect_id
    (effect,) = kept()
    assert (effect.id, effect.revision) == (at.effect_id, 2)
    assert effect.config == {"subject_set_id": 22}
    assert effect.target_owner == {"project": 20}
    assert (effect.saved_by, effect.saved_by_id, effect.updated_at) == ("alice", 2, LATER)
    assert revisions() == (before[0] + 1, before[1] + 1)
    last = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
    assert last is not None
    assert last.author == "alice"
    assert (last.before or {})["rules_config"][0]["then"] == [ADD]
    assert (last.after or {})["rules_config"][0]["then"] == [{**ADD, "subject_set_id": 22}]


def test_an_effect_that_is_saved_as_it_is_does_not_act_again() -> None:
    before = revisions()
    save_effect(change(), place(), row(ADD))
    (effect,) = kept()
    assert (effect.revision, effect.saved_by) == (1, "alice")
    assert revisions() == before
    assert refused(lambda: save_effect(change(BOB), place(), row(ADD)))


def test_an_effect_is_added_and_removed() -> None:
    id = save_effect(change(), place(effect=False), row(CALL))
    first, second = kept()
    assert (second.id, second.revision, second.created_at) == (id, 1, LATER)
    assert second.config == {**row(CALL).config, "password": MASK}
    assert opened(second, SEALER).secrets == {"password": "s3cret"}
    before = revisions()
    remove_effect(change(), place()._replace(effect_id=id))
    assert [effect.id for effect in kept()] == [first.id]
    assert revisions() == (before[0] + 1, before[1] + 1)


def test_the_mask_keeps_the_password_of_that_effect_b6() -> None:
    at = place()
    save_effect(change(), at, row(CALL))
    save_effect(change(), at, row({**CALL, "password": MASK, "username": "ann"}))
    (effect,) = kept()
    assert effect.revision == 3
    assert opened(effect, SEALER).secrets == {"password": "s3cret"}
    save_effect(change(), at, row({**CALL, "password": MASK, "username": "ann"}))
    assert kept()[0].revision == 3
    save_effect(change(), at, row({**CALL, "password": "an0ther", "username": "ann"}))
    assert kept()[0].revision == 4
    elsewhere = {**CALL, "password": MASK, "url": "https://example.com/hook"}
    assert refused(lambda: save_effect(change(), at, row(elsewhere))) == [
        "at config.password: must be given again: what is kept belongs to another server"
    ]
    new = place(effect=False)
    assert "there is nothing kept" in str(
        refused(lambda: save_effect(change(), new, row({**CALL, "password": MASK})))
    )


def test_no_id_of_another_workflow_leads_to_an_effect() -> None:
    mine, other = place(), place(workflow_id=200)
    strangers = (
        mine._replace(workflow_id=200),
        other._replace(workflow_id=100),
        mine._replace(effect_id=other.effect_id),
        other._replace(rule=UserRule),
        mine._replace(workflow_id=999),
        mine._replace(rule_id=999),
    )
    for stranger in strangers:
        with pytest.raises(Unknown):
            save_effect(change(), stranger, row(RETIRE))
        with pytest.raises(Unknown):
            remove_effect(change(), stranger)
    assert [effect.action for effect in kept()] == ["add_subject_to_set"]
    assert revisions(200) == (2, 1)


def test_while_panoptes_is_away_nothing_is_saved(standin: StandinServer) -> None:
    at, before = place(), revisions()
    standin.fail("/api/subject_sets", drop=True, times=-1)
    moved = {**ADD, "subject_set_id": 11}
    with pytest.raises(PanoptesError):
        save_effect(change(), at, row(moved))
    with pytest.raises(PanoptesError):
        configure(change(), 100, read_document(document(moved)))
    assert revisions() == before
    assert save_effect(change(), at, row(RETIRE))  # for which nobody needs to be asked
