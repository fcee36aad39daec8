"""An application at the stand-in Panoptes, with workflows of three projects, and its callers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, make_workflow
from tests.pages import Element, broken_rules, parse
from tests.people import BROWSER, PassingTime, application, at_panoptes, bearer, csrf_token
from tests.standin.server import StandinServer

ADD: JSON = {"action": "add_subject_to_set", "subject_set_id": 7}
CALL: JSON = {
    "action": "external_with_basic_auth",
    "url": "https://example.org/hook",
    "reducer_key": "counts",
    "username": "kade",
    "password": "s3cret",
}
PROMOTE: JSON = {"action": "promote_user", "workflow_id": 101}


def rules(*effects: JSON, user_effects: tuple[JSON, ...] = ()) -> JSON:
    """A document with one rule of each topic."""
    return {
        "rules_config": [{"if": ["const", True], "then": list(effects)}],
        "user_rules_config": [{"if": ["const", True], "then": list(user_effects)}],
    }


@contextmanager
def three_projects(
    database_url: str, standin: StandinServer, *, clock: PassingTime | None = None, **over: Any
) -> Iterator[Flask]:
    """Alice owns 100 and collaborates on 200; 300 is of a private project, Dave's and an owner's.

    Of 100, the subject rule and its effects have the ids 1, and 1 and 2; the user rule and its
    effect 1; of 200 they are 2 and 3.
    """
    config = at_panoptes(plain_config(database_url=database_url, **over), standin)
    is_there = _is_copied(database_url)
    with application(config, clock) as app:
        if not is_there:
            with app.app_context():
                with db.session.begin():
                    _make_workflows(db.session())
                db.session.remove()
            _keep(database_url)
        yield app


def _make_workflows(session: Session) -> None:
    make_workflow(session, 100, **rules(ADD, CALL, user_effects=(PROMOTE,)))
    make_workflow(session, 200, project_id=20, **rules({"action": "retire_subject"}))
    make_workflow(session, 300, project_id=30, **rules({**ADD, "subject_set_id": 8}))


_kept: list[bytes] = []  # the database of three_projects, made once in a process


def _is_copied(database_url: str) -> bool:
    """Whether the workflows are in this database now, as they had been made before."""
    if not _kept or not database_url.startswith("sqlite:///"):
        return False
    Path(database_url.removeprefix("sqlite:///")).write_bytes(_kept[0])
    return True


def _keep(database_url: str) -> None:
    if database_url.startswith("sqlite:///") and not _kept:
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as made:
            _kept.append(made.serialize())


def script(app: Flask, standin: StandinServer, user_id: int) -> FlaskClient:
    """Somebody's script, with a token."""
    client = app.test_client(use_cookies=False)
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(standin, user_id)["Authorization"]
    return client


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Sends the form of a page, as its browser does."""
    sent = {**fields, "csrf_token": csrf_token(client, path)}
    return client.post(path, data=sent, headers=BROWSER)


def page_of(response: TestResponse) -> Element:
    """The page in an answer, checked against what every page keeps to."""
    page, problems = parse(response.text)
    assert problems + broken_rules(page) == []
    return page
