"""Pages of extractors: every type made with its form alone, tried, renamed, removed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from caesar_web.domain.options import MASK
from caesar_web.store.configuration import Extractor, Reducer, Revision
from caesar_web.store.db import db
from caesar_web.store.results import Extract
from tests.factories import START
from tests.pages import Element, filled, visit
from tests.people import BROWSER, csrf_token, sign_in
from tests.served import page_of, send, three_projects
from tests.standin.server import StandinServer
from tests.web.parts import arrive, part_form, problems, typed, words

EXTRACTORS = "/workflows/100/extractors"
AT: dict[str, Any] = {"created_at": START, "updated_at": START}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    client = app.test_client()
    sign_in(client, "alice")
    return client


def stored(app: Flask) -> dict[str, Any]:
    with app.app_context():
        rows = db.session.scalars(select(Extractor).filter_by(workflow_id=100))
        return {row.key: (row.type, row.config, row.minimum_workflow_version) for row in rows}


def make(client: FlaskClient, type_name: str, key: str, **fields: str) -> Element | None:
    """Sends the form of a new extractor; gives the page where it was refused."""
    response = send(client, f"{EXTRACTORS}/new?type={type_name}", key=key, **fields)
    if response.status_code == 302:
        assert response.location == EXTRACTORS
        return None
    return page_of(response)


FORMS: list[tuple[str, dict[str, str], dict[str, Any]]] = [
    ("blank", {"task_key": "T0"}, {"task_key": "T0"}),
    (
        "question",
        {"task_key": "T0", "if_missing": "reject"},
        {"task_key": "T0", "if_missing": "reject"},
    ),
    (
        "survey",
        {"task_key": "T0", "if_missing": "error", "nothing_here_choice": "NONE"},
        {"task_key": "T0", "nothing_here_choice": "NONE"},
    ),
    ("who", {}, {}),
    ("gold", {"source": "feedback", "task_key": "T0"}, {"source": "feedback", "task_key": "T0"}),
    (
        "pluck_field",
        {"field_map-name": "day", "field_map-path": "$.metadata.day", "if_missing": "ignore"},
        {"field_map": {"day": "$.metadata.day"}, "if_missing": "ignore"},
    ),
    (
        "aggregation",
        {"name": "point_extractor", "parameters.task": "T0", "parameters.tools": "[0, 1]"},
        {"name": "point_extractor", "parameters": {"task": "T0", "tools": [0, 1]}},
    ),
]


def test_a_secret_is_never_shown_and_stays(app: Flask, alice: FlaskClient) -> None:
    url = "https://eve:pa55word@example.org/extract"
    assert make(alice, "external", "theirs", url=url, secret="s3cret") is None
    config = {"url": f"https://{MASK}@example.org/extract", "secret": MASK}
    assert stored(app)["theirs"] == ("external", config, None)
    with app.app_context():
        path = f"{EXTRACTORS}/{db.session.scalars(select(Extractor.id)).one()}"
    page = visit(alice, path)
    (field,) = (one for one in page.all("input") if one.attributes.get("name") == "secret")
    assert (field.attributes["type"], field.attributes["value"]) == ("password", MASK)
    response = send(alice, path, key="theirs", **config)
    assert response.status_code == 302
    elsewhere = {**config, "url": "https://evil.example/extract"}
    response = send(alice, path, key="theirs", **elsewhere)
    assert response.status_code == 422
    assert problems(page_of(response)) == [
        "Shared secret must be given again: what is kept belongs to another server."
    ]
    assert stored(app)["theirs"] == ("external", config, None)


def test_every_type_is_made_with_its_form_alone(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, EXTRACTORS)
    assert "Extractors turn an answer into data. Start with the question extractor" in page.text
    types = visit(alice, f"{EXTRACTORS}/new")
    for type_name, fields, config in FORMS:
        address = f"{EXTRACTORS}/new?type={type_name}"
        assert address in [link.attributes["href"] for link in types.all("a")]
        visit(alice, address)
        assert make(alice, type_name, f"my-{type_name}", **fields) is None
        assert stored(app)[f"my-{type_name}"] == (type_name, config, None)
    page = visit(alice, EXTRACTORS)
    assert "The extractor is saved." in page.text
    assert "day from $.metadata.day" in page.text
    assert "task T0, tools [0, 1]" in page.text
    assert len(page.all("tbody")[0].all("tr")) == len(FORMS)


def test_the_tasks_of_the_workflow_are_to_choose_from(alice: FlaskClient) -> None:
    page = visit(alice, f"{EXTRACTORS}/new?type=question")
    assert "T0: Is there a galaxy in the middle of the picture? (single)" in page.text


def test_tasks_can_be_typed_while_panoptes_is_away(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    standin.fail("^/api/workflows", times=-1, status=503)
    page = visit(alice, f"{EXTRACTORS}/new?type=question")
    assert typed(page, "task_key") == "T0"
    assert make(alice, "question", "q", task_key="T7") is None
    assert stored(app)["q"][1] == {"task_key": "T7"}


@pytest.mark.parametrize(
    ("type_name", "fields", "says"),
    [
        ("who", {"key": " "}, "Give a key."),
        ("who", {"key": "a b"}, "'a b' cannot be a key: no spaces, dots, slashes or brackets."),
        ("who", {"minimum_version": "new"}, "From version of the workflow must be a version such"),
        (
            "pluck_field",
            {"field_map-name": "a", "field_map-path": "$.["},
            "A: '$.[' is not a JSON path",
        ),
        ("pluck_field", {"field_map-name": "a"}, "Give each row both a name and a path."),
        ("pluck_field", {}, "Fields must be given."),
        ("question", {"if_missing": "<b>"}, "Without an answer to the task must be one of: "),
        ("survey", {"if_missing": "nothing_here"}, "The choice for “nothing here” must be given"),
    ],
)
def test_wrong_input_comes_back_with_its_words(
    app: Flask, alice: FlaskClient, type_name: str, fields: dict[str, str], says: str
) -> None:
    sent = {"key": "mine", "minimum_version": "", "field_map-path": "", **fields}
    response = send(alice, f"{EXTRACTORS}/new?type={type_name}", **sent)
    assert response.status_code == 422
    page = page_of(response)
    assert problems(page)[0].startswith(says)
    for name, text in fields.items():
        assert text in typed(page, name)
    assert stored(app) == {}


def test_a_row_can_be_added(alice: FlaskClient) -> None:
    path = f"{EXTRACTORS}/new?type=pluck_field"
    page = page_of(send(alice, path, more="1", **{"field_map-name": "a", "field_map-path": "$.b"}))
    names = [each for each in page.all("input") if each.attributes["name"] == "field_map-name"]
    assert [each.attributes["value"] for each in names] == ["a", ""]


def test_trying_shows_the_extract_and_writes_nothing(app: Flask, alice: FlaskClient) -> None:
    arrive(app, 7, annotations=[{"task": "T0", "value": 1}])
    path = f"{EXTRACTORS}/new?type=question"
    assert "7: subject 1, by somebody not signed in" in visit(alice, path).text
    with app.app_context():
        before = db.session.scalar(select(func.max(Revision.id)))
    page = page_of(send(alice, path, task_key="T0", latest="7", **{"try": "1"}))
    assert '"1": 1' in words(page, "tried")
    page = page_of(
        send(alice, path, task_key="T3", if_missing="reject", sample="7", **{"try": "1"})
    )
    assert "No extract. It has no annotation for task T3." in words(page, "tried")
    page = page_of(send(alice, path, task_key="T3", sample="7", **{"try": "1"}))
    assert "It fails: no annotation for task T3" in words(page, "tried")
    for sample, says in [("", "Choose one,"), ("x", "This must be"), ("8", "This workflow has no")]:
        response = send(alice, path, task_key="T0", sample=sample, **{"try": "1"})
        assert response.status_code == 422
        assert problems(page_of(response))[0].startswith(says)
    assert stored(app) == {}
    with app.app_context():
        assert db.session.scalar(select(func.max(Revision.id))) == before
        assert db.session.scalar(select(func.count()).select_from(Extract)) == 0


def test_renaming_takes_what_refers_to_it_along(app: Flask, alice: FlaskClient) -> None:
    make(alice, "question", "old", task_key="T0")
    with app.app_context(), db.session.begin():
        (id,) = db.session.scalars(select(Extractor.id))
        common: dict[str, Any] = {"reducible_type": "Workflow", "reducible_id": 100}
        filters = {"extractor_keys": ["old"]}
        db.session.add(Reducer(**common, **AT, key="sums", type="stats", filters=filters))
    page = visit(alice, f"{EXTRACTORS}/{id}")
    assert "sums" in page.text
    fields = {"key": "new", "task_key": "T0", "expected": typed(page, "expected")}
    assert send(alice, f"{EXTRACTORS}/{id}", rename="y", **fields).status_code == 302
    with app.app_context():
        assert db.session.scalars(select(Reducer.filters)).one() == {"extractor_keys": ["new"]}
    response = send(alice, f"{EXTRACTORS}/{id}", **{**fields, "key": "newer"})
    assert response.status_code == 422
    assert problems(page_of(response))[0].startswith("Somebody else has changed this extractor")
    fields["expected"] = typed(page_of(response), "expected")
    assert send(alice, f"{EXTRACTORS}/{id}", **{**fields, "key": "newer"}).status_code == 302
    assert list(stored(app)) == ["newer"]
    with app.app_context():
        assert db.session.scalars(select(Reducer.filters)).one() == {"extractor_keys": ["new"]}


@pytest.mark.parametrize("button", ["", "try"])
def test_an_extractor_that_was_removed_meanwhile_becomes_a_new_one(
    app: Flask, alice: FlaskClient, button: str
) -> None:
    make(alice, "pluck_field", "old", **{"field_map-name": "a", "field_map-path": "$.a"})
    with app.app_context():
        (id,) = db.session.scalars(select(Extractor.id))
    path = f"{EXTRACTORS}/{id}"
    mine = {**filled(part_form(visit(alice, path))), "key": "mine", "if_missing": "reject"}
    assert send(alice, f"{path}/remove").status_code == 302
    pressed = {button: "1"} if button else {}
    response = alice.post(path, data=mine | pressed, headers=BROWSER)
    assert response.status_code == 422
    page = page_of(response)
    assert problems(page)[0] == (
        "Somebody has removed this extractor since you opened it. Save once more to have it as a"
        " new one."
    )
    assert (typed(page, "key"), typed(page, "if_missing")) == ("mine", "reject")
    assert stored(app) == {}
    form = part_form(page)
    again = alice.post(form.attributes["action"], data=filled(form), headers=BROWSER)
    assert again.status_code == 302
    assert list(stored(app)) == ["mine"]


@pytest.mark.parametrize("type_name", ["", "none", "<b>"])
def test_what_never_was_there_is_not_there(alice: FlaskClient, type_name: str) -> None:
    sent = {"type": type_name, "key": "a", "csrf_token": csrf_token(alice)}
    assert alice.post(f"{EXTRACTORS}/99999", data=sent, headers=BROWSER).status_code == 404


def test_b33_a_key_that_none_could_have_now_may_stay(app: Flask, alice: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        db.session.add(Extractor(id=77, workflow_id=100, key="a.b c", type="survey", **AT))
    fields = {"task_key": "T0", "if_missing": "error", "minimum_version": "2.10"}
    assert send(alice, f"{EXTRACTORS}/77", key="a.b c", **fields).status_code == 302
    assert stored(app) == {"a.b c": ("survey", {}, "2.10")}
    page = page_of(send(alice, f"{EXTRACTORS}/77", key="a.c", **fields))
    assert "'a.c' cannot be a key" in problems(page)[0]


def test_a_key_is_taken_once(app: Flask, alice: FlaskClient) -> None:
    make(alice, "who", "mine")
    page = make(alice, "who", "mine")
    assert page is not None
    assert problems(page) == ["'mine' is taken; choose another key."]


def test_removing_says_what_uses_it(app: Flask, alice: FlaskClient) -> None:
    make(alice, "who", "mine")
    with app.app_context():
        (id,) = db.session.scalars(select(Extractor.id))
    assert "Nothing looks at it." in visit(alice, f"{EXTRACTORS}/{id}/remove").text
    assert list(stored(app)) == ["mine"]
    assert send(alice, f"{EXTRACTORS}/{id}/remove").location == EXTRACTORS
    assert stored(app) == {}
    visit(alice, f"{EXTRACTORS}/{id}/remove", status=404)


def test_a_task_that_is_gone_is_told(app: Flask, alice: FlaskClient) -> None:
    make(alice, "question", "mine", task_key="T9")
    warning = "It reads task T9, which the workflow does not have any more."
    assert warning in visit(alice, EXTRACTORS).text
    page = visit(alice, f"{EXTRACTORS}/1")
    assert warning in page.text
    assert "T9 (not there)" in page.text


def test_foreign_ids_are_not_there(app: Flask, alice: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        db.session.add(Extractor(workflow_id=300, key="secret", type="who", **AT))
    with app.app_context():
        (id,) = db.session.scalars(select(Extractor.id))
    for path in (f"{EXTRACTORS}/{id}", f"/workflows/200/extractors/{id}", f"{EXTRACTORS}/{2**63}"):
        for rest in ("", "/remove"):
            assert "secret" not in visit(alice, f"{path}{rest}", status=404).text
    visit(alice, f"/workflows/300/extractors/{id}", status=404)
