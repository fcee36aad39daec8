"""How long the main pages take on a large database: in this process, without a web server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from bench.filling import BUSIEST_SUBJECT, BUSIEST_USER, WORKFLOW_ID, fill
from caesar_web.store.db import db
from tests.conftest import migrate, plain_config
from tests.people import BROWSER, application, at_panoptes, sign_in
from tests.services import create_database, postgres
from tests.standin.server import StandinServer

GOAL_MILLISECONDS = 150
REQUESTS = 15
HERE = f"/workflows/{WORKFLOW_ID}"
PAGES = {
    "workflows": "/workflows",
    "overview": HERE,
    "extractors": f"{HERE}/extractors",
    "an extractor": f"{HERE}/extractors/1",
    "reducers": f"{HERE}/reducers",
    "a reducer": f"{HERE}/reducers/1",
    "rules": f"{HERE}/rules",
    "a rule, with its preview": f"{HERE}/subject_rules/1",
    "subjects": f"{HERE}/subjects",
    "a subject": f"{HERE}/subjects/1000",
    "the busiest subject": f"{HERE}/subjects/{BUSIEST_SUBJECT}",
    "a volunteer": f"{HERE}/users/{BUSIEST_USER}",
    "activity": f"{HERE}/activity",
    "activity, failed ones": f"{HERE}/activity?state=failed",
    "history": f"{HERE}/history",
    "status": "/",
}


@dataclass(frozen=True)
class PageMeasured:
    """A page's numbers: milliseconds of some requests, statements, and kilobytes of one."""

    page: str
    median: int
    worst: int
    goal: int
    statements: int
    kilobytes: int


def measure(folder: Path) -> list[PageMeasured]:
    """Fills a database, then asks for each page again and again."""
    with postgres() as server, StandinServer() as standin:
        url = create_database(server, "pages")
        migrate(url)
        config = at_panoptes(plain_config(database_url=url, home=folder), standin)
        with application(config) as app:
            with app.app_context():
                fill(datetime.now(UTC))
                db.session.remove()
            client = app.test_client()
            sign_in(client, "alice")
            return [_measured(app, client, name, path) for name, path in PAGES.items()]


def _measured(app: Flask, client: FlaskClient, name: str, path: str) -> PageMeasured:
    _ask(client, path)  # what is asked of Panoptes is remembered from then on
    taken = [_ask(client, path)[0] for _ in range(REQUESTS)]
    with _statements(app) as seen:
        _, size = _ask(client, path)
    return PageMeasured(
        name,
        round(median(taken) * 1000),
        round(max(taken) * 1000),
        GOAL_MILLISECONDS,
        len(seen),
        round(size / 1000),
    )


def _ask(client: FlaskClient, path: str) -> tuple[float, int]:
    """The seconds that a page took, and its length."""
    started = time.perf_counter()
    response = client.get(path, headers=BROWSER)
    taken = time.perf_counter() - started
    assert response.status_code == 200, f"{path}: {response.status}"
    return taken, len(response.data)


@contextmanager
def _statements(app: Flask) -> Iterator[list[str]]:
    """The statements of a block."""
    seen: list[str] = []

    def note(*call: object) -> None:
        seen.append(str(call[2]))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
