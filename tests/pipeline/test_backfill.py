"""Backfills: what Panoptes has becomes what the stream would have made of it."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update

from caesar_web.config import Config
from caesar_web.jobs import running
from caesar_web.jobs.tasks import panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db, table_of
from caesar_web.store.inbox import Classification, Subject
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.runs import Withheld
from tests.conftest import plain_config
from tests.factories import JSON, make_event, make_workflow
from tests.jobs.stream import CONFIGURATION, SHAPES
from tests.pipeline.reading import by_first, rows, values
from tests.pipeline.running import begin, carry_out, failures, make_due, state, take_steps
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

SUBJECTS = range(1001, 1013)
COUNT = 300
MADE: tuple[Any, ...] = (
    Classification,
    Subject,
    Extract,
    SubjectReduction,
    UserReduction,
    SubjectAction,
    UserAction,
)


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


@pytest.fixture
def workflow(app: Flask) -> None:
    with db.session.begin():
        make_workflow(db.session(), **CONFIGURATION)
    db.session.remove()


def events(count: int = COUNT) -> list[JSON]:
    """Of a few subjects, some of them by nobody who is known; always the same."""
    random = Random("backfill")
    return [
        make_event(
            id,
            subject=random.choice(SUBJECTS),
            user=random.choice([None, *range(1000, 1020)]),
            choice=random.choices(SHAPES, [5, 2, 3])[0],
            at=id,
        )
        for id in range(1, count + 1)
    ]


def give_to_panoptes(standin: StandinServer, given: list[JSON]) -> None:
    """In an order that means nothing, as Panoptes' lists have none."""
    shuffled = [event["data"] for event in given]
    Random("order").shuffle(shuffled)
    standin.add_classifications(shuffled)


def made() -> dict[str, Any]:
    """What the pipeline made of it, without what depends on the moment."""
    target = (SubjectAction.subject_id, SubjectAction.effect_type, SubjectAction.trace)
    return {
        "extracts": rows(Extract.classification_id, Extract.subject_id, Extract.data),
        "subject reductions": rows(
            SubjectReduction.subject_id,
            SubjectReduction.reducer_key,
            SubjectReduction.data,
            by=(SubjectReduction.subject_id, SubjectReduction.reducer_key),
        ),
        "user reductions": rows(
            UserReduction.user_id,
            UserReduction.reducer_key,
            UserReduction.data,
            by=(UserReduction.user_id, UserReduction.reducer_key),
        ),
        "subject actions": rows(*target, by=(SubjectAction.subject_id, SubjectAction.effect_id)),
        "user actions": rows(UserAction.user_id, UserAction.effect_type),
        "counters": rows(
            Workflow.extracts_count,
            Workflow.subject_reductions_count,
            Workflow.subject_actions_count,
        ),
    }


def forget() -> None:
    """A workflow to which nothing has come yet, with its configuration."""
    with db.session.begin():
        for table in MADE:
            db.session.execute(delete(table))
        counters = [each.name for each in table_of(Workflow).c if each.name.endswith("_count")]
        db.session.execute(update(Workflow).values(dict.fromkeys(counters, 0)))
    db.session.remove()


def test_it_ends_as_the_stream_does(workflow: None, standin: StandinServer) -> None:
    stream = events()
    receive(stream)
    process()
    expected = made()
    assert len(expected["subject actions"]) > 5  # or this would prove little
    forget()
    give_to_panoptes(standin, stream)
    run = carry_out("backfill", acts=True)
    assert made() == expected
    assert (run.status, run.done, run.total, run.failed) == ("finished", 200, 200, 0)


def test_the_metadata_of_all_subjects_is_refreshed(workflow: None, standin: StandinServer) -> None:
    carry_out("backfill")
    known = by_first(Subject.id, Subject.metadata_)
    assert len(known) == 200
    assert known[70] == {"#filename": "a.jpg"}


def test_nothing_is_done_unless_it_is_to_act(workflow: None, standin: StandinServer) -> None:
    stream = events()
    receive(stream)
    process()
    expected = {(subject, effect) for subject, effect, _ in made()["subject actions"]}
    forget()
    give_to_panoptes(standin, stream)
    carry_out("backfill")
    assert values(SubjectAction.id) == []
    withheld = rows(
        Withheld.target_id, Withheld.effect_type, where=Withheld.target_type == "subject"
    )
    assert set(withheld) == expected
    assert len(withheld) == len(expected)


def test_once_more_it_changes_nothing(workflow: None, standin: StandinServer) -> None:
    give_to_panoptes(standin, events(60))
    carry_out("backfill", acts=True)
    before = made()
    run = carry_out("backfill", acts=True)
    assert made() == before
    assert run.status == "finished"


def test_what_streams_in_meanwhile_comes_first_and_acts(
    workflow: None, standin: StandinServer
) -> None:
    """Also what the run has brought a moment earlier."""
    with db.session.begin():
        db.session.execute(update(Workflow).values(status="paused"))
    given = [make_event(id, subject=1001, user=id, choice="star") for id in range(1, 11)]
    give_to_panoptes(standin, given)
    run_id = begin("backfill", targets=[1001], options={"subjects": "listed"}).run_id
    take_steps(run_id, most=1, works=False)
    assert values(Classification.run_id, by=Classification.id) == [run_id] * 10
    receive(given[4:])
    assert values(Classification.run_id, by=Classification.id) == [run_id] * 4 + [None] * 6
    with db.session.begin():
        db.session.execute(update(Workflow).values(status="active"))
    process()
    assert {kind for (kind,) in rows(SubjectAction.effect_type)} >= {"add_subject_to_set"}


@pytest.mark.parametrize(
    ("options", "targets", "expected"),
    [
        ({"subjects": "listed"}, [1001, 1003], {1001, 1003}),
        ({"subjects": "never"}, [], {1002, 1003}),
    ],
)
def test_only_some_subjects(
    workflow: None,
    standin: StandinServer,
    options: JSON,
    targets: list[int],
    expected: set[int],
) -> None:
    receive([make_event(1, subject=1001)])
    process()
    give_to_panoptes(standin, [make_event(id, subject=1000 + id) for id in (1, 2, 3)])
    carry_out("backfill", options=options, targets=targets)
    extracted = set(values(Extract.subject_id))
    assert extracted == expected | {1001}


def test_only_from_a_moment_on(workflow: None, standin: StandinServer) -> None:
    given = [make_event(id, subject=1001, at=id * 100) for id in (1, 2, 3)]
    give_to_panoptes(standin, given)
    carry_out("backfill", options={"since": given[1]["data"]["created_at"]})
    assert values(Extract.classification_id) == [2, 3]


def test_named_subjects_that_are_not_there_or_anothers(
    workflow: None, standin: StandinServer
) -> None:
    given = [make_event(1, subject=1001)]
    give_to_panoptes(standin, given)
    run = carry_out("backfill", options={"subjects": "listed"}, targets=[2001, 1001, 999_999])
    assert failures(run.id) == [
        ("subject 2001", "it belongs to another project"),
        ("subject 999999", "Panoptes has no such subject"),
    ]
    assert (run.status, run.done, run.failed) == ("finished", 3, 2)
    assert values(Extract.subject_id) == [1001]


def test_what_cannot_be_taken_stops_nothing(workflow: None, standin: StandinServer) -> None:
    bad = make_event(2, subject=1001, metadata={"nothing": "\0"})
    give_to_panoptes(standin, [make_event(1, subject=1001), bad, make_event(3, subject=1002)])
    run = carry_out("backfill")
    assert run.status == "finished"
    assert [place for place, _ in failures(run.id)] == ["classification 2"]
    assert values(Extract.classification_id) == [1, 3]


def test_one_volunteer(workflow: None, standin: StandinServer) -> None:
    given = [make_event(id, subject=1000 + id % 40, user=id % 2 + 1000) for id in range(1, 251)]
    give_to_panoptes(standin, given)
    run = carry_out("backfill_user", options={"user_id": 1001})
    assert len(values(Extract.id)) == 125
    assert (run.status, run.done) == ("finished", 125)
    assert set(values(Extract.user_id)) == {1001}
    described = by_first(Subject.id, Subject.metadata_)
    assert described[1001]["ra"]


def test_it_goes_on_after_errors_and_where_it_was(workflow: None, standin: StandinServer) -> None:
    give_to_panoptes(standin, events(100))
    run_id = begin("backfill").run_id
    standin.fail("^/api/subjects", status=503, times=1)
    held = running.claim(run_id)
    assert held is not None
    with pytest.raises(PanoptesError) as raised:
        running.take_step(held)
    running.note(held, raised.value)
    assert (state(run_id).status, state(run_id).attempts) == ("running", 1)
    assert "503" in (state(run_id).last_error or "")
    assert running.claim(run_id) is None  # not yet
    make_due(run_id)
    take_steps(run_id, most=4)
    make_due(run_id)  # the worker was killed
    assert take_steps(run_id) == "finished"
    assert len(set(values(Extract.classification_id))) == 100
    assert state(run_id).attempts == 0


def test_it_fails_where_panoptes_refuses_for_good(workflow: None, standin: StandinServer) -> None:
    standin.fail("^/api/subjects", status=403, message="not for you", times=1)
    run_id = begin("backfill").run_id
    running.carry_on(run_id)
    run = state(run_id)
    assert (run.status, run.last_error) == ("failed", "not for you")
    assert run.finished_at is not None


def test_a_halted_workflow_takes_nothing_in(workflow: None, standin: StandinServer) -> None:
    give_to_panoptes(standin, events(10))
    run_id = begin("backfill").run_id
    with db.session.begin():
        db.session.execute(update(Workflow).values(status="halted"))
    running.carry_on(run_id)
    assert state(run_id).status == "failed"
    assert "halted" in (state(run_id).last_error or "")
