"""Extractors and reducers for clients: every way in which they are sent, and what is refused."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.store.db import db
from tests.people import ALICE, BOB
from tests.served import script, three_projects
from tests.standin.server import StandinServer

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
EXTRACTORS, REDUCERS = "/workflows/100/extractors", "/workflows/100/reducers"
OF_PROJECT = "/projects/10/reducers"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def kept(app: Flask, table: Any, id: int) -> Any:
    with app.app_context():
        return db.session.get(table, id)


def messages(response: Any) -> list[str]:
    assert response.status_code == 422, response.text
    return [each["message"] for each in response.get_json()["errors"]]


def add(client: FlaskClient, path: str, **body: Any) -> Any:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    return response.get_json()


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"extractor": {"type": "survey", "key": "s", "task_key": "T3"}}},
        {"json": {"type": "survey", "key": "s", "config": {"task_key": "T3"}}},
        {"json": {"extractor": {"type": "survey", "key": "s", "config": {"task_key": "T3"}}}},
        {"data": {"extractor[type]": "survey", "extractor[key]": "s", "extractor[task_key]": "T3"}},
        {"json": {"type": "survey", "key": "s", "task_key": "T3", "nothing_known": [1]}},
    ],
)
def test_an_extractor_however_it_is_sent(alice: FlaskClient, body: dict[str, Any]) -> None:
    response = alice.post(EXTRACTORS, **body)
    assert response.status_code == 200, response.text
    found = response.get_json()
    assert TIMESTAMP.fullmatch(found.pop("created_at"))
    assert TIMESTAMP.fullmatch(found.pop("updated_at"))
    assert found == {
        "id": found["id"],
        "workflow_id": 100,
        "key": "s",
        "type": "survey",
        "config": {"task_key": "T3"},
        "minimum_workflow_version": None,
    }
    assert alice.get(f"{EXTRACTORS}/{found['id']}").get_json()["key"] == "s"
    assert [each["id"] for each in alice.get(EXTRACTORS).get_json()] == [found["id"]]


def test_objects_may_stand_beside_the_config(alice: FlaskClient) -> None:
    paths = {"lat": "$.metadata.lat"}
    made = add(alice, EXTRACTORS, type="pluck_field", key="p", field_map=paths)
    assert made["config"] == {"field_map": paths}
    summary = {"summarize_field": "p.lat", "operations": ["mean", "max"]}
    made = add(alice, REDUCERS, type="summary_stats", key="m", **summary)
    assert made["config"] == summary


def test_changing_an_extractor(app: Flask, alice: FlaskClient) -> None:
    id = add(alice, EXTRACTORS, type="question", key="q", task_key="T1", if_missing="ignore")["id"]
    response = alice.put(f"{EXTRACTORS}/{id}", json={"task_key": "T2", "type": "survey"})
    assert (response.status_code, response.data) == (204, b"")
    assert "Location" not in response.headers
    row = kept(app, Extractor, id)
    assert (row.type, row.config) == ("question", {"task_key": "T2", "if_missing": "ignore"})
    alice.patch(f"{EXTRACTORS}/{id}", json={"config": {"task_key": "T5"}, "key": "other"})
    row = kept(app, Extractor, id)
    assert (row.key, row.config) == ("other", {"task_key": "T5"})
    alice.put(f"{EXTRACTORS}/{id}", json={"task_key": None, "minimum_workflow_version": "12.10"})
    row = kept(app, Extractor, id)
    assert (row.config, row.minimum_workflow_version) == ({}, "12.10")


def test_a_reducer_has_all_that_there_is_of_it(alice: FlaskClient) -> None:
    sent = {
        "type": "stats",
        "key": "counts",
        "topic": "reduce_by_user",
        "reduction_mode": "running_reduction",
        "filters": {"extractor_keys": '["a", "b"]', "from": "", "repeated_classifications": None},
        "grouping": {"field_name": "place.name"},
        "subject_reducer_keys": ["truth"],
    }
    made = add(alice, REDUCERS, reducer=sent)
    for name in ("id", "created_at", "updated_at"):
        made.pop(name)
    assert made == {
        "workflow_id": 100,
        "key": "counts",
        "type": "stats",
        "config": {},
        "filters": {"extractor_keys": ["a", "b"]},
        "topic": "reduce_by_user",
        "reduction_mode": "running_reduction",
        "grouping": {"field_name": "place.name"},
        "reducible_id": 100,
        "reducible_type": "Workflow",
        "user_reducer_keys": None,
        "subject_reducer_keys": ["truth"],
    }


def test_only_a_topic_clears_the_keys_of_the_other(app: Flask, alice: FlaskClient) -> None:
    id = add(alice, REDUCERS, type="stats", key="c", user_reducer_keys=["skill"])["id"]
    alice.put(f"{REDUCERS}/{id}", json={"filters": {"from": 1}})
    assert kept(app, Reducer, id).user_reducer_keys == ["skill"]
    alice.put(f"{REDUCERS}/{id}", json={"topic": "reduce_by_user"})
    assert kept(app, Reducer, id).user_reducer_keys is None


def test_false_is_kept(app: Flask, alice: FlaskClient) -> None:
    id = add(alice, REDUCERS, type="consensus", key="c", ignore_empty_extracts=False)["id"]
    assert kept(app, Reducer, id).config == {"ignore_empty_extracts": False}


def test_a_projects_reducer(alice: FlaskClient) -> None:
    made = add(alice, OF_PROJECT, type="count", key="c")
    assert (made["workflow_id"], made["reducible_id"], made["reducible_type"]) == (
        10,
        10,
        "Project",
    )
    assert [each["key"] for each in alice.get(OF_PROJECT).get_json()] == ["c"]
    assert alice.get(REDUCERS).get_json() == []
    assert alice.get(f"{REDUCERS}/{made['id']}").status_code == 404
    assert alice.put(f"{OF_PROJECT}/{made['id']}", json={"key": "d"}).status_code == 204
    assert alice.delete(f"{OF_PROJECT}/{made['id']}").status_code == 204
    assert alice.get(OF_PROJECT).get_json() == []


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.api+json; version=1"])
def test_removing(alice: FlaskClient, accept: str) -> None:
    """The Python client wants to read something else than it is given."""
    id = add(alice, EXTRACTORS, type="who", key="w")["id"]
    response = alice.delete(f"{EXTRACTORS}/{id}", headers={"Accept": accept})
    assert (response.status_code, response.data) == (204, b"")
    response = alice.delete(f"{EXTRACTORS}/{id}", headers={"Accept": accept})
    assert response.status_code == 404
    assert response.get_json() == {"error": f"Couldn't find Extractor with 'id'={id}"}


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        (EXTRACTORS, {"type": "who"}, "Key can't be blank"),
        (EXTRACTORS, {"type": "who", "key": ""}, "Key can't be blank"),
        (EXTRACTORS, {"type": "who", "key": 7}, "Key must be text"),
        (EXTRACTORS, {"type": "who", "key": "a.b"}, "key 'a.b' cannot be a key"),
        (EXTRACTORS, {"type": "who", "key": "a/b c"}, "key 'a/b c' cannot be a key"),
        (EXTRACTORS, {"type": "who", "key": "k" * 201}, "cannot be a key"),
        (EXTRACTORS, {"type": "bogus", "key": "k"}, "Unknown type 'bogus'"),
        (EXTRACTORS, {"type": ["who"], "key": "k"}, "Unknown type ['who']"),
        (EXTRACTORS, {"key": "k"}, "Unknown type None"),
        (EXTRACTORS, {"type": "who", "key": "k", "config": "text"}, "config must be an object"),
        (EXTRACTORS, {"type": "who", "key": "k", "config": [1]}, "config must be an object"),
        (EXTRACTORS, {"type": "question", "key": "k", "if_missing": "maybe"}, "if_missing must be"),
        (EXTRACTORS, {"type": "pluck_field", "key": "k"}, "field_map must be given"),
        (EXTRACTORS, {"type": "who", "key": "k", "minimum_workflow_version": "x"}, "version"),
        (REDUCERS, {"type": "stats", "key": "subject"}, "key this key is kept"),
        (REDUCERS, {"type": "stats", "key": "k", "topic": "bogus"}, "topic must be one of"),
        (REDUCERS, {"type": "stats", "key": "k", "filters": {"from": "x"}}, "filters.from must be"),
        (REDUCERS, {"type": "stats", "key": "k", "reduction_mode": 1}, "reduction_mode must be"),
        (REDUCERS, {"type": "unique_count", "key": "k"}, "field must be given"),
    ],
)
def test_what_is_refused(alice: FlaskClient, path: str, body: Any, told: str) -> None:
    (message,) = messages(alice.post(path, json=body))
    assert told in message


def test_a_key_that_is_taken(alice: FlaskClient) -> None:
    for path, type_name in ((EXTRACTORS, "who"), (REDUCERS, "count"), (OF_PROJECT, "count")):
        add(alice, path, type=type_name, key="k")
        response = alice.post(path, json={"type": type_name, "key": "k"})
        assert messages(response) == ["Key has already been taken"]
        id = add(alice, path, type=type_name, key="other")["id"]
        response = alice.put(f"{path}/{id}", json={"key": "k"})
        assert messages(response) == ["Key has already been taken"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"text"', b"[" * 300, b'{"a": NaN}'])
def test_what_is_no_body(alice: FlaskClient, body: bytes) -> None:
    response = alice.post(EXTRACTORS, data=body, content_type="application/json")
    assert response.status_code in (400, 422), response.text


@pytest.mark.parametrize(
    "path", ["/workflows/100/extractors", "/workflows/200/reducers", "/workflows/300/extractors"]
)
def test_strangers_find_nothing(app: Flask, standin: StandinServer, path: str) -> None:
    bob = script(app, standin, BOB)
    for response in (
        bob.get(path),
        bob.post(path, json={"type": "who", "key": "k"}),
        bob.get(f"{path}/1"),
        bob.put(f"{path}/1", json={"key": "k"}),
        bob.delete(f"{path}/1"),
    ):
        assert response.status_code == 404
        assert "Couldn't find Workflow with 'id'" in response.get_json()["error"]


def test_nothing_of_another_workflow_by_its_id(app: Flask, standin: StandinServer) -> None:
    alice = script(app, standin, ALICE)
    id = add(alice, "/workflows/200/extractors", type="who", key="w")["id"]
    for method in ("GET", "PUT", "DELETE"):
        response = alice.open(f"{EXTRACTORS}/{id}", method=method, json={"key": "k"})
        assert response.status_code == 404
    assert kept(app, Extractor, id).key == "w"
