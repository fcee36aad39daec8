"""Tokens are renewed before they expire, by one request at a time, and what happens otherwise."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from caesar_web.access import renewal
from caesar_web.panoptes.people import People, PersonTokens
from caesar_web.store.activity import Credential
from caesar_web.store.db import db
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.pages import visit
from tests.people import (
    ALICE,
    BOB,
    BROWSER,
    PassingTime,
    consent,
    csrf_token,
    depart,
    later,
    sign_in,
    who,
)
from tests.standin.server import StandinServer

EXPIRED = timedelta(hours=2, seconds=1)
EXPIRING = timedelta(hours=1, minutes=56)
THREADS = 6


def times_renewed(standin: StandinServer) -> int:
    return len(standin.log("/oauth/token", "POST")) - 1  # the first was for a code


def sessions(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(Credential)) or 0


def at_once(client: FlaskClient) -> list[int]:
    """The answers to requests of one browser that come together."""
    cookie = client.get_cookie("caesar_session")
    assert cookie is not None
    together, statuses = Barrier(THREADS), list[int]()

    def ask() -> None:
        browser = client.application.test_client()
        browser.set_cookie("caesar_session", cookie.value)
        together.wait()
        statuses.append(browser.get("/workflows/100").status_code)

    threads = [Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@NO_OTHER_DATABASE
def test_nobody_is_thrown_out_on_a_working_day(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    renewed = []
    for hours in range(1, 12):
        later(clock, standin, timedelta(hours=hours))
        for _ in range(2):
            assert visit(client, "/workflows/100/settings")
        renewed.append(times_renewed(standin))
    assert renewed == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert who(client)["login"] == "alice"


@NO_OTHER_DATABASE
@pytest.mark.parametrize("hours", [2, 4, 11])
def test_still_signed_in_after_hours_away(
    client: FlaskClient, standin: StandinServer, clock: PassingTime, hours: int
) -> None:
    sign_in(client, "alice")
    later(clock, standin, timedelta(hours=hours))
    assert [client.get("/workflows/100").status_code for _ in range(3)] == [200] * 3
    assert times_renewed(standin) == 1


@NO_OTHER_DATABASE
def test_renewed_five_minutes_before(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    later(clock, standin, timedelta(hours=1, minutes=54))
    assert who(client)["login"] == "alice"
    assert times_renewed(standin) == 0
    later(clock, standin, EXPIRING)
    assert who(client)["login"] == "alice"
    assert times_renewed(standin) == 1


@pytest.mark.parametrize("ahead", [EXPIRED, EXPIRING])
def test_one_of_many_requests_renews(
    client: FlaskClient, standin: StandinServer, clock: PassingTime, ahead: timedelta
) -> None:
    sign_in(client, "alice")
    later(clock, standin, ahead)
    standin.fail("/oauth/token", delay=0.3)
    assert at_once(client) == [200] * THREADS
    assert times_renewed(standin) == 1
    assert at_once(client) == [200] * THREADS
    assert times_renewed(standin) == 1


@NO_OTHER_DATABASE
def test_those_who_wait_for_it_hear_that_it_failed(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    later(clock, standin, EXPIRED)
    standin.fail("/oauth/token", status=503, delay=0.3, times=-1)
    began = time.monotonic()
    assert at_once(client) == [503] * THREADS
    assert time.monotonic() - began < renewal.LONGEST_WAIT_SECONDS
    standin.lift_faults()
    assert at_once(client) == [200] * THREADS


@NO_OTHER_DATABASE
def test_those_who_wait_hear_that_it_was_refused(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    standin.reset()
    later(clock, standin, EXPIRED)
    standin.fail("/oauth/token", delay=0.3)
    assert at_once(client) == [401] * THREADS
    assert sessions(app) == 0


@NO_OTHER_DATABASE
def test_whoever_dies_while_renewing_holds_it_for_a_minute(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(renewal, "LONGEST_WAIT_SECONDS", 0.3)
    sign_in(client, "alice")
    later(clock, standin, EXPIRED)
    with app.app_context(), db.session.begin():
        db.session.execute(update(Credential).values(renewing_until=clock() + renewal.LEASE))
    assert client.get("/workflows/100").status_code == 503
    assert times_renewed(standin) == 0
    later(clock, standin, EXPIRED + renewal.LEASE)
    assert client.get("/workflows/100").status_code == 200
    assert times_renewed(standin) == 1


@NO_OTHER_DATABASE
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}])
def test_while_panoptes_is_away_nobody_is_thrown_out(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    fault: dict[str, int],
) -> None:
    sign_in(client, "alice")
    later(clock, standin, EXPIRED)
    standin.fail("/oauth/token", times=-1, status=fault.get("status"), drop="drop" in fault)
    assert client.get("/workflows/100").status_code == 503
    assert "cannot be reached" in visit(client, "/workflows/100", status=503).text
    assert client.get("/session").status_code == 503
    visit(client, "/session", status=503)  # and not: nobody is signed in
    visit(client, "/")
    standin.lift_faults()
    visit(client, "/workflows/100")
    assert who(client)["login"] == "alice"


@NO_OTHER_DATABASE
def test_a_token_that_is_still_good_goes_on(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    later(clock, standin, EXPIRING)
    standin.fail("/oauth/token", status=500, times=-1)
    assert client.get("/workflows/100").status_code == 200
    standin.lift_faults()
    assert client.get("/workflows/100").status_code == 200
    later(clock, standin, EXPIRED)
    standin.clear_log()
    assert client.get("/workflows/100").status_code == 200
    assert standin.log("/oauth/token") == []


@NO_OTHER_DATABASE
def test_whoever_leaves_need_not_wait_for_panoptes(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    fields = {"csrf_token": csrf_token(client)}
    later(clock, standin, EXPIRED)
    standin.fail("/oauth/token", status=500, times=-1)
    assert client.post("/session/end", data=fields, headers=BROWSER).status_code == 302
    assert sessions(app) == 0
    assert who(client)["id"] is None


def refused(client: FlaskClient, standin: StandinServer, clock: PassingTime) -> TestResponse:
    later(clock, standin, EXPIRED)
    return client.get("/workflows/100/configuration?copy_from=200", headers=BROWSER)


@NO_OTHER_DATABASE
def test_a_refused_renewal_leads_back_to_the_same_page(
    app: Flask, client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "alice")
    standin.reset()
    assert refused(client, standin, clock).location == "/auth/zooniverse"
    assert sessions(app) == 0
    path = "/workflows/100/configuration?copy_from=200"
    arrival = client.get(consent(depart(client), "alice"), headers=BROWSER)
    assert arrival.location == path
    visit(client, path)
    assert sign_in(client, "alice") == "/session"  # used once


def of_bob(standin: StandinServer) -> PersonTokens:
    return PersonTokens(standin.token(BOB, ttl=100_000), "a refresh token")


def expired(standin: StandinServer) -> PersonTokens:
    return PersonTokens(standin.token(ALICE), "a refresh token")


def foreign(standin: StandinServer) -> PersonTokens:
    return PersonTokens(standin.token(ALICE, foreign=True), "a refresh token")


@NO_OTHER_DATABASE
@pytest.mark.parametrize("answer", [of_bob, expired, foreign])
def test_tokens_that_are_not_theirs_end_the_session(
    app: Flask,
    client: FlaskClient,
    standin: StandinServer,
    clock: PassingTime,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[StandinServer], PersonTokens],
) -> None:
    sign_in(client, "alice")
    monkeypatch.setattr(People, "renew", lambda self, refresh: answer(standin))
    assert refused(client, standin, clock).location == "/auth/zooniverse"
    assert sessions(app) == 0
    assert who(client)["id"] is None


@NO_OTHER_DATABASE
def test_without_a_refresh_token_a_session_lasts_as_long_as_its_token(
    client: FlaskClient, standin: StandinServer, clock: PassingTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def arrive(self: People, redirect_uri: str, **sent: str) -> PersonTokens:
        return PersonTokens(standin.token(ALICE), None)

    monkeypatch.setattr(People, "arrive", arrive)
    sign_in(client, "alice")
    assert client.get("/workflows/100").status_code == 200
    assert refused(client, standin, clock).location == "/auth/zooniverse"
    assert standin.log("/oauth/token") == []


@NO_OTHER_DATABASE
def test_whoever_is_administrator_no_longer_acts_as_none(
    client: FlaskClient, standin: StandinServer, clock: PassingTime
) -> None:
    sign_in(client, "root")
    fields = {"on": "1", "csrf_token": csrf_token(client)}
    client.post("/session/admin", data=fields, headers=BROWSER)
    visit(client, "/workflows/300")
    standin.switch(service_account_admin=False)
    later(clock, standin, EXPIRED)
    visit(client, "/workflows/300", status=404)
    described = who(client)
    assert (described["admin"], described["acts_as_admin"]) == (False, False)
    assert "You act as administrator" not in visit(client, "/").text
    visit(client, "/trail", status=403)
