"""Whose projects: asked of Panoptes, remembered for five minutes, asked once more on a miss."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from caesar_web.store.activity import Credential
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.people import ALICE, BOB, DAVE, ROOT, PassingTime, application, sign_in
from tests.served import script, three_projects
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(database_url: str, standin: StandinServer, clock: PassingTime) -> Iterator[Flask]:
    with three_projects(database_url, standin, clock=clock) as app:
        yield app


def status(client: FlaskClient, workflow_id: int) -> int:
    return client.get(f"/workflows/{workflow_id}").status_code


def times_asked(standin: StandinServer) -> int:
    """How often Panoptes was asked for somebody's projects; they fit on one page."""
    return len(standin.log("^/api/projects$", "GET"))


def forget(app: Flask, clock: PassingTime, *, ago: timedelta) -> None:
    """As if the person had had no project when Panoptes was asked last."""
    with app.app_context(), db.session.begin():
        values = {"project_ids": [], "projects_at": clock() - ago}
        db.session.execute(update(Credential).values(values))


def signed_in(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    sign_in(client, login)
    return client


def test_what_is_theirs(app: Flask, standin: StandinServer) -> None:
    alice, dave, bob = (script(app, standin, id) for id in (ALICE, DAVE, BOB))
    assert [status(alice, id) for id in (100, 200, 300)] == [200, 200, 404]
    assert [status(dave, id) for id in (100, 200, 300)] == [404, 404, 200]
    assert [status(bob, id) for id in (100, 200, 300)] == [404, 404, 404]
    listed = [[row["id"] for row in each.get("/workflows").get_json()] for each in (alice, bob)]
    assert listed == [[100, 200], []]


@pytest.mark.parametrize("by", ["token", "session"])
def test_the_answer_is_remembered_for_five_minutes(
    app: Flask, standin: StandinServer, clock: PassingTime, by: str
) -> None:
    client = script(app, standin, ALICE) if by == "token" else signed_in(app, "alice")
    assert [status(client, 100) for _ in range(3)] == [200] * 3
    clock.ahead = timedelta(minutes=4, seconds=50)
    assert status(client, 200) == 200
    assert times_asked(standin) == 1
    clock.ahead = timedelta(minutes=5, seconds=1)
    assert [status(client, 100) for _ in range(3)] == [200] * 3
    assert times_asked(standin) == 2


def test_it_is_remembered_in_the_database(app: Flask, standin: StandinServer) -> None:
    token = standin.token(ALICE)
    headers = {"Authorization": f"Bearer {token}"}
    config, clock = app.extensions["caesar_config"], app.extensions["caesar_clock"]
    assert app.test_client().get("/workflows/100", headers=headers).status_code == 200
    with application(config, clock) as another:
        response = another.test_client().get("/workflows/100", headers=headers)
    assert response.status_code == 200
    assert times_asked(standin) == 1
    with app.app_context():
        (kept,) = db.session.scalars(select(Credential))
    assert token not in f"{kept.digest} {kept.tokens} {kept.login} {kept.name}"


@pytest.mark.parametrize("by", ["token", "session"])
def test_a_project_that_is_new_is_seen_on_a_miss(
    app: Flask, standin: StandinServer, clock: PassingTime, by: str
) -> None:
    client = script(app, standin, DAVE) if by == "token" else signed_in(app, "dave")
    assert status(client, 300) == 200
    forget(app, clock, ago=timedelta(seconds=11))
    assert status(client, 300) == 200
    assert times_asked(standin) == 2
    forget(app, clock, ago=timedelta(seconds=11))
    assert status(client, 100) == 404
    assert status(client, 300) == 200  # known since the miss before
    assert times_asked(standin) == 3


def test_guessing_does_not_make_us_ask_each_time(
    app: Flask, standin: StandinServer, clock: PassingTime
) -> None:
    bob = script(app, standin, BOB)
    assert [status(bob, id) for id in (100, 200, 300, 100)] == [404] * 4
    assert times_asked(standin) == 1
    clock.ahead = timedelta(seconds=11)
    assert [status(bob, id) for id in (100, 200, 300, 100)] == [404] * 4
    assert times_asked(standin) == 2


def test_panoptes_is_not_asked_for_administrators(app: Flask, standin: StandinServer) -> None:
    root = script(app, standin, ROOT)
    standin.fail("^/api", status=503, times=-1)
    assert [status(root, id) for id in (100, 300)] == [200, 200]
    assert len(root.get("/workflows").get_json()) == 3
    assert standin.log() == []


def test_whom_panoptes_does_not_recognise_has_no_projects(
    app: Flask, standin: StandinServer, clock: PassingTime
) -> None:
    alice = script(app, standin, ALICE)
    assert status(alice, 100) == 200
    standin.revoke(user_id=ALICE)
    assert status(alice, 100) == 200  # as remembered
    clock.ahead = timedelta(minutes=5, seconds=1)
    assert status(alice, 100) == 404
    assert alice.get("/workflows").get_json() == []


@pytest.mark.parametrize("by", ["token", "session"])
@pytest.mark.parametrize("path", ["^/api/me", "^/api/projects"])
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}])
def test_nobody_is_let_in_on_a_guess(
    app: Flask,
    standin: StandinServer,
    clock: PassingTime,
    by: str,
    path: str,
    fault: dict[str, int],
) -> None:
    client = script(app, standin, ALICE) if by == "token" else signed_in(app, "alice")
    standin.fail(path, times=-1, status=fault.get("status"), drop="drop" in fault)
    assert status(client, 100) == 503
    assert client.get("/workflows").status_code == 503
    standin.lift_faults()
    assert status(client, 100) == 200
    standin.fail(path, times=-1, status=fault.get("status"), drop="drop" in fault)
    clock.ahead = timedelta(minutes=1)
    assert status(client, 200) == 200  # as remembered
    assert status(client, 300) == 503  # it may be new
    clock.ahead = timedelta(minutes=6)
    assert status(client, 100) == 503
