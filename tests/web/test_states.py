"""Pausing, halting and resuming parts on their pages, and where that is seen."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.activity import AuditEntry, Light
from caesar_web.store.configuration import Project, Reducer, Workflow
from caesar_web.store.db import db
from caesar_web.store.runs import Run
from tests.factories import LIONS, START, give
from tests.pages import Element, visit
from tests.people import BROWSER, sign_in
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.test_overview import add_extract, cards

EXTRACTOR = "/workflows/100/extractors/1"
REDUCER = "/workflows/100/reducers/1"
OF_PROJECT = "/projects/10/reducers/2"
RULE = "/workflows/100/subject_rules/4"
USER_RULE = "/workflows/100/user_rules/1"
PARTS = {
    EXTRACTOR: ("extractor", "extracts nothing"),
    REDUCER: ("reducer", "Its reductions stay"),
    OF_PROJECT: ("reducer", "Its reductions stay"),
    RULE: ("rule", "stops no rule behind it"),
    USER_RULE: ("rule", "stops no rule behind it"),
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context(), db.session.begin():
            give(db.session(), db.session.get_one(Workflow, 100), LIONS)
            moments: dict[str, Any] = {"created_at": START, "updated_at": START}
            db.session.add(Project(id=10, display_name="Galaxy Demo", **moments))
            of = {"reducible_type": "Project", "reducible_id": 10}
            db.session.add(Reducer(id=2, key="all", type="stats", **of, **moments))
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    client.get("/session", headers=BROWSER)  # shows what it has to say, once
    return client


def buttons(page: Element) -> list[str]:
    return [one.text for one in page.all("button") if one.attributes.get("name") == "status"]


def banners(page: Element) -> str:
    return " ".join(
        one.text for one in page.all("p") if "banner" in one.attributes.get("class", "")
    )


@pytest.mark.parametrize("path", PARTS)
def test_a_part_is_paused_and_resumed(app: Flask, alice: FlaskClient, path: str) -> None:
    noun, sentence = PARTS[path]
    page = visit(alice, path)
    assert buttons(page) == ["Pause", "Halt"]
    assert "Now: active" in page.text
    assert banners(page) == ""
    assert send(alice, f"{path}/state", status="paused").location == path
    page = visit(alice, path)
    assert f"The {noun} is paused." in page.text
    assert f"This {noun} has been paused since" in banners(page)
    assert sentence in banners(page)
    assert buttons(page) == ["Resume", "Halt"]
    send(alice, f"{path}/state", status="active")
    page = visit(alice, path)
    (run_id,) = run_ids(app)
    assert f"The {noun} is resumed. Run {run_id} " in page.text
    (link,) = [one for one in page.all("a") if one.text == f"Run {run_id}"]
    assert "it makes up for a pause" in visit(alice, link.attributes["href"]).text
    send(alice, f"{path}/state", status="active")
    assert f"The {noun} is active already. Run {run_id} " in visit(alice, path).text


@pytest.mark.parametrize("path", PARTS)
def test_a_part_is_halted_and_started(app: Flask, alice: FlaskClient, path: str) -> None:
    noun, _ = PARTS[path]
    send(alice, f"{path}/state", status="halted")
    page = visit(alice, path)
    assert f"This {noun} has been halted since" in banners(page)
    assert buttons(page) == ["Start", "Pause"]
    send(alice, f"{path}/state", status="active")
    assert f"The {noun} is started again." in visit(alice, path).text
    assert run_ids(app) == []


def test_a_new_part_has_no_state(alice: FlaskClient) -> None:
    for path in ("extractors/new?type=survey", "reducers/new?type=stats", "subject_rules/new"):
        assert buttons(visit(alice, f"/workflows/100/{path}")) == []


def test_what_is_not_there_or_means_nothing(alice: FlaskClient) -> None:
    assert send(alice, f"{EXTRACTOR}/state", status="asleep").status_code == 400
    assert send(alice, f"{EXTRACTOR}/state").status_code == 400
    for path in ("/workflows/100/extractors/99", "/workflows/200/extractors/1", OF_PROJECT + "9"):
        assert send(alice, f"{path}/state", status="paused").status_code == 404
    assert (
        alice.post(f"{EXTRACTOR}/state", data={"status": "paused"}).status_code == 400
    )  # no token


def test_lists_and_the_overview_show_it_in_the_place_of_well(
    app: Flask, alice: FlaskClient
) -> None:
    add_extract(app)
    assert "well" in visit(alice, "/workflows/100/extractors").all("table")[0].text
    for path in (EXTRACTOR, REDUCER, RULE, OF_PROJECT):
        send(alice, f"{path}/state", status="paused")
    for path in ("/workflows/100/extractors", "/workflows/100/reducers", "/projects/10/reducers"):
        text = visit(alice, path).all("table")[0].text
        assert "paused since" in text
        assert "well" not in text
    assert "paused since" in visit(alice, "/workflows/100/rules").all("ol")[1].text
    page = visit(alice, "/workflows/100")
    assert all("paused since" in text and "well" not in text for text in parts(page))
    assert "Health: all well; 3 parts are paused or halted" in page.text
    assert "paused since" in visit(alice, "/projects/10").text


def test_what_fails_stays_in_sight(app: Flask, alice: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        about = {"outcomes": ".x", "last_error": "it broke", "updated_at": START}
        db.session.add(Light(kind="extractor", name="1", workflow_id=100, **about))
    send(alice, f"{EXTRACTOR}/state", status="halted")
    text = cards(visit(alice, "/workflows/100"))["extractor-survey"]
    assert "halted since" in text
    assert "1 of the last 2 failed it broke" in text


def test_history_tells_who_paused_what(app: Flask, alice: FlaskClient) -> None:
    send(alice, f"{EXTRACTOR}/state", status="paused")
    text = visit(alice, "/workflows/100/history").text
    assert "extractor survey paused" in text
    assert "alice" in text
    with app.app_context():
        entry = db.session.query(AuditEntry).filter_by(action="changed the configuration").one()
        assert (entry.actor, entry.workflow_id) == ("alice", 100)


def test_a_form_that_was_open_keeps_the_state(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, EXTRACTOR)
    (expected,) = [
        one.attributes["value"]
        for one in page.all("input")
        if one.attributes.get("name") == "expected"
    ]
    send(alice, f"{EXTRACTOR}/state", status="paused")
    saved = send(alice, EXTRACTOR, key="survey", task_key="T7", expected=expected)
    assert saved.status_code == 302
    assert "This extractor has been paused" in banners(visit(alice, EXTRACTOR))


def test_a_rule_that_is_not_checked_says_so_where_subjects_are_explained(
    app: Flask, alice: FlaskClient
) -> None:
    add_extract(app)
    send(alice, f"{RULE}/state", status="paused")
    assert "It is not checked: it is paused." in visit(alice, "/workflows/100/subjects/1").text


def test_a_project_is_paused_and_resumed(app: Flask, alice: FlaskClient) -> None:
    path = "/projects/10/settings"
    assert buttons(visit(alice, path)) == ["Pause", "Halt"]
    send(alice, path, status="paused", public_reductions="y")
    assert "The project is paused." in visit(alice, "/projects/10").text
    page = visit(alice, path)
    assert "This project is paused. Its reducers do nothing" in banners(page)
    assert buttons(page) == ["Resume", "Halt"]
    send(alice, path, public_reductions="y")  # without a button it stays
    assert "paused since" in visit(alice, "/projects/10").text
    send(alice, path, status="active", public_reductions="y")
    (run_id,) = run_ids(app)
    assert f"The project is resumed. Run {run_id} reduces what came meanwhile." in (
        visit(alice, "/projects/10").text
    )
    assert "it makes up for a pause" in visit(alice, f"/projects/10/runs/{run_id}").text
    wrong = page_of(send(alice, path, status="asleep"))
    assert wrong.all("title")[0].text.startswith("Error: ")


def parts(page: Element) -> list[str]:
    """What the overview says of the extractor, the reducer and the rule."""
    found = cards(page)
    return [
        text
        for anchor, text in found.items()
        if anchor.startswith(("extractor", "reducer", "subject-rule"))
    ]


def run_ids(app: Flask) -> list[int]:
    with app.app_context():
        return [id for (id,) in db.session.query(Run.id)]
