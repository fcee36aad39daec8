"""Effects as they are kept: secrets sealed and nowhere else, who saved them, with which right."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from caesar_web.config_readers import new_key
from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import Target
from caesar_web.domain.options import MASK
from caesar_web.domain.values import InvalidConfiguration
from caesar_web.pipeline.workflows import Description, add
from caesar_web.store import transfer
from caesar_web.store.configuration import Revision, SubjectRuleEffect, Workflow
from caesar_web.store.db import db
from caesar_web.store.effects import Owner, Saving, opened
from caesar_web.store.rules import to_permit
from caesar_web.store.sealing import Sealer
from tests.factories import JSON, START
from tests.store.dump import everything_kept

KEY = new_key()
LATER = START + timedelta(hours=1)
ADD: JSON = {"action": "add_subject_to_set", "subject_set_id": 7}
CALL: JSON = {
    "action": "external_with_basic_auth",
    "url": "https://eve:pa55word@example.org/hook",
    "reducer_key": "counts",
    "username": "bob",
    "password": "s3cret",
}
MASKED = {**CALL, "url": f"https://{MASK}@example.org/hook", "password": MASK}
SECRETS = {"url": "eve:pa55word", "password": "s3cret"}
OWNERS: dict[Target, Owner] = {Target("subject_set_id", 7): {"project": 10}}


@pytest.fixture(autouse=True)
def workflow(app: Flask) -> None:
    with db.session.begin():
        add(db.session(), Description(100, 10, "Galaxies", "Galaxy Demo"), now=START)
    db.session.remove()


def rule(*effects: JSON, condition: Any = True) -> JSON:
    return {"if": ["const", condition], "then": list(effects)}


def apply(
    *rules: JSON, keys: tuple[str, ...] = (KEY,), owners: Mapping[Target, Owner] = OWNERS
) -> bool:
    document = read_document({"rules_config": list(rules)})
    saving = Saving("ann", 2, LATER, Sealer(keys), owners)
    try:
        with db.session.begin():
            row = db.session.get_one(Workflow, 100)
            return transfer.apply(db.session(), row, document, saving)
    finally:
        db.session.remove()


def shown() -> JSON:
    found = transfer.show(db.session(), db.session.get_one(Workflow, 100))
    db.session.remove()
    return found


def kept() -> list[SubjectRuleEffect]:
    found = list(db.session.scalars(select(SubjectRuleEffect).order_by(SubjectRuleEffect.id)))
    db.session.expunge_all()
    db.session.remove()
    return found


def ids() -> list[int]:
    return [effect.id for effect in kept()]


def secrets(*keys: str) -> list[dict[str, str]]:
    return [opened(effect, Sealer(keys or (KEY,))).secrets for effect in kept()]


def asked(*rules: JSON) -> list[tuple[str, str]]:
    """The places and actions of which Panoptes would have to be asked."""
    document = read_document({"rules_config": list(rules)})
    found = to_permit(db.session.get(Workflow, 100), document, Sealer([KEY]))
    db.session.remove()
    return [(place, row.action) for place, row in found]


def problems(*rules: JSON, **over: Any) -> list[str]:
    with pytest.raises(InvalidConfiguration) as refused:
        apply(*rules, **over)
    return [str(problem) for problem in refused.value.problems]


def test_neither_database_nor_revisions_hold_a_secret_in_clear_b6() -> None:
    apply(rule(CALL))
    apply(rule({**CALL, "password": "an0ther"}))
    apply(rule(), rule(MASKED))
    text = everything_kept()
    assert "example.org/hook" in text
    for secret in ("s3cret", "an0ther", "pa55word", "eve:"):
        assert secret not in text
    assert secrets() == [{**SECRETS, "password": "an0ther"}]


def test_what_is_shown_has_masks_and_applied_again_changes_nothing_b6() -> None:
    assert apply(rule(CALL))
    assert shown()["rules_config"] == [rule(MASKED)]
    before = ids()
    assert not apply(*shown()["rules_config"])
    assert not apply(rule(CALL))
    assert ids() == before
    assert secrets() == [SECRETS]


def test_a_changed_rule_keeps_the_secrets_of_its_masks_b6() -> None:
    apply(rule(CALL))
    (before,) = ids()
    assert apply(rule(MASKED, condition=False))
    assert secrets() == [SECRETS]
    assert ids() != [before]


def test_another_secret_makes_another_effect_though_it_looks_the_same() -> None:
    apply(rule(CALL))
    before = ids()
    revision = db.session.get_one(Workflow, 100).revision
    db.session.remove()
    assert apply(rule({**CALL, "password": "an0ther"}))
    assert ids() != before
    assert db.session.get_one(Workflow, 100).revision == revision + 1  # or it would not be read
    assert secrets() == [{**SECRETS, "password": "an0ther"}]


def test_rules_that_look_the_same_keep_their_own_secrets() -> None:
    other = {**CALL, "password": "an0ther"}
    apply(rule(CALL), rule(other))
    before = ids()
    assert not apply(*shown()["rules_config"])
    assert apply(rule(other), rule(CALL))
    assert ids() == before
    assert problems(rule(MASKED), rule(MASKED), rule(MASKED)) == [
        "at rules_config[2].then[0].password: must be given: the mask could stand for more than "
        "one that is kept"
    ]


def test_masks_that_stand_for_nothing_are_told_and_nothing_is_changed() -> None:
    apply(rule(ADD))
    before = ids(), shown()
    assert problems(rule(), rule(ADD, MASKED)) == [
        f"at rules_config[1].then[1].{name}: must be given: there is nothing kept that the mask "
        "could stand for"
        for name in ("url", "password")
    ]
    apply(rule(ADD), rule(CALL))
    moved = {**MASKED, "url": f"https://{MASK}@example.com/hook"}
    assert problems(rule(ADD), rule(moved)) == [
        f"at rules_config[1].then[0].{name}: must be given again: what is kept belongs to another "
        "server"
        for name in ("url", "password")
    ]
    assert apply(rule(ADD))
    assert (ids(), shown()) == before


def test_a_new_key_opens_what_an_older_one_sealed_b6() -> None:
    newer = new_key()
    apply(rule(CALL))
    (sealed,) = (effect.secrets for effect in kept())
    assert not apply(rule(MASKED), keys=(newer, KEY))
    assert not apply(rule(CALL), keys=(newer, KEY))
    assert secrets(newer, KEY) == [SECRETS]
    assert apply(rule(MASKED, condition=False), keys=(newer, KEY))
    assert secrets(newer) == [SECRETS]
    assert str(sealed) not in everything_kept()


def test_without_its_key_a_secret_is_asked_for_again() -> None:
    apply(rule(CALL))
    lost = (new_key(),)
    assert not apply(rule(MASKED), keys=lost)  # the key may come back
    assert "there is nothing kept" in str(problems(rule(MASKED, condition=False), keys=lost))
    assert apply(rule(CALL), keys=lost)
    assert secrets(*lost) == [SECRETS]


def test_who_saved_an_effect_when_and_with_which_right_is_kept() -> None:
    apply(rule(ADD, {"action": "retire_subject", "reason": "blank"}))
    add_to_set, retire = kept()
    assert (add_to_set.saved_by, add_to_set.saved_by_id) == ("ann", 2)
    assert add_to_set.updated_at == LATER
    assert add_to_set.target_owner == {"project": 10}
    assert (retire.saved_by, retire.target_owner) == ("ann", None)


def test_only_what_is_new_needs_a_permission_b2() -> None:
    assert asked(rule(ADD), rule(CALL, ADD)) == [
        ("rules_config[0].then[0]", "add_subject_to_set"),
        ("rules_config[1].then[0]", "external_with_basic_auth"),
        ("rules_config[1].then[1]", "add_subject_to_set"),
    ]
    apply(rule(ADD))
    assert asked(rule(ADD)) == []
    assert not apply(rule(ADD), owners={})
    moved = {**ADD, "subject_set_id": 8}
    assert asked(rule(), rule(moved)) == [("rules_config[1].then[0]", "add_subject_to_set")]


def test_what_nobody_was_asked_about_is_not_saved_b2() -> None:
    apply(rule(ADD))
    before = ids(), shown()
    assert problems(rule(ADD), rule({**ADD, "subject_set_id": 8})) == [
        "at rules_config[1].then[0].subject_set_id: was not asked about, as the configuration has "
        "changed meanwhile; try again"
    ]
    assert (ids(), shown()) == before
    assert len(db.session.scalars(select(Revision)).all()) == 1


def test_an_effect_from_before_gets_its_permission_and_stays_the_same() -> None:
    apply(rule(ADD))
    before = ids()
    with db.session.begin():
        db.session.execute(update(SubjectRuleEffect).values(target_owner=None))
    db.session.remove()
    assert asked(rule(ADD)) == [("rules_config[0].then[0]", "add_subject_to_set")]
    assert apply(rule(ADD))
    (effect,) = kept()
    assert (effect.id, effect.revision) == (before[0], 1)
    assert effect.target_owner == {"project": 10}


def test_what_was_read_before_the_lock_does_not_count() -> None:
    apply(rule(ADD))
    elsewhere = {**ADD, "subject_set_id": 8}
    document = read_document({"rules_config": [rule(elsewhere)]})
    saving = Saving("ann", 2, LATER, Sealer([KEY]), {})
    with db.session.begin():
        row = db.session.get_one(Workflow, 100)
        held = db.session.scalars(select(SubjectRuleEffect)).one()
        db.session.execute(  # as if somebody else had been faster
            update(SubjectRuleEffect).values(config={"subject_set_id": 8}),
            execution_options={"synchronize_session": False},
        )
        assert not transfer.apply(db.session(), row, document, saving)
        assert held.config == {"subject_set_id": 8}
    db.session.remove()
