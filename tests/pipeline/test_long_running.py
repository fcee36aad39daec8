"""Running mode over volunteers with a long past: what is read is what may come again, no more."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from caesar_web.pipeline import asked_reductions, ledger
from caesar_web.store import external_statements as statements
from caesar_web.store import result_statements as results
from caesar_web.store.activity import ExternalWork
from caesar_web.store.counted_statements import counted_among
from caesar_web.store.db import db
from caesar_web.store.external_statements import Claim
from caesar_web.store.results import UserReduction
from tests.factories import JSON, START, make_event, make_workflow
from tests.pipeline.steps import process, receive

OF_USERS = {"topic": "reduce_by_user", "reduction_mode": "running_reduction"}
USER = 7


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each look at what has been counted, or at extracts, gave."""
    numbers: list[int] = []

    def noting(what: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            found = what(*args, **named)
            numbers.append(len(found))
            return found

        return call

    monkeypatch.setattr(results, "extracts_of", noting(results.extracts_of))
    for module in (ledger, asked_reductions):
        monkeypatch.setattr(module, "counted_among", noting(counted_among))
    return numbers


def configure(**reducers: JSON) -> None:
    with db.session.begin():
        extractors = {"survey": {"type": "survey"}}
        make_workflow(db.session(), extractors_config=extractors, reducers_config=reducers)
    db.session.remove()


def come_in(*ids: int, subject: int | None = None) -> None:
    """Classifications of one volunteer, each of a subject of its own unless one is named."""
    receive(make_event(id, subject=subject or id, user=USER, choice="lion") for id in ids)
    process()


def data() -> Any:
    found = db.session.scalars(select(UserReduction.data)).one()
    db.session.remove()
    return found


def test_in_process(app: Flask, read: list[int]) -> None:
    configure(count={"type": "count", **OF_USERS})
    come_in(*range(1, 41))
    read.clear()
    come_in(41)
    assert read == [0]
    assert data() == {"classifications": 41, "extracts": 41}


def test_what_was_counted_is_not_counted_again(app: Flask, read: list[int]) -> None:
    configure(count={"type": "count", **OF_USERS})
    come_in(*range(1, 41))
    read.clear()
    come_in(41, subject=3)  # whose subject the volunteer has seen: keep_first leaves it out
    assert read == [1]
    assert data() == {"classifications": 40, "extracts": 40}


def test_a_service_is_sent_what_is_new(app: Flask, read: list[int]) -> None:
    configure(service={"type": "external", "url": "https://a.example/r", **OF_USERS})
    come_in(*range(1, 41))
    assert asked(list(range(1, 41))) == list(range(1, 41))
    come_in(41, 42)
    come_in(43)
    read.clear()
    assert asked([41, 42, 43]) == [41, 42, 43]
    assert read == [3, 0]


def test_a_service_that_had_nothing_to_say_is_sent_all(app: Flask) -> None:
    configure(service={"type": "external", "url": "https://a.example/r", **OF_USERS})
    come_in(1, 2)
    assert asked(None) == [1, 2]
    come_in(3)
    assert asked([1, 2, 3]) == [1, 2, 3]


def test_a_service_is_sent_what_has_come_of_previous_subjects(app: Flask) -> None:
    of_subjects = {**OF_USERS, "topic": "reduce_by_subject"}
    configure(service={"type": "external", "url": "https://a.example/r", **of_subjects})

    def come_of(id: int, subject: int, **metadata: Any) -> None:
        event = make_event(id, subject=subject, choice="lion", subject_metadata=metadata)
        receive([event])
        process()

    come_of(1, 20, previous_subject_ids="[10]")
    assert asked([1]) == [1]
    come_of(2, 10)
    assert asked([2]) == [2]
    come_of(3, 20, previous_subject_ids="[10]")
    assert asked([1, 2, 3]) == [2, 3]


@pytest.mark.parametrize(
    ("wanted", "since"),
    [((5, 9), 5), ((9, 5), 5), ((5, None), None), ((None, 5), None), ((5, 5), 5)],
)
def test_the_first_that_is_new(app: Flask, wanted: tuple[int | None, ...], since: Any) -> None:
    for first in wanted:
        with db.session.begin():
            one = statements.Wanted("reducer", "external", "a.example", 100, 1, USER, first)
            statements.want(db.session(), [one], now=START)
    assert db.session.scalars(select(ExternalWork.since)).one() == since
    db.session.remove()


def asked(answer: Any) -> list[int]:
    """The classifications that the service is sent, which gives this answer."""
    with db.session.begin():
        session = db.session()
        row = session.scalars(select(ExternalWork)).one()
        claim = Claim(*(getattr(row, name) for name in Claim._fields))
        asking = asked_reductions.prepare(session, claim)
        assert asking is not None
        answers = dict.fromkeys(asking.bodies, answer)
        asked_reductions.save(session, asking, answers, now=START)
        statements.finish(session, [claim], now=START)
    db.session.remove()
    return [one["classification_id"] for one in asking.bodies["_default"]["extracts"]]
