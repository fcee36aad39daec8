"""The operators' page: what waits, who works, what fails; and choosing queues."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.config import Config
from caesar_web.jobs import queues, tasks
from caesar_web.store.activity import Light
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.load_statements import Owner, Waits
from caesar_web.store.runs import Run
from caesar_web.web import operation_shown
from tests.factories import START, make_event
from tests.pages import Element, visit
from tests.pipeline.steps import receive
from tests.pipeline.test_statements import counted
from tests.served import send, three_projects
from tests.standin.server import StandinServer
from tests.web.operating import HOME, administrator, set_aside, trail_of

GOLD = (("classifications", 2), ("actions", 1), ("runs", 1), ("gold", 1))
QUEUES = f"{HOME}/queues"


@pytest.fixture
def app(database_url: str, standin: StandinServer, redis_url: str) -> Iterator[Flask]:
    with three_projects(database_url, standin, redis_url=redis_url, queues=GOLD) as app:
        yield app


@pytest.fixture
def root(app: Flask) -> FlaskClient:
    return administrator(app)


def row(page: Element, caption: str, first: str) -> list[str]:
    """The cells of a table's row."""
    (table,) = (
        each for each in page.all("table") if each.all("caption")[0].text.startswith(caption)
    )
    for each in table.all("tr"):
        cells = [cell.text for cell in each.all("th", "td")]
        if cells[0].startswith(first):
            return cells
    raise LookupError(first)


def test_nothing_waits(root: FlaskClient) -> None:
    page = visit(root, HOME)
    assert "Nothing waits." in page.text
    assert "The database answers in" in page.text
    assert "Redis answers in" in page.text
    assert "Nothing has failed lately." in page.text
    assert "No run is at work" in page.text
    assert row(page, "Jobs that wait", "gold")[1] == "no workers"
    assert "Operations" in [a.text for a in page.all("a")]


def test_what_waits_is_said_first(app: Flask, root: FlaskClient) -> None:
    with app.app_context():
        receive([make_event(id) for id in range(1, 6)])
        receive([make_event(9, workflow=200, project=20)])
        with db.session.begin():
            db.session.get_one(Workflow, 200).status = "paused"
            db.session.execute(
                db.text("UPDATE classifications SET received_at = :at"),
                {"at": _moment(datetime.now(UTC) - timedelta(seconds=365))},
            )
    page = visit(root, HOME)
    assert "Behind: 5 classifications wait, the oldest since 6 min." in page.text
    assert "1 classification waits in workflows that are paused or halted." in page.text
    assert row(page, "By workflow", "Galaxies (100)")[1:3] == ["5", "6 min"]


def _moment(at: datetime) -> datetime | str:
    is_sqlite = db.engine.dialect.name == "sqlite"
    return at.isoformat(timespec="microseconds") if is_sqlite else at


def test_a_queue_that_nobody_works_is_red(app: Flask, root: FlaskClient) -> None:
    config: Config = app.extensions["caesar_config"]
    queues.ring_classifications(config.redis_url, 100, queue="gold")
    cells = row(visit(root, HOME), "Jobs that wait", "gold")
    assert cells[1:3] == ["nobody works it", "1"]
    assert "Nobody works the queue gold, in which 1 job waits." in visit(root, HOME).text
    (red,) = (each for each in visit(root, HOME).all("span") if each.text == "nobody works it")
    assert red.attributes["class"] == "light all"


def test_redis_is_away(new_database: Callable[[str], str], standin: StandinServer) -> None:
    with three_projects(new_database("sqlite"), standin) as app:
        page = visit(administrator(app), HOME)
    assert "Redis is away." in page.text
    assert "Jobs that wait" not in page.text


def test_lights_and_runs(app: Flask, root: FlaskClient) -> None:
    at = dict.fromkeys(("created_at", "updated_at", "not_before", "progressed_at"), START)
    with app.app_context(), db.session.begin():
        for name, outcomes in (("a.example.org", ".x"), ("b.example.org", "xx")):
            about = {"last_error": "no answer", "failing_since": START, "updated_at": START}
            db.session.add(
                Light(kind="host", name=name, outcomes=outcomes, workflow_id=100, **about)
            )
        of = {"reducible_type": "Workflow", "reducible_id": 100, "options": {}}
        db.session.add(Run(kind="backfill", identity="a", total=40, done=10, **of, **at))
    set_aside(app, 7)
    page = visit(root, HOME)
    lights = [row.all("td")[1].text for row in page.all("tbody")[2].all("tr")]
    assert lights == ["red: all of the last 2 failed", "yellow: 1 of the last 2 failed"]
    assert "host b.example.org of Galaxies (100) no answer" in page.text
    cells = row(page, "Runs", "backfill")
    assert (cells[1], cells[2]) == ("lost", "10 of 40")


def test_the_number_of_statements_is_fixed(app: Flask, root: FlaskClient) -> None:
    def statements() -> list[str]:
        with app.app_context(), counted() as found:
            visit(root, HOME)
        return [one for one in found if "BEGIN" not in one]

    few = statements()
    with app.app_context():
        receive([make_event(id) for id in range(1, 50)])
    set_aside(app, *range(60, 90))
    assert len(statements()) == len(few) < 16


def test_the_part_that_keeps_up_to_date(root: FlaskClient) -> None:
    part = root.get(f"{HOME}?part=now", headers={"Accept": "text/html"}).text
    assert "<html" not in part
    assert "Nothing waits." in part


def test_choosing_the_queue_of_a_workflow_and_of_a_project(app: Flask, root: FlaskClient) -> None:
    chosen = send(root, QUEUES, of="project", id="10", queue="gold")
    assert (chosen.status_code, chosen.location) == (302, HOME)
    assert _queues(app) == {100: "gold", 200: "classifications", 300: "classifications"}
    send(root, QUEUES, of="workflow", id="200", queue="gold")
    send(root, QUEUES, of="workflow", id="100", queue="classifications")
    assert _queues(app) == {100: "classifications", 200: "gold", 300: "classifications"}
    send(root, QUEUES, of="workflow", id="100", queue="")
    page = visit(root, QUEUES)
    assert "Galaxies (100) of Galaxy Demo (10): gold of its project" in page.text
    assert "gold of its project" in row(visit(root, HOME), "By workflow", "Galaxies (100)")[4]
    assert (
        "It was so."
        in visit(root, send(root, QUEUES, of="project", id="10", queue="gold").location).text
    )
    assert {action for action, *_ in trail_of(app)} == {"changed the settings"}


def _queues(app: Flask) -> dict[int, str]:
    with app.app_context(), tasks.transaction() as session:
        return {id: tasks.queue_of(session, id) for id in (100, 200, 300)}


def test_a_queue_that_is_not_served_is_told(app: Flask, root: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        at = {"created_at": START, "updated_at": START}
        db.session.add(Project(id=10, custom_queue_name="silver", **at))
    assert _queues(app)[100] == "classifications"
    cells = row(visit(root, HOME), "By workflow", "Galaxies (100)")
    assert cells[4].startswith("classifications, as silver is not served")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"of": "workflow", "id": "999", "queue": "gold"}, "There is no workflow 999 here."),
        ({"of": "project", "id": "999", "queue": "gold"}, "There is no project 999 here."),
        ({"of": "workflow", "id": "lion", "queue": "gold"}, "This"),
        ({"of": "workflow", "id": "", "queue": "gold"}, "Give an id."),
        ({"of": "workflow", "id": "100", "queue": "actions"}, "Not a valid choice."),
        ({"of": "planet", "id": "100", "queue": "gold"}, "Not a valid choice."),
    ],
)
def test_a_choice_that_makes_no_sense_is_told(
    app: Flask, root: FlaskClient, fields: dict[str, str], says: str
) -> None:
    refused = send(root, QUEUES, **fields)
    assert refused.status_code == 422
    assert says in refused.text
    assert set(_queues(app).values()) == {"classifications"}
    assert trail_of(app) == []


def test_at_work_is_not_behind() -> None:
    now = START + timedelta(seconds=3)
    owners = {1: Owner(1, None, "active", 10, None, None, None)}
    (said,) = operation_shown.waiting({1: Waits(1, START)}, owners, now=now)
    assert said.words == "At work: 1 classification waits, the oldest since 3 s."
