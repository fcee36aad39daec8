"""People of the stand-in, and how they come to us: with a token, or signed in with a browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import requests
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.standin.grants import TOKEN_SECONDS
from caesar_web.store.db import db
from tests.factories import JSON
from tests.standin.server import StandinServer

ROOT, ALICE, BOB, CAROL, DAVE = 1, 2, 3, 4, 5
ARCHIVE = 901  # owns project 30, on which Dave collaborates
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class PassingTime:
    """The clock of an application: real, and moved forward when told to."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def at_panoptes(config: Config, standin: StandinServer) -> Config:
    """The configuration of an application that knows the stand-in."""
    return replace(config, panoptes_url=standin.url, panoptes_public_key=standin.public_key_pem)


class StoppedTime(PassingTime):
    """Nothing expires, and Panoptes is asked once for each person's projects."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.moment


@contextmanager
def application(config: Config, clock: PassingTime | None = None) -> Iterator[Flask]:
    """An application whose context is not entered: each request has its own."""
    app = create_app(config, clock=clock or PassingTime())
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def bearer(standin: StandinServer, user_id: int) -> dict[str, str]:
    """The header with which a person's script comes."""
    return {"Authorization": f"Bearer {standin.token(user_id)}"}


def later(clock: PassingTime, standin: StandinServer, ahead: timedelta) -> None:
    """Lets time pass, also for new tokens of the stand-in, whose clock stays where it is."""
    clock.ahead = ahead
    standin.switch(token_seconds=int(ahead.total_seconds()) + TOKEN_SECONDS)


def depart(client: FlaskClient, path: str = "/auth/zooniverse") -> str:
    """Opens a page that wants somebody to sign in; gives the address at Panoptes."""
    departure = client.get(path, headers=BROWSER)
    while departure.status_code == 302 and departure.location.startswith("/"):
        departure = client.get(departure.location, headers=BROWSER)
    assert departure.status_code == 302, departure.text
    return departure.location


def consent(departure: str, login: str) -> str:
    """Somebody agrees at Panoptes; gives the path of ours to which it sends them back."""
    answer = requests.get(f"{departure}&as={login}", allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def sign_in(client: FlaskClient, login: str, path: str = "/auth/zooniverse") -> str:
    """Signs somebody in through the real redirects; gives where the browser then goes."""
    arrival = client.get(consent(depart(client, path), login), headers=BROWSER)
    assert arrival.status_code == 302, arrival.text
    return arrival.location


def who(client: FlaskClient) -> JSON:
    """What this browser's scripts are told about who is signed in."""
    answer = client.get("/session", headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    described: JSON = answer.get_json()
    return described


def csrf_token(client: FlaskClient, path: str = "/session") -> str:
    """The token of the forms on a page, as this browser gets it."""
    found = CSRF.search(client.get(path, headers=BROWSER).text)
    assert found, f"{path} has no form"
    return found[1]


def without_tokens(html: str) -> str:
    """A page as it was in another second too: the tokens of its forms tell the time."""
    return CSRF.sub("", html).strip()
