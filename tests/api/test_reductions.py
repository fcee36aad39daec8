"""Reductions for clients: every path on which they are read and written, and by whom."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.inbox import Subject
from tests.factories import START, give
from tests.people import BOB
from tests.served import script, three_projects
from tests.standin.server import StandinServer

WRITE = "/workflows/100/reducers/swap/reductions"
SWAP = {"likelihood": 0.95, "Likelihood": 1}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context():
            with db.session.begin():
                workflow = db.session.get_one(Workflow, 100)
                give(
                    db.session(),
                    workflow,
                    {
                        "reducers_config": {
                            "swap": {"type": "external"},
                            "skill": {"type": "placeholder", "topic": "reduce_by_user"},
                        },
                        "rules_config": [
                            {
                                "if": ["gte", ["lookup", "swap.likelihood", 0], ["const", 0.9]],
                                "then": [{"action": "retire_subject"}],
                            }
                        ],
                    },
                )
            db.session.remove()
        yield app


def put(client: FlaskClient, path: str = WRITE, *, method: str = "PUT", **body: Any) -> Any:
    response = client.open(path, method=method, json=body)
    assert response.status_code == 200, response.text
    return response.get_json()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", WRITE, {"reduction": {"subject_id": 1001, "data": SWAP}}),
        ("PUT", WRITE, {"subject_reduction": {"subject_id": 1001, "data": SWAP}}),
        ("PUT", WRITE, {"subject_id": "1001", "data": SWAP}),
        ("PUT", f"{WRITE}?subject_id=1001", {"data": SWAP}),
        ("PUT", "/workflows/100/subject_reductions/swap", {"subject_id": 1001, "data": SWAP}),
        ("PATCH", "/workflows/100/subject_reductions/swap", {"subject_id": 1001, "data": SWAP}),
        (
            "PUT",
            "/workflows/100/subject_reductions/swap/reductions",
            {"reduction": {"subject_id": 1001, "data": SWAP}},
        ),
        (
            "PUT",
            "/workflows/100/subject_reductions/swap/reductions/nested",
            {"reduction": {"subject_id": 1001, "data": SWAP}},
        ),
        ("POST", WRITE, {"subject_id": 1001, **SWAP}),
        ("POST", f"{WRITE}?subject_id=1001", SWAP),
        ("POST", WRITE, {"reduction": {"subject_id": 1001, "data": SWAP}}),
    ],
)
def test_however_one_is_written(
    app: Flask, alice: FlaskClient, method: str, path: str, body: dict[str, Any]
) -> None:
    made = put(alice, path, method=method, **body)
    assert (made["reducer_key"], made["subject_id"], made["subgroup"]) == ("swap", 1001, "_default")
    assert made["data"] == SWAP
    assert (made["workflow_id"], made["reducible_id"], made["reducible_type"]) == (
        100,
        100,
        "Workflow",
    )
    with app.app_context():
        actions = db.session.query(SubjectAction).filter_by(subject_id=1001).all()
        assert [one.effect_type for one in actions] == ["retire_subject"]


def test_written_again_it_is_replaced(alice: FlaskClient) -> None:
    first = put(alice, subject_id=1001, data={"a": 1}, subgroup="north")
    second = put(alice, subject_id=1001, data={"b": 2}, subgroup="north")
    assert (second["id"], second["data"], second["subgroup"]) == (first["id"], {"b": 2}, "north")
    assert second["lock_version"] == first["lock_version"] + 1


@pytest.mark.parametrize(
    "path",
    [
        "/workflows/100/subjects/1001/reductions",
        "/workflows/100/subjects/1001/subject_reductions",
        "/workflows/100/subject_reductions?subject_id=1001",
        "/workflows/100/reducers/swap/reductions?subject_id=1001",
        "/workflows/100/subjects/1001/reductions?reducer_key=swap",
    ],
)
def test_wherever_one_is_read(alice: FlaskClient, path: str) -> None:
    made = put(alice, subject_id=1001, data=SWAP)
    assert alice.get(path).get_json() == [made]
    assert alice.get(path.replace("1001", "1002")).get_json() == []


def test_a_volunteers(app: Flask, alice: FlaskClient, standin: StandinServer) -> None:
    path = "/workflows/100/user_reductions/skill"
    made = put(alice, path, reduction={"user_id": BOB, "data": {"level": 2}})
    assert (made["user_id"], made["data"]) == (BOB, {"level": 2})
    assert "subject_id" not in made
    for more in ("/reductions", "/reductions/nested"):
        again = put(alice, path + more, reduction={"user_id": BOB, "data": {"level": 2}})
        assert again == made
    for read in (
        f"/workflows/100/user_reductions?user_id={BOB}",
        f"/workflows/100/users/{BOB}/user_reductions",
        f"/workflows/100/users/{BOB}/reductions",
        f"/workflows/100/user_reductions?user_id={BOB}&reducer_key=skill",
    ):
        assert alice.get(read).get_json() == [made]
    bob = script(app, standin, BOB)  # about himself
    assert bob.get(f"/workflows/100/user_reductions?user_id={BOB}").get_json() == [made]
    assert bob.get(f"/workflows/100/users/{BOB}/user_reductions").get_json() == [made]
    assert bob.get("/workflows/100/user_reductions?user_id=2").get_json() == []
    assert bob.get("/workflows/999/user_reductions?user_id=2").get_json() == []


def test_a_projects(app: Flask, alice: FlaskClient, standin: StandinServer) -> None:
    alice.post("/projects", json={"id": 10})
    alice.post("/projects/10/reducers", json={"type": "placeholder", "key": "all"})
    path = "/projects/10/subject_reductions/all"
    made = put(alice, path, reduction={"subject_id": 1001, "data": {"a": 1}})
    assert (made["workflow_id"], made["reducible_type"]) == (10, "Project")
    reads = [
        "/projects/10/subject_reductions?subject_id=1001",
        "/projects/10/subjects/1001/subject_reductions",
        "/projects/10/subjects/1001/reductions",
        "/projects/10/reducers/all/reductions?subject_id=1001",
    ]
    bob = script(app, standin, BOB)
    for read in reads:
        assert alice.get(read).get_json() == [made]
        assert bob.get(read).status_code == 404
    with app.app_context(), db.session.begin():
        db.session.execute(update(Project).values(public_reductions=True))
    for read in reads:
        assert bob.get(read).get_json() == [made]
        assert app.test_client().get(read).get_json() == [made]


def test_a_subject_that_nobody_here_knows(app: Flask, alice: FlaskClient) -> None:
    put(alice, subject_id=1002, data={"a": 1})
    with app.app_context():
        assert db.session.get_one(Subject, 1002).metadata_["ra"]
    for id in (2001, 999_999):  # another project's, and nobody's
        response = alice.put(WRITE, json={"subject_id": id, "data": {"a": 1}})
        assert response.status_code == 404
        assert response.get_json() == {"error": f"Couldn't find Subject with 'id'={id}"}


def test_one_that_is_known_needs_no_panoptes(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    with app.app_context(), db.session.begin():
        db.session.add(Subject(id=5, metadata_={}, created_at=START, updated_at=START))
    put(alice, subject_id=5, data={"a": 1})
    standin.fail("^/api/subjects", status=503, times=-1)
    put(alice, subject_id=5, data={"a": 2})
    response = alice.put(WRITE, json={"subject_id": 1003, "data": {"a": 1}})
    assert response.status_code == 503


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"data": SWAP}, "subject_id can't be blank"),
        ({"subject_id": "x", "data": SWAP}, "subject_id must be an id"),
        ({"subject_id": 2**70, "data": SWAP}, "subject_id must be an id"),
        ({"subject_id": 1001}, "data must be an object"),
        ({"subject_id": 1001, "data": 7}, "data must be an object"),
        ({"subject_id": 1001, "data": [1]}, "data must be an object"),
        ({"subject_id": 1001, "data": None}, "data must be an object"),
        ({"subject_id": 1001, "data": SWAP, "subgroup": 7}, "subgroup must be a text"),
        ({"subject_id": 1001, "data": SWAP, "subgroup": "s" * 201}, "subgroup must be a text"),
        ({"reduction": {"subject_id": 1001}}, "data must be an object"),
    ],
)
def test_what_is_refused(alice: FlaskClient, body: Any, told: str) -> None:
    response = alice.put(WRITE, json=body)
    assert response.status_code == 422, response.text
    assert told in response.get_json()["errors"][0]["message"]


def test_a_reducer_that_is_not_there(alice: FlaskClient) -> None:
    path = "/workflows/100/reducers/nothing/reductions"
    response = alice.put(path, json={"subject_id": 1001, "data": SWAP})
    assert response.status_code == 404
    assert "Couldn't find Reducer" in response.get_json()["error"]


def test_a_path_for_the_other_kind(alice: FlaskClient) -> None:
    response = alice.put(
        "/workflows/100/user_reductions/swap", json={"user_id": 1, "subject_id": 1001, "data": SWAP}
    )
    assert response.status_code == 422
    assert response.get_json()["errors"][0]["message"] == "swap makes subject_reductions"
    made = put(alice, "/workflows/100/reducers/skill/reductions", user_id=1, data={"level": 1})
    assert made["user_id"] == 1


def test_strangers_write_nothing(app: Flask, standin: StandinServer) -> None:
    bob = script(app, standin, BOB)
    for path in (WRITE, "/workflows/100/user_reductions/skill", "/projects/10/user_reductions/a"):
        response = bob.put(path, json={"subject_id": 1001, "user_id": 1, "data": SWAP})
        assert response.status_code == 404
    assert app.test_client().put(WRITE, json={"subject_id": 1, "data": {}}).status_code == 401
