"""The status page: as JSON for those who monitor, as a page for people."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser

from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.domain.classification import timestamp
from caesar_web.jobs import queues
from caesar_web.store import queries
from caesar_web.store.db import db
from tests.factories import make_event, make_workflow
from tests.pages import BROWSER, in_thread, visit
from tests.pipeline.steps import process, receive
from tests.services import RedisServer

LIONS: dict[str, Any] = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {"counts": {"type": "stats"}},
    "rules_config": [
        {
            "if": ["gte", ["lookup", "counts.lion", 0], ["const", 1]],
            "then": [{"action": "retire_subject"}],
        }
    ],
}


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    """Every test asks once: the context of the application is entered."""
    yield app.test_client()
    db.session.remove()


@pytest.fixture
def busy(client: FlaskClient) -> FlaskClient:
    with db.session.begin():
        make_workflow(db.session(), **LIONS)
    receive([make_event(1, choice="lion")])
    process()
    receive([make_event(id, choice="lion") for id in (2, 3)])
    return client


def test_a_new_installation_as_json(client: FlaskClient) -> None:
    response = client.get("/")
    assert response.content_type == "application/json; charset=utf-8"
    assert response.get_json() == {
        "sidekiq_queue_size": 0,
        "newest_extract_date": None,
        "newest_reduction_date": None,
        "newest_action_date": None,
        "commit_id": "",
    }


def test_moments_and_jobs_as_json(
    busy: FlaskClient, app: Flask, config: Config, redis_of_session: RedisServer
) -> None:
    url = redis_of_session.url
    queues.connection(url).flushall()
    queues.ring_classifications(url, 100, queue=queues.CLASSIFICATIONS)
    queues.ring_actions(url, 100)
    app.extensions["caesar_config"] = replace(config, redis_url=url, commit_id="abc123")
    body = busy.get("/").get_json()
    newest = queries.newest(db.session())
    assert body == {
        "sidekiq_queue_size": 2,
        "newest_extract_date": timestamp(newest.extract),
        "newest_reduction_date": timestamp(newest.reduction),
        "newest_action_date": timestamp(newest.action),
        "commit_id": "abc123",
    }
    assert all(body.values())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/vnd.api+json; version=1", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("image/png", "application/json"),
        ("nonsense", "application/json"),
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("text/html, */*;q=0.1", "text/html"),
        ("text/html, application/json;q=0.9", "application/json"),
    ],
)
def test_only_browsers_get_a_page(client: FlaskClient, accept: str | None, mimetype: str) -> None:
    response = client.get("/", headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response.mimetype) == (200, mimetype)
    assert "Accept" in response.vary


def test_the_page_of_a_new_installation(client: FlaskClient) -> None:
    page = visit(client, "/")
    assert page.all("h1")[0].text == "Status"
    assert page.all("title")[0].text == "Status – caesar_web"
    assert "No rule has decided on an action yet" in page.text
    assert "none yet" in page.text
    assert "The queue server is away" in page.text


def test_the_page_of_a_busy_one(busy: FlaskClient) -> None:
    page = visit(busy, "/")
    assert "Classifications waiting 2" in page.text
    rows = [row.text for row in page.all("tr")]
    assert "retire subject pending 1" in rows


def test_the_workflows_are_not_named(busy: FlaskClient) -> None:
    page = visit(busy, "/")
    assert "Galaxies" not in page.text
    assert "Actions 1" in page.text


LIGHT = "rgb(239, 242, 245)"
SIZES = {"desktop": (1280, 800), "phone": (360, 740)}


@pytest.mark.browser
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_in_a_browser(
    browser: Browser, busy: FlaskClient, config: Config, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    problems: list[str] = []
    served = create_app(config)  # its threads each enter a context of their own
    with in_thread(served) as url:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.goto(url, wait_until="load")
        assert page.title() == "Status – caesar_web"
        assert page.get_by_role("heading", level=1).inner_text() == "Status"
        assert page.get_by_role("table").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != LIGHT
        assert dark == (scheme == "dark")
        if folder := os.environ.get("PAGES_FOLDER"):
            page.screenshot(path=f"{folder}/status-{size}-{scheme}.png", full_page=True)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        context.close()
    with served.app_context():
        db.engine.dispose()
    assert problems == []
