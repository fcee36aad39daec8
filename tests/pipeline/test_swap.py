"""SWAP in the pipeline: turn by turn, all at once, and reduced again, it ends with the same."""

import random
from typing import Any

from flask import Flask

from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction, UserReduction
from tests.factories import JSON, give, make_event, make_workflow
from tests.pipeline.reading import by_first
from tests.pipeline.running import carry_out
from tests.pipeline.steps import process, receive

EXTRACTORS: JSON = {"answers": {"type": "question"}, "gold": {"type": "gold"}}
SKILL: JSON = {
    "type": "swap_skill",
    "positive": ["0"],
    "reduction_mode": "running_reduction",
    "filters": {"extractor_keys": ["answers", "gold"]},
}
SWAP: JSON = {
    "type": "swap",
    "positive": ["0"],
    "prior": 0.2,
    "user_reducer_keys": ["skill"],
    "filters": {"extractor_keys": ["answers"]},
}
WITH_SWAP: JSON = {
    "extractors_config": EXTRACTORS,
    "reducers_config": {"swap": SWAP, "skill": SKILL},
}
GOLD = {5: "0", 6: "0", 7: "1", 8: "1"}


def events(workflow: int = 100) -> list[JSON]:
    """Sixty answers of four people, one of them not signed in, to four subjects and four known."""
    chance = random.Random(7)
    return [_event(chance, at, workflow) for at in range(60)]


def _event(chance: random.Random, at: int, workflow: int) -> JSON:
    subject = chance.randint(1, 8)
    known = {"#training_subject": "true", "#feedback_1_answer": GOLD.get(subject)}
    return make_event(
        workflow * 100 + at,
        at=at,
        workflow=workflow,
        subject=subject,
        user=chance.choice([3, 4, 5, None]),
        annotations=[{"task": "T0", "value": chance.randint(0, 1)}],
        subject_metadata=known if subject in GOLD else {},
    )


def subjects(workflow: int = 100) -> dict[int, Any]:
    """What SWAP says of each subject."""
    own = SubjectReduction.reducible_id == workflow
    return by_first(SubjectReduction.subject_id, SubjectReduction.data, where=own)


def users(workflow: int = 100) -> dict[int, Any]:
    """What SWAP says of each volunteer."""
    own = UserReduction.reducible_id == workflow
    return by_first(UserReduction.user_id, UserReduction.data, where=own)


def begin(document: JSON, *, id: int = 100) -> None:
    with db.session.begin():
        make_workflow(db.session(), id, **document)
    db.session.remove()


def turn_by_turn(workflow: int = 100) -> None:
    for event in events(workflow):
        receive([event])
        assert process(workflow) == 1


def test_reduced_again_it_says_the_same_as_turn_by_turn(app: Flask) -> None:
    begin(WITH_SWAP)
    turn_by_turn()
    online = subjects(), users()
    assert len({one["likelihood"] for one in online[0].values()}) == 8
    assert [one["training"] > 2 for one in online[1].values()] == [True] * 3
    carry_out("rereduce")
    assert (subjects(), users()) == online


def test_all_at_once_it_ends_with_the_same_when_it_is_reduced_again(app: Flask) -> None:
    for id in (100, 101):
        begin(WITH_SWAP, id=id)
    turn_by_turn(101)
    receive(events())
    process()
    assert users() == users(101)
    assert subjects() != subjects(101)  # a turn knows volunteers as they were before it
    carry_out("rereduce")
    assert subjects() == subjects(101)


def test_added_later_it_reduces_the_volunteers_first(app: Flask) -> None:
    begin(WITH_SWAP, id=101)
    turn_by_turn(101)
    begin({"extractors_config": EXTRACTORS})
    receive(events())
    process()
    with db.session.begin():
        give(db.session(), db.session.get_one(Workflow, 100), WITH_SWAP)
    db.session.remove()
    carry_out("rereduce")
    assert (subjects(), users()) == (subjects(101), users(101))
