"""Ids of requests: given or made, in the answer and in the logs."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from caesar_web import logs
from tests.conftest import plain_config
from tests.factories import make_event
from tests.pages import under_gunicorn
from tests.people import BROWSER, application

MADE = re.compile(r"[0-9a-f]{16}")
HEADER = "X-Request-Id"


@pytest.fixture
def app(new_database: Callable[[str], str]) -> Iterator[Flask]:
    with application(plain_config(database_url=new_database("sqlite"))) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/workflows", "/workflows/1"])
@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_every_answer_has_one(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    ids = [client.get(path, headers=headers).headers.getlist(HEADER) for _ in range(2)]
    ((one,), (other,)) = ids
    assert MADE.fullmatch(one)
    assert one != other


@pytest.mark.parametrize(
    ("given", "is_sane"),
    [
        ("0c7ce9a1-7b1e-4d86-9e2b-0c9e6a0d8b1f", True),
        ("Root=1-67891233-abcdef012345678912345678", True),
        ("short", False),
        ("x" * 101, False),
        ("with a space in it", False),
        ('"quoted-text"', False),
        ("línea-de-texto", False),
        ("", False),
    ],
)
def test_a_sane_one_that_comes_is_kept(client: FlaskClient, given: str, is_sane: bool) -> None:
    (id,) = client.get("/healthz", headers={HEADER: given}).headers.getlist(HEADER)
    assert (id == given) == is_sane


def test_what_is_logged_names_the_request_and_its_workflow(app: Flask) -> None:
    seen: list[dict[str, Any]] = []

    class Seen(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            seen.append(logs.ids())

    @app.after_request
    def say(response: Any) -> Any:
        logging.getLogger("of_tests").error("here")
        return response

    logger, written = logging.getLogger("of_tests"), Seen()
    logger.addHandler(written)
    try:
        client = app.test_client()
        client.get("/workflows/12/subjects/5/reductions", headers={HEADER: "the-request"})
        client.get("/nowhere", headers={HEADER: "another-one"})
    finally:
        logger.removeHandler(written)
    assert seen == [
        {"request": "the-request", "workflow": 12, "subject": 5},
        {"request": "another-one"},
    ]
    assert logs.ids() == {}


def test_the_web_server_logs_in_one_format(tmp_path: Path) -> None:
    away = "sqlite:////nowhere/caesar.db"
    config = plain_config(database_url=away, home=tmp_path / "home", log_format="json")
    with under_gunicorn(config, tmp_path / "log") as url, requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{url}/kinesis",
            json={"payload": [make_event(1, choice="a volunteer's answer")]},
            auth=(config.stream_username, config.stream_password),
            headers={HEADER: "the-request"},
            timeout=10,
        )
    assert (answer.status_code, answer.headers[HEADER]) == (503, "the-request")
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"gunicorn.error", "caesar_web.web.errors"} <= {line["logger"] for line in lines}
    (about,) = [line for line in lines if line.get("request") == "the-request"]
    assert about["message"].startswith("the database is away: ")
    assert "a volunteer's answer" not in text
