"""The page of the calls to a service: what came and waits, sending a test, asking again."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from caesar_web.jobs import asking, queues
from caesar_web.store.activity import ExternalWork
from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.store.db import db
from caesar_web.store.results import Extract
from tests.conftest import plain_config
from tests.factories import make_event, make_workflow
from tests.people import BROWSER, application, at_panoptes, sign_in
from tests.pipeline.steps import process, receive
from tests.served import page_of, send
from tests.standin.server import StandinServer


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    """A workflow with an extractor and a reducer of a service, one of which has two answers."""
    config = plain_config(database_url=new_database("sqlite"), http_to_loopback=True)
    with application(at_panoptes(config, standin)) as app:
        with app.app_context():
            _fill(standin)
        yield app


def _fill(standin: StandinServer) -> None:
    service: dict[str, Any] = {"type": "external", "url": f"{standin.url}/hook/service"}
    with db.session.begin():
        make_workflow(
            db.session(),
            100,
            extractors_config={"theirs": service, "ours": {"type": "survey"}},
            reducers_config={"service": {**service, "filters": {"extractor_keys": ["theirs"]}}},
        )
    standin.answer_hook("service", json={"found": "<b>"})
    receive([make_event(id, user=id, choice="lion") for id in (1, 2)])
    process()
    asking.ask(queues.EXTERNAL)
    db.session.remove()


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, "alice")
    return browser


def path_of(app: Flask, table: Any, key: str) -> str:
    with app.app_context():
        id = db.session.scalar(select(table.id).filter_by(key=key))
        db.session.remove()
    return f"/workflows/100/{table.__tablename__}/{id}/calls"


def test_the_latest_calls_and_what_waits(app: Flask, alice: FlaskClient) -> None:
    path = path_of(app, Extractor, "theirs")
    text = page_of(alice.get(path, headers=BROWSER)).text
    assert "0 answers are awaited" in text
    assert text.count("Answered with 200") == 2
    assert '{"found":"<b>"}' in text.replace(" ", "")
    edit = alice.get(path.removesuffix("/calls"), headers=BROWSER).text
    assert f'href="{path}"' in edit


def test_a_test_sends_the_newest_and_saves_nothing(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    standin.answer_hook("service", json={"found": "test"})
    sent = len(standin.hooks())
    text = page_of(send(alice, path_of(app, Extractor, "theirs"), do="test")).text
    assert "The test" in text
    assert json.loads(standin.hooks()[-1]["body"])["id"] == 2
    text = page_of(send(alice, path_of(app, Reducer, "service"), do="test")).text
    (extract, *_) = json.loads(standin.hooks()[-1]["body"])
    assert extract["extractor_key"] == "theirs"
    assert len(standin.hooks()) == sent + 2
    with app.app_context():
        found = db.session.scalars(select(Extract.data).filter_by(extractor_key="theirs")).all()
        assert found == [{"found": "<b>"}] * 2
        db.session.remove()


def test_a_test_that_fails_says_why(app: Flask, alice: FlaskClient, standin: StandinServer) -> None:
    standin.answer_hook("service", status=500)
    text = page_of(send(alice, path_of(app, Extractor, "theirs"), do="test")).text
    assert "answered with status 500" in text


def test_a_test_for_a_queue_says_that_it_is_a_message(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        sent = {"type": "sqs", "queue_name": "payroll"}
        extractors = {"survey": {"type": "survey"}}
        with db.session.begin():
            make_workflow(
                db.session(), 101, extractors_config=extractors, reducers_config={"sent": sent}
            )
        db.session.remove()
        receive([make_event(9, workflow=101, choice="lion")])
        process(101)
    path = path_of(app, Reducer, "sent").replace("100", "101")
    assert "as any other message" in page_of(alice.get(path, headers=BROWSER)).text
    refusal = "SQS_QUEUES of this server does not name the queue 'payroll'"
    assert refusal in page_of(send(alice, path, do="test")).text


def test_what_was_given_up_is_asked_for_again(app: Flask, alice: FlaskClient) -> None:
    with app.app_context():
        receive([make_event(3, user=3, choice="lion")])
        process()
        with db.session.begin():
            db.session.execute(update(ExternalWork).values(status="failed", attempts=9))
        db.session.remove()
    path = path_of(app, Extractor, "theirs")
    assert "1 was given up" in page_of(alice.get(path, headers=BROWSER)).text
    assert send(alice, path, do="again").status_code == 302
    with app.app_context():
        row = db.session.scalars(select(ExternalWork)).one()
        assert (row.status, row.attempts) == ("waiting", 0)
        assert row.not_before <= datetime.now(UTC)
        db.session.remove()


def test_what_calls_nobody_has_no_such_page(app: Flask, alice: FlaskClient) -> None:
    for path in (path_of(app, Extractor, "ours"), "/workflows/100/reducers/999/calls"):
        assert alice.get(path, headers=BROWSER).status_code == 404
