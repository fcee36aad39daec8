"""Rejected events: by reason, replayed or discarded, as many as the button said."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification, RejectedEvent
from tests.factories import JSON, make_event
from tests.pages import visit
from tests.people import BROWSER, csrf_token
from tests.pipeline.steps import receive
from tests.served import three_projects
from tests.standin.server import StandinServer
from tests.web.operating import administrator, buttons, press, trail_of

REJECTED = "/operations/rejected"


@pytest.fixture
def app(database_url: str, standin: StandinServer) -> Iterator[Flask]:
    with three_projects(database_url, standin) as app:
        yield app


@pytest.fixture
def root(app: Flask) -> FlaskClient:
    return administrator(app)


def come(app: Flask, *events: JSON | None) -> None:
    with app.app_context():
        receive(events)


def elsewhere(*ids: int) -> list[JSON]:
    """Events that name another project than their workflow's."""
    return [make_event(id, project=99) for id in ids]


def kept(app: Flask) -> list[int]:
    with app.app_context():
        return list(db.session.scalars(select(RejectedEvent.id).order_by(RejectedEvent.id)))


def taken(app: Flask) -> set[int]:
    with app.app_context():
        return set(db.session.scalars(select(Classification.id)))


def move(app: Flask) -> None:
    """The workflow is of that other project now."""
    with app.app_context(), db.session.begin():
        db.session.get_one(Workflow, 100).project_id = 99


def test_nothing_was_rejected(root: FlaskClient) -> None:
    assert "No event was rejected" in visit(root, REJECTED).text


def test_reasons_with_their_numbers_and_one_of_them(app: Flask, root: FlaskClient) -> None:
    come(app, *elsewhere(1, 2), None)
    page = visit(root, REJECTED)
    reasons = [[cell.text for cell in row.all("td")[:2]] for row in page.all("tbody")[0].all("tr")]
    other = "data.links.project is …, but workflow … belongs to project …"
    assert reasons == [[other, "2"], ["the event is not an object", "1"]]
    assert len(page.all("pre")) == 3
    (link,) = (a.attributes["href"] for a in page.all("a") if a.text == other)
    page = visit(root, link)
    assert len(page.all("pre")) == 2
    assert '"user_ip"' not in page.text
    assert buttons(page)[:2] == ["Replay all 2 that match", "Discard all 2 that match"]
    assert "No event is like that." in visit(root, f"{REJECTED}?reason=none").text


def test_replaying_exactly_those_although_more_came(app: Flask, root: FlaskClient) -> None:
    come(app, *elsewhere(1, 2, 3), None)
    page = visit(root, REJECTED)
    come(app, *elsewhere(4))
    asked = press(root, page, "Replay all 4 that match")
    assert asked.all("h1")[0].text == "Replay 4 events?"
    come(app, *elsewhere(5))
    move(app)
    press(root, asked, "Replay these 4", status=302)
    assert taken(app) == {1, 2, 3}
    assert len(kept(app)) == 3
    page = visit(root, REJECTED)
    assert "3 taken in, 1 refused again" in page.text
    assert trail_of(app) == [("replayed events", "4: 1 refused again: 2 reasons", None)]


def test_replaying_one(app: Flask, root: FlaskClient) -> None:
    come(app, *elsewhere(1, 2))
    move(app)
    first, second = kept(app)
    press(root, visit(root, REJECTED), f"Replay event {first}", status=302)
    assert kept(app) == [second]
    assert taken(app) == {1}


def test_discarding_exactly_those(app: Flask, root: FlaskClient) -> None:
    come(app, *elsewhere(1, 2))
    asked = press(root, visit(root, REJECTED), "Discard all 2 that match")
    come(app, *elsewhere(3))
    press(root, asked, "Discard these 2", status=302)
    assert len(kept(app)) == 1
    assert "2 events are discarded." in visit(root, REJECTED).text
    about = "2: data.links.project is …, but workflow … belongs to project …"
    assert trail_of(app) == [("discarded events", about, None)]
    (id,) = kept(app)
    asked = press(root, visit(root, REJECTED), f"Discard event {id}")
    press(root, asked, "Discard this one", status=302)
    assert kept(app) == []


def test_those_on_the_page(app: Flask, root: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caesar_web.web.rejected.PAGE_SIZE", 2)
    come(app, *elsewhere(1, 2, 3))
    page = visit(root, f"{REJECTED}?from=1")
    asked = press(root, page, "Discard the 2 on this page")
    press(root, asked, "Discard these 2", status=302)
    assert len(kept(app)) == 1


def test_only_the_newest_are_looked_at(
    app: Flask, root: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(app, *elsewhere(1, 2, 3))
    monkeypatch.setattr("caesar_web.store.rejected_statements.MOST", 3)
    assert "These are the newest 3" in visit(root, REJECTED).text


@pytest.mark.parametrize(
    "sent",
    [{}, {"do": "retry"}, {"do": "replay", "sure": "1"}, {"do": "discard", "ids": "1,x"}],
)
def test_what_makes_no_sense_does_nothing(
    app: Flask, root: FlaskClient, sent: dict[str, str]
) -> None:
    come(app, *elsewhere(1))
    data = {**sent, "csrf_token": csrf_token(root)}
    assert root.post(REJECTED, data=data, headers=BROWSER).status_code == 400
    assert root.post(REJECTED, data=sent, headers=BROWSER).status_code == 400
    assert len(kept(app)) == 1


def test_hostile_events_are_only_text_and_cut(app: Flask, root: FlaskClient) -> None:
    links = {"workflow": "<script>alert(1)</script>"}
    come(app, {"source": "panoptes", "type": "classification", "data": {"links": links}})
    come(app, {**make_event(2, project=99), "more": "w" * 50_000})
    page = visit(root, REJECTED)
    assert "<script>alert(1)</script>" in page.text
    assert all(each.attributes.get("src") for each in page.all("script"))
    assert any("…" in each.text for each in page.all("pre"))


def test_a_page_of_the_longest_events_is_not_too_heavy(app: Flask, root: FlaskClient) -> None:
    quotes = '"<&' * 5_000
    events = [{**make_event(id, project=99), "more": quotes} for id in range(1, 60)]
    odd = [
        make_event(id, links={"project": "10", "workflow": f"x{'y' * id}<>", "subjects": ["1"]})
        for id in range(1, 60)
    ]
    come(app, *events, *odd)
    page = visit(root, REJECTED)
    assert "more reasons have fewer events" in page.text
    visit(root, f"{REJECTED}?from=100")
