"""The pages of every workflow of the sample world, with some classifications in it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.standin import demo
from caesar_web.standin.volunteers import classifications
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import make_workflow
from tests.pages import Element, visit
from tests.people import application, at_panoptes, sign_in
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer

CONFIGURATIONS = Path(demo.__file__).parent / "configurations"
EVENTS = 12
OWNERS = {10: "alice", 20: "alice", 30: "dave"}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    config = at_panoptes(plain_config(database_url=new_database("sqlite")), standin)
    with application(config) as app:
        yield app


@pytest.mark.parametrize("workflow_id", demo.WORKFLOW_IDS)
def test_its_pages_open_and_name_no_problem(
    app: Flask, standin: StandinServer, workflow_id: int
) -> None:
    project_id = workflow_id // 100 * 10
    with app.app_context():
        document = json.loads((CONFIGURATIONS / f"{workflow_id}.json").read_text("utf-8"))
        with db.session.begin():
            make_workflow(db.session(), workflow_id, project_id=project_id, **document)
        classify(standin, workflow_id)
    client = app.test_client()
    sign_in(client, OWNERS[project_id])
    home = f"/workflows/{workflow_id}"
    overview = visit(client, home)
    assert "(not there)" not in overview.text
    seen = set(linked(overview, home))
    for path in (f"{home}/propose", f"{home}/configuration", f"{home}/subjects", *sorted(seen)):
        seen |= set(linked(visit(client, path), home))
    assert {kind_of(path) for path in seen} >= {"extractors", "reducers", "subject_rules"}
    for path in sorted(path for path in seen if kind_of(path) in ("subjects", "subject_rules")):
        visit_well(client, path)


def classify(standin: StandinServer, workflow_id: int) -> None:
    with requests.Session() as session:
        panoptes = demo.Standin(standin.url, session)
        panoptes.sign_in()
        workflow = panoptes.workflow(workflow_id)
    now = datetime.now(UTC)
    stream = classifications(workflow.page, workflow.subjects, 1, ids=count(1), clock=lambda: now)
    receive([*islice(stream, EVENTS)])
    assert process(workflow_id) == EVENTS


def linked(page: Element, home: str) -> Iterator[str]:
    """The pages of the workflow that a page leads to, without those that start something."""
    for one in page.all("a"):
        path = one.attributes.get("href", "").strip().partition("#")[0]
        if path.startswith(f"{home}/") and "?" not in path and not path.endswith("/remove"):
            yield path


def kind_of(path: str) -> str:
    return path.split("/")[3]


def visit_well(client: FlaskClient, path: str) -> None:
    text = visit(client, path).text
    for trouble in ("It cannot be evaluated", "cannot be used", "there is no reducer"):
        assert trouble not in text, path
