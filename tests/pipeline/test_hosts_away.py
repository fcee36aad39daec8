"""A host that fails is left alone, costs nobody an attempt, and then everything is done once."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.config import Config
from caesar_web.domain.gates import Gate
from caesar_web.domain.hosts import host_of
from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.jobs import tasks
from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.pipeline import gates
from caesar_web.pipeline.claiming import Claiming, workflows_with_due
from caesar_web.store.action_statements import SUBJECT_ACTIONS
from caesar_web.store.activity import Light, SubjectAction
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, START, make_workflow
from tests.pipeline.reading import rows
from tests.pipeline.test_actions import (
    ADD,
    LINKED,
    RETIRE,
    RETIRED,
    SUBJECTS,
    classify,
    decide,
    document,
    make_due,
    sent,
    states,
    subjects_sent,
)
from tests.standin.server import StandinServer

HOOK = "https://example.org/hook"
CALL: JSON = {"action": "external", "url": HOOK, "reducer_key": "seen"}
AWAY: JSON = {"status": 503, "message": "busy", "times": -1}
UNANSWERED = ExternalError("example.org did not answer in time", permanent=False)
MANY = tuple(range(2001, 2011))


class Service:
    """A service elsewhere, which answers with `problem` while it has one."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem
        self.sent: list[Any] = []

    def post(self, url: str, body: Any, **_: Any) -> None:
        self.sent.append(body)
        if self.problem:
            raise self.problem


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return plain_config(database_url=config.database_url, panoptes_url=standin.url)


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    yield app
    panoptes().close()


@pytest.fixture
def service(app: Flask) -> Service:
    service = Service()
    app.extensions.setdefault("caesar_parts", {})[GuardedClient] = service
    return service


def fail_thrice() -> None:
    """Until the light of the host is red."""
    for _ in range(3):
        make_due()
        perform(100)


def end_cool_off() -> None:
    """As if the moment had come until which the host is left alone."""
    with db.session.begin():
        red = Light.held_until.is_not(None)
        db.session.execute(update(Light).where(red).values(held_until=START))
    db.session.remove()


def light_of(url: str) -> tuple[Any, ...]:
    """The outcomes of a host's light, whether it is red, and its error; nothing without one."""
    columns = (Light.outcomes, Light.held_until, Light.last_error, Light.failing_since)
    found = rows(*columns, where=(Light.kind == "host") & (Light.name == host_of(url)))
    return (found[0][0], found[0][1] is not None, *found[0][2:]) if found else ()


def payload(body: Any) -> None:
    with db.session.begin():
        db.session.execute(update(SubjectAction).values(payload=body))
    db.session.remove()


def at_once(app: Flask, number: int, step: Callable[[], object]) -> None:
    """So many workers, all at the same time."""

    def run() -> None:
        with app.app_context():
            step()
            panoptes().close()
            db.session.remove()

    threads = [Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "it waits for ever"


def test_a_red_host_is_left_alone_and_costs_no_attempt(app: Flask, standin: StandinServer) -> None:
    decide(RETIRE)
    standin.fail(f"/api/.*{RETIRED}", **AWAY)
    fail_thrice()
    outcomes, is_red, error, since = light_of(standin.url)
    assert (outcomes, is_red, error) == ("xxx", True, "busy")
    assert datetime.now(UTC) - since < timedelta(minutes=1)
    for _ in range(3):
        make_due()
        perform(100)
    assert len(sent(standin, RETIRED)) == 3
    assert states() == [("pending", 3)] * 5


def test_one_action_tries_it_and_when_it_works_all_are_done_once(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE)
    standin.fail(f"/api/.*{RETIRED}", **AWAY)
    fail_thrice()
    standin.clear_log()
    make_due()
    for tries in (1, 2):
        end_cool_off()
        perform(100)
        perform(100)
        assert list(map(len, subjects_sent(standin, RETIRED))) == [1] * tries
        assert states() == [("pending", 3)] * 5, "trying a host costs no attempt"
    assert light_of(standin.url)[0] == "xxxxx"
    standin.lift_faults()
    standin.clear_log()
    with db.session.begin():  # their own retry is far away
        later = datetime.now(UTC) + timedelta(minutes=15)
        those = SubjectAction.subject_id != 1003
        db.session.execute(update(SubjectAction).where(those).values(not_before=later))
    end_cool_off()
    perform(100)
    assert subjects_sent(standin, RETIRED) == [[1003], [1001, 1002, 1004, 1005]]
    assert light_of(standin.url)[:2] == ("xxxxx..", False)
    assert {status for status, _ in states()} == {"completed"}
    perform(100)
    assert len(sent(standin, RETIRED)) == 2


def test_those_tried_least_lately_try_it_next(app: Flask, standin: StandinServer) -> None:
    decide(RETIRE)
    standin.fail(f"/api/.*{RETIRED}", **AWAY)
    fail_thrice()
    standin.clear_log()
    make_due()
    for _ in SUBJECTS:
        end_cool_off()
        perform(100)
    assert subjects_sent(standin, RETIRED) == [[id] for id in SUBJECTS]


def test_in_a_round_the_rest_is_given_back_unbegun(app: Flask, service: Service) -> None:
    decide(CALL, subjects=MANY)
    payload({})
    service.problem = UNANSWERED
    perform(100)
    assert len(service.sent) == 3
    assert sorted(states()) == [("pending", 0)] * 7 + [("pending", 1)] * 3
    assert light_of(HOOK)[:3] == ("xxx", True, UNANSWERED.message)
    perform(100)
    assert len(service.sent) == 3
    service.problem = None
    end_cool_off()
    perform(100)
    perform(100)
    assert len(service.sent) == 3 + len(MANY)
    assert {status for status, _ in states()} == {"completed"}


def test_others_are_not_slowed(app: Flask, standin: StandinServer, service: Service) -> None:
    decide(CALL, subjects=MANY)
    payload({})
    with db.session.begin():
        make_workflow(db.session(), 101, **document(RETIRE))
    service.problem = UNANSWERED
    fail_thrice()
    classify(*SUBJECTS, first=100)  # of the first workflow, which also has a new rule for them
    with db.session.begin():
        db.session.execute(
            update(SubjectAction)
            .where(SubjectAction.subject_id.in_(SUBJECTS))
            .values(effect_type="retire_subject", config={"reason": "blank"})
        )
    service.sent.clear()
    perform(100)
    assert service.sent == []
    assert subjects_sent(standin, RETIRED) == [list(SUBJECTS)]


def test_a_host_that_fails_has_its_turn_last(
    app: Flask, standin: StandinServer, service: Service
) -> None:
    decide(CALL, subjects=(2001, 2002, 1001))
    payload({})
    with db.session.begin():
        last = SubjectAction.subject_id == 1001
        retire = {"effect_type": "retire_subject", "config": {"reason": "blank"}}
        db.session.execute(update(SubjectAction).where(last).values(**retire))
    asked: list[int] = []

    def post(*_: Any, **__: Any) -> None:
        asked.append(len(sent(standin, RETIRED)))
        raise UNANSWERED

    service.post = post  # type: ignore[method-assign]  # it looks at the others' calls
    perform(100)
    assert asked == [0, 1]


@pytest.mark.parametrize(
    "problem",
    [
        ExternalError("example.org answered with status 404", permanent=False, status=404),
        ExternalError("example.org answered with status 302", permanent=False, status=302),
        ExternalError("it is at 10.0.0.1, which is not public", permanent=True),
        RuntimeError("ours"),
    ],
)
def test_what_says_nothing_of_the_host_does_not_trip_it(
    app: Flask, service: Service, problem: Exception
) -> None:
    decide(CALL, subjects=MANY)
    payload({})
    service.problem = problem
    perform(100)
    assert len(service.sent) == len(MANY)
    assert light_of(HOOK) == ()


@pytest.mark.parametrize("status", [429, 408, 500, 502, 503])
def test_what_a_server_says_of_itself_does(app: Flask, service: Service, status: int) -> None:
    decide(CALL, subjects=MANY)
    payload({})
    service.problem = ExternalError("busy", permanent=False, status=status)
    perform(100)
    assert len(service.sent) == 3


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_what_panoptes_refuses_does_not_trip_it(
    app: Flask, standin: StandinServer, status: int
) -> None:
    decide({**ADD, "subject_set_id": 11}, RETIRE)
    standin.fail(f"/api/.*{LINKED}", status=status, message="Not this", times=-1)
    fail_thrice()
    assert light_of(standin.url) == ()


def test_a_target_that_moved_does_not_trip_it_and_an_odd_token_does(
    app: Flask, standin: StandinServer
) -> None:
    decide(ADD, subjects=MANY)
    with db.session.begin():
        db.session.execute(update(SubjectAction).values(target_owner={"project": 99}))
    perform(100)
    assert {status for status, _ in states()} == {"failed"}
    assert light_of(standin.url) == ()
    panoptes()._tokens.refuse(panoptes()._tokens.get())
    standin.fail("/oauth/token", status=401, message="who?", times=-1)
    with db.session.begin():
        db.session.execute(update(SubjectAction).values(status="pending"))
    fail_thrice()
    assert light_of(standin.url)[:2] == ("xxx", True)


def test_a_success_in_between_begins_anew(app: Flask, service: Service) -> None:
    with db.session.begin():
        session, now = db.session(), datetime.now(UTC)
        assert gates.note(session, "a", "..", now=now) == gates.Noted(Gate())
        for outcomes in ("xx", ".", "x", "x", ".x"):
            assert not gates.note(session, "a", outcomes, error="away", now=now).gate.is_shut
        assert gates.known(session)["a"].outcomes == "xx.xx.x"
        assert gates.held(session, now=now) == {}
        noted = gates.note(session, "a", "xx", error="still away", now=now)
        assert gates.held(session, ["a", "b"], now=now) == {"a": noted.gate.held_until}
        assert gates.held(session, ["b"], now=now) == {}
        assert gates.note(session, "a", ".", now=now).recovered_since == now
        assert gates.held(session, now=now) == {}


def test_of_several_workers_one_tries_it(app: Flask, standin: StandinServer) -> None:
    decide(RETIRE)
    standin.fail(f"/api/.*{RETIRED}", **AWAY)
    fail_thrice()
    standin.lift_faults()
    standin.fail(f"/api/.*{RETIRED}", **AWAY, delay=0.5)
    standin.clear_log()
    make_due()
    end_cool_off()
    at_once(app, 4, lambda: perform(100))
    assert list(map(len, subjects_sent(standin, RETIRED))) == [1]
    standin.lift_faults()
    end_cool_off()
    for _ in range(2):
        at_once(app, 4, lambda: perform(100))
    done = [one for one in sent(standin, RETIRED) if one["status"] < 300]
    assert sorted(id for one in done for id in one["body"]["subject_ids"]) == list(SUBJECTS)
    assert {status for status, _ in states()} == {"completed"}


def test_a_worker_that_dies_while_it_tries_keeps_nobody_back_for_long(
    app: Flask, standin: StandinServer
) -> None:
    decide(RETIRE)
    standin.fail(f"/api/.*{RETIRED}", **AWAY)
    fail_thrice()
    standin.lift_faults()
    standin.clear_log()
    make_due()
    end_cool_off()
    now = datetime.now(UTC)
    lease = {"now": now, "lease_until": now + timedelta(seconds=60)}
    dying = Claiming(SUBJECT_ACTIONS, 100, host_of(standin.url), **lease)
    with db.session.begin():
        assert len(dying.claim_trial(db.session()).claims) == 1
    with db.session.begin():
        assert dying.claim_trial(db.session()).claims == []
        assert dying.claim(db.session(), most=100).claims == []
    db.session.remove()
    perform(100)
    assert sent(standin, RETIRED) == []
    end_cool_off()  # its lease is over
    make_due()
    perform(100)
    perform(100)
    assert {status for status, _ in states()} == {"completed"}


def test_the_sweep_rings_for_what_may_be_tried(app: Flask, service: Service) -> None:
    decide(CALL, subjects=MANY)
    payload({})
    with db.session.begin():
        make_workflow(db.session(), 101, **document(RETIRE))
    service.problem = UNANSWERED
    fail_thrice()
    make_due()
    assert due() == []
    end_cool_off()
    assert due() == [100]


def due() -> list[int]:
    with db.session.begin():
        now = datetime.now(UTC)
        found = workflows_with_due(db.session(), panoptes=tasks.panoptes_host(), now=now)
    db.session.remove()
    return found
