"""Saving one rule: what acts again and what does not, who may, and what was changed meanwhile."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import EffectRow
from caesar_web.domain.options import MASK
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.jobs import tasks
from caesar_web.pipeline.configuring import ChangedMeanwhile, Place, Unknown, configure
from caesar_web.pipeline.rule_saving import RuleWanted, move_rule, remove_rule, save_rule
from caesar_web.pipeline.targets import Author
from caesar_web.store import transfer
from caesar_web.store.configuration import Revision, SubjectRule, UserRule, Workflow
from caesar_web.store.db import db
from caesar_web.store.effects import opened
from caesar_web.store.fingerprints import fingerprint
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.conftest import plain_config
from tests.factories import JSON, SEALER, make_workflow
from tests.pipeline.test_configuring import (
    ADD,
    BOB,
    CALL,
    LATER,
    OPERATOR,
    PROMOTE,
    RETIRE,
    change,
    document,
    kept,
    place,
    refused,
    revisions,
    row,
)
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

SPACED = '[ "gte",["lookup","a.b",  0],\n ["const", 1.0] ]'
TRUE = '["const", true]'


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture(autouse=True)
def two_workflows(app: Flask) -> Iterator[None]:
    with db.session.begin():
        make_workflow(db.session(), 100, **document(ADD, CALL, user_effects=(PROMOTE,)))
        make_workflow(db.session(), 200, project_id=20, **document(RETIRE))
    db.session.remove()
    yield
    tasks.panoptes().close()


def the_rule(table: Any = SubjectRule, workflow_id: int = 100) -> Place:
    return place(effect=False, table=table, workflow_id=workflow_id)


def new(workflow_id: int = 100, table: Any = SubjectRule) -> Place:
    return Place(table, workflow_id, None)


def stated(*effects: tuple[int | None, JSON], condition: str = TRUE) -> RuleWanted:
    return RuleWanted(condition, tuple((id, row(effect)) for id, effect in effects))


def as_it_is(condition: str = TRUE) -> RuleWanted:
    """The first rule of workflow 100, as its form sends it back."""
    first, second = kept()
    return stated((first.id, ADD), (second.id, {**CALL, "password": MASK}), condition=condition)


def conditions(workflow_id: int = 100) -> list[str]:
    wanted = select(SubjectRule).filter_by(workflow_id=workflow_id)
    rows = db.session.scalars(wanted.order_by(SubjectRule.row_order, SubjectRule.id))
    found = [rule.condition for rule in rows]
    db.session.remove()
    return found


def effect_revisions() -> list[tuple[int, int]]:
    return [(effect.id, effect.revision) for effect in kept()]


def fingerprint_of(at: Place) -> str:
    rule = db.session.get_one(SubjectRule, at.rule_id)
    found = fingerprint(rule)
    db.session.remove()
    return found


def unchanged(error: type[Exception], attempt: Callable[[], object]) -> None:
    before = everything_kept()
    with pytest.raises(error):
        attempt()
    assert everything_kept() == before


def test_a_new_rule_becomes_the_last() -> None:
    before = revisions()
    id = save_rule(change(), new(), stated((None, RETIRE), (None, CALL), condition=SPACED))
    assert conditions() == [TRUE, SPACED]
    assert [effect.action for effect in kept()][2:] == ["retire_subject", CALL["action"]]
    assert kept()[2].saved_by == "alice"
    assert opened(kept()[3], SEALER).secrets == {"password": "s3cret"}
    assert revisions() == (before[0] + 1, before[1] + 1)
    last = save_rule(change(), new(), RuleWanted('["const", 1]'))
    assert last > id
    assert conditions()[2] == '["const", 1]'


def test_a_rule_that_is_saved_as_it_is_stays_to_the_letter() -> None:
    at = new()._replace(rule_id=save_rule(change(), new(), stated(condition=SPACED)))
    before = everything_kept()
    for condition in (SPACED, json.dumps(json.loads(SPACED))):
        assert save_rule(change(BOB), at, RuleWanted(condition)) == at.rule_id
    assert save_rule(change(BOB), the_rule(), as_it_is()) == the_rule().rule_id
    assert everything_kept() == before
    save_rule(change(), at, RuleWanted(SPACED.replace("1.0", "1")))
    assert conditions()[1] == SPACED.replace("1.0", "1")


def test_a_rule_that_stays_in_a_document_stays_the_same_however_it_is_spaced() -> None:
    save_rule(change(), new(), stated((None, RETIRE), condition=SPACED))
    before = everything_kept()
    with db.session.begin():
        shown = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    db.session.remove()
    assert not configure(change(), 100, read_document(shown))
    assert everything_kept() == before


def test_with_another_condition_all_its_effects_act_again() -> None:
    before = effect_revisions()
    save_rule(change(), the_rule(), as_it_is(SPACED))
    assert effect_revisions() == [(id, 2) for id, _ in before]
    assert conditions() == [SPACED]
    assert opened(kept()[1], SEALER).secrets == {"password": "s3cret"}


@pytest.mark.parametrize("condition", [TRUE, SPACED])
def test_what_changed_acts_again_once_what_is_new_begins_and_what_is_not_named_goes(
    condition: str,
) -> None:
    (first, _), (second, _) = effect_revisions()
    moved = stated((second, {**CALL, "username": "ann"}), (None, RETIRE), condition=condition)
    save_rule(change(), the_rule(), moved)
    assert [(effect.revision, effect.action) for effect in kept()] == [
        (2, CALL["action"]),
        (1, "retire_subject"),
    ]
    assert kept()[0].id == second
    assert first not in [effect.id for effect in kept()]


@NO_OTHER_DATABASE
def test_effects_that_are_there_stay_in_their_order() -> None:
    wanted = as_it_is()
    before = everything_kept()
    save_rule(change(), the_rule(), RuleWanted(TRUE, wanted.effects[::-1]))
    assert everything_kept() == before


@NO_OTHER_DATABASE
def test_only_who_may_touch_the_targets_saves_them(standin: StandinServer) -> None:
    (first, _), (second, _) = effect_revisions()
    elsewhere = stated((None, RETIRE), (first, {**ADD, "subject_set_id": 8}))
    assert refused(lambda: save_rule(change(), the_rule(), elsewhere)) == [
        "at then[1].subject_set_id: subject set 8 belongs to a project that you may not change"
    ]
    assert refused(lambda: save_rule(change(), new(), stated((None, {**ADD, "subject_set_id": 8}))))
    unknown = RuleWanted(TRUE, ((None, EffectRow("promote_user", {"workflow_id": 999})),))
    assert refused(lambda: save_rule(change(), new(table=UserRule), unknown)) == [
        "at then[0].workflow_id: there is no workflow 999"
    ]
    standin.clear_log()
    save_rule(change(BOB), the_rule(), stated((first, ADD), (None, RETIRE), condition=SPACED))
    assert standin.log("^/api") == []
    assert kept()[0].saved_by == "test"
    assert second not in [effect.id for effect in kept()]


@NO_OTHER_DATABASE
def test_what_became_another_target_meanwhile_is_not_saved_without_a_permission() -> None:
    at, (first, _) = the_rule(), effect_revisions()[0]

    def interrupted(project_id: int) -> bool:
        """Somebody else saves, while Panoptes is asked about the new effect alone."""
        save_rule(change(OPERATOR), at, stated((first, {**ADD, "subject_set_id": 22})))
        return True

    slow = Author("bob", 3, interrupted)
    wanted = stated((first, ADD), (None, {**ADD, "subject_set_id": 11}))
    with pytest.raises(
        InvalidConfiguration, match=r"then\[0\].subject_set_id: was not asked about"
    ):
        save_rule(change(slow), at, wanted)
    assert [effect.config for effect in kept()] == [{"subject_set_id": 22}]


@NO_OTHER_DATABASE
def test_an_effect_without_a_permission_gets_one() -> None:
    rule_id = the_rule().rule_id
    with db.session.begin():
        db.session.get_one(SubjectRule, rule_id).effects[0].target_owner = None
    assert refused(lambda: save_rule(change(BOB), the_rule(), as_it_is()))
    save_rule(change(), the_rule(), as_it_is())
    assert (kept()[0].target_owner, kept()[0].revision) == ({"project": 10}, 1)


@NO_OTHER_DATABASE
def test_a_mask_stands_for_the_password_of_its_own_effect_and_server() -> None:
    (first, _), (second, _) = effect_revisions()
    masked = {**CALL, "password": MASK}
    elsewhere = {**masked, "url": "https://example.com/hook"}
    assert refused(lambda: save_rule(change(), the_rule(), stated((second, elsewhere)))) == [
        "at then[0].password: must be given again: what is kept belongs to another server"
    ]
    assert "there is nothing kept" in str(
        refused(lambda: save_rule(change(), the_rule(), stated((first, ADD), (None, masked))))
    )
    assert "there is nothing kept" in str(
        refused(lambda: save_rule(change(), the_rule(), stated((first, masked))))
    )


@NO_OTHER_DATABASE
@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("", "at if: is not JSON"),
        ("[" * 100_000, "at if: is not JSON"),
        ('["gt", ["lookup", 1, 0]]', "at if[1][1]: the key must be text"),
        ('["const", NaN]', "at if[1]"),
        ('["const", "\\u0000"]', "at if[1]"),
        ('{"a": 1}', "at if: must be a list"),
    ],
)
def test_what_is_no_condition_is_told_with_its_place(condition: str, problem: str) -> None:
    (told,) = refused(lambda: save_rule(change(), the_rule(), as_it_is(condition)))
    assert told.startswith(problem)


@NO_OTHER_DATABASE
def test_what_is_no_effect_of_the_rule_is_told_with_its_place() -> None:
    wrong = RuleWanted(
        TRUE,
        ((None, row(RETIRE)), (None, EffectRow("add_subject_to_set", {"subject_set_id": "x"}))),
    )
    assert refused(lambda: save_rule(change(), new(), wrong)) == [
        "at then[1].subject_set_id: must be an id (a whole number)"
    ]
    (told,) = refused(lambda: save_rule(change(), new(table=UserRule), stated((None, RETIRE))))
    assert told.startswith("at then[0].action: 'retire_subject' is no effect of a user rule")


@NO_OTHER_DATABASE
def test_an_address_with_a_password_in_it_is_never_kept_in_clear() -> None:
    config = {"url": "https://eve:pa55word@example.org/", "reducer_key": "counts"}
    save_rule(change(), new(), RuleWanted(TRUE, ((None, EffectRow("external", config)),)))
    assert "pa55word" not in everything_kept()
    assert opened(kept()[-1], SEALER).secrets == {"url": "eve:pa55word"}


@NO_OTHER_DATABASE
def test_no_id_of_elsewhere_leads_to_a_rule_or_effect() -> None:
    mine, other = the_rule(), the_rule(workflow_id=200)
    foreign = kept(200)[0].id
    for stranger in (
        mine._replace(workflow_id=200),
        other._replace(workflow_id=100),
        mine._replace(rule=UserRule, rule_id=999),
        mine._replace(rule_id=999),
        new(999),
    ):
        unchanged(Unknown, partial(save_rule, change(), stranger, RuleWanted(TRUE)))
        unchanged(Unknown, partial(remove_rule, change(), stranger))
        unchanged(Unknown, partial(move_rule, change(), stranger, 1))
    for at in (mine, new()):
        unchanged(Unknown, partial(save_rule, change(), at, stated((foreign, RETIRE))))
    twice = as_it_is().effects[:1] * 2
    unchanged(Unknown, lambda: save_rule(change(), mine, RuleWanted(TRUE, twice)))


@NO_OTHER_DATABASE
def test_what_was_changed_meanwhile_is_not_overwritten() -> None:
    at = the_rule()
    seen, wanted = fingerprint_of(at), as_it_is(SPACED)
    save_rule(change(), at, as_it_is(), expected=seen)
    assert fingerprint_of(at) == seen
    save_rule(change(), at, as_it_is('["const", 5]'), expected=seen)
    assert fingerprint_of(at) != seen
    unchanged(ChangedMeanwhile, lambda: save_rule(change(), at, wanted, expected=seen))
    seen = fingerprint_of(at)
    save_rule(change(), at, RuleWanted('["const", 5]', wanted.effects[:1]))
    unchanged(ChangedMeanwhile, lambda: save_rule(change(), at, wanted, expected=seen))


@NO_OTHER_DATABASE
def test_a_note_stands_beside_the_change() -> None:
    save_rule(change(), the_rule(), as_it_is(SPACED), note=" more lions are needed ")
    last = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
    assert last is not None
    assert (last.author, last.note, last.created_at) == ("alice", "more lions are needed", LATER)
    db.session.remove()
    for note in ("x" * 501, "\0"):
        with pytest.raises(InvalidConfiguration, match="at note"):
            save_rule(change(), the_rule(), as_it_is(), note=note)


def test_rules_are_moved_and_removed() -> None:
    one = the_rule()
    two, three = (
        new()._replace(rule_id=save_rule(change(), new(), RuleWanted(f'["const", {number}]')))
        for number in (2, 3)
    )
    before = revisions()
    move_rule(change(), three, -1)
    assert conditions() == [TRUE, '["const", 3]', '["const", 2]']
    move_rule(change(), one, 1)
    assert conditions() == ['["const", 3]', TRUE, '["const", 2]']
    assert revisions() == (before[0] + 2, before[1] + 2)
    unchanged(Unknown, lambda: move_rule(change(), three, -1))
    unchanged(Unknown, lambda: move_rule(change(), two, 1))
    remove_rule(change(), one)
    assert conditions() == ['["const", 3]', '["const", 2]']
    assert kept() == []
    move_rule(change(), two, -1)
    assert conditions() == ['["const", 2]', '["const", 3]']
    orders = db.session.scalars(
        select(SubjectRule.row_order).filter_by(workflow_id=100).order_by(SubjectRule.row_order)
    )
    assert list(orders) == [0, 1]
    assert revisions() == (before[0] + 4, before[1] + 4)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_saves_at_once_are_two_revisions(app: Flask) -> None:
    at, before = the_rule(), revisions()
    together = Barrier(2)

    def save(condition: str, wanted: RuleWanted) -> None:
        with app.app_context():
            together.wait(10)
            save_rule(change(), at, RuleWanted(condition, wanted.effects))

    wanted = as_it_is()
    texts = ['["const", 2]', '["const", 3]']
    threads = [Thread(target=save, args=(text, wanted)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert revisions() == (before[0] + 2, before[1] + 2)
    assert [revision for _, revision in effect_revisions()] == [3, 3]
    assert conditions()[0] in texts
