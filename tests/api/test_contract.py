"""The faults of the API before this one: each has a test here that is named after it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from caesar_web.store.configuration import Extractor, Reducer
from caesar_web.store.db import db
from caesar_web.store.runs import Run
from tests.factories import JSON, START, make_workflow
from tests.people import BOB
from tests.served import three_projects
from tests.standin.server import StandinServer

ROWS = {
    "b9": "rules_config failed after the rest was replaced",
    "b10": "an extractor kept its class when its type changed",
    "b11": "a project's reducers were mixed up with those of the workflow of the same id",
    "b12": "a reducer's key that is taken was told in SQL",
    "b13": "no reduction could be written of a subject that was not known yet",
    "b14": "no reduction could be written in a project",
    "b15": "public reductions of subjects were hidden",
    "b16": "the extractor's key was ignored where extracts are read",
    "b17": "extractors and reducers were shown without their type",
    "b18": "lists, objects, config and the reduction mode were dropped",
    "b19": "leaving out the topic cleared the keys of reducers that are carried along",
    "b20": "what was sent wrongly was a fault of the server",
    "b21": "what is wrong was told in three shapes, one of which the client cannot read",
    "b22": "adding and changing have statuses of their own, which stay",
    "b23": "what the Python client removed was gone, and it was told 406",
    "b24": "kinds of nodes in conditions looked alike",
    "b25": "the Python client has another name for adding to a collection",
    "b28": "an import took any text for an address",
    "b29": "data requests: filters were ignored, SQL was told, none could be stopped",
    "b30": "the same data could not be asked for again",
    "b31": "clients chose the ids of rules",
    "b32": "effects that mean nothing were kept",
    "b33": "keys had characters that no condition can name",
    "b34": "the address after a user rule was removed had a stray bracket",
    "b35": "routes led to what was not there",
}  # those of GraphQL, B8, B26 and B27, have theirs in a file of their own
HERE, ELSEWHERE = "/workflows/100", "/projects/10"
EXTRACTORS, REDUCERS = f"{HERE}/extractors", f"{HERE}/reducers"
RULES, USER_RULES = f"{HERE}/subject_rules", f"{HERE}/user_rules"
EFFECTS, USER_EFFECTS = f"{RULES}/1/subject_rule_effects", f"{USER_RULES}/1/user_rule_effects"
REQUESTS = f"{HERE}/data_requests"
CONDITION = ["gte", ["lookup", "counts.LION", 0], ["const", 3]]
OF_CLIENT = {
    "Accept": "application/vnd.api+json; version=1",
    "Content-Type": "application/json",
}
UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def given(response: Any, status: int = 200) -> Any:
    """What a client is given."""
    assert response.status_code == status, response.text
    return response.get_json()


def told(response: Any, status: int = 422) -> str:
    """What a client is told is wrong, in the one shape that it can read."""
    body = given(response, status)
    assert set(body) == {"errors"}
    assert all(set(each) == {"message"} for each in body["errors"])
    return "; ".join(each["message"] for each in body["errors"])


def add(client: FlaskClient, path: str, **body: Any) -> Any:
    return given(client.post(path, json=body))


def put(client: FlaskClient, path: str, **body: Any) -> Any:
    return client.put(path, json=body)


def kept(app: Flask, table: Any, id: int) -> Any:
    with app.app_context():
        return db.session.get_one(table, id)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test(row: str) -> None:
    files = (Path(__file__), Path(__file__).parent / "test_configurations.py")
    text = "".join(file.read_text("utf-8") for file in files)
    assert re.search(rf"^def test_{row}_", text, re.MULTILINE), ROWS[row]


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/vnd.api+json; version=1",
        "application/json, text/plain, */*",  # axios
        "*/*",
        None,
    ],
)
def test_who_does_not_ask_for_a_page_gets_json(alice: FlaskClient, accept: str | None) -> None:
    headers = {} if accept is None else {"Accept": accept}

    def ask(method: str, path: str, **body: Any) -> Any:
        return alice.open(path, method=method, headers=headers, json=body or None)

    for path in ("/workflows", HERE, EXTRACTORS, REDUCERS, RULES, EFFECTS, REQUESTS, "/projects"):
        for written in (path, f"{path}/", f"{path}.json", f"{path}?admin=True"):
            found = ask("GET", written)
            assert found.content_type == "application/json; charset=utf-8"
            assert given(found) == given(ask("GET", path))
            assert ask("HEAD", written).status_code == 200
    assert given(ask("POST", RULES, condition=CONDITION))["condition_array"] == CONDITION
    assert given(ask("PUT", f"{RULES}/1", condition=CONDITION))["id"] == 1
    assert given(ask("POST", f"{REQUESTS}/", requested_data="extracts"), 201)["url"] is None
    assert ask("PUT", f"{HERE}/", status="paused").status_code == 204
    assert told(ask("PUT", HERE, status="asleep"))
    assert given(ask("GET", "/workflows/300"), 404) == {
        "error": "Couldn't find Workflow with 'id'=300"
    }


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "bearer x", "Bearer gar.ba.ge"])
def test_who_is_nobody_gets_an_empty_401(app: Flask, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        ("GET", HERE),
        ("POST", "/workflows"),
        ("PUT", ELSEWHERE),
        ("DELETE", f"{EXTRACTORS}/1"),
        ("POST", REQUESTS),
        ("GET", f"{HERE}/subjects/1/reductions?access_token=x"),
    ):
        response = app.test_client().open(path, method=method, headers=headers, json={"id": 1})
        assert (response.status_code, response.data) == (401, b"")
        assert "WWW-Authenticate" not in response.headers


def test_b11_a_project_and_a_workflow_of_the_same_id_share_nothing(
    app: Flask, alice: FlaskClient
) -> None:
    with app.app_context(), db.session.begin():
        make_workflow(db.session(), 10, project_id=20)
    add(alice, "/workflows/10/reducers", type="placeholder", key="counts")
    made = add(alice, "/projects/10/reducers", type="placeholder", key="counts")
    assert (made["workflow_id"], made["reducible_id"], made["reducible_type"]) == (
        10,
        10,
        "Project",
    )
    for kind, subject_id, number in (("workflows", 2001, 1), ("projects", 1001, 2)):
        path = f"/{kind}/10/reducers/counts/reductions"
        given(put(alice, path, subject_id=subject_id, data={"a": number}))
    for kind, subject_id, number in (("workflows", 2001, 1), ("projects", 1001, 2)):
        path = f"/{kind}/10/subjects/{subject_id}/subject_reductions"
        assert [one["data"] for one in given(alice.get(path))] == [{"a": number}]
        other = path.replace(str(subject_id), str(3002 - subject_id))
        assert given(alice.get(other)) == []


def test_b12_a_key_that_is_taken(alice: FlaskClient) -> None:
    for path in (REDUCERS, "/projects/10/reducers"):
        add(alice, path, type="count", key="k")
        response = alice.post(path, json={"type": "count", "key": "k"})
        assert told(response) == "Key has already been taken"


def test_b13_a_subject_that_is_not_known_yet(alice: FlaskClient) -> None:
    add(alice, REDUCERS, type="placeholder", key="swap")
    path = f"{REDUCERS}/swap/reductions"
    assert given(put(alice, path, subject_id=1001, data={"a": 1}))["subject_id"] == 1001
    for id in (2001, 999_999):  # another project's, and nobody's
        error = given(put(alice, path, subject_id=id, data={"a": 1}), 404)
        assert error == {"error": f"Couldn't find Subject with 'id'={id}"}


def test_b14_reductions_in_a_project(alice: FlaskClient) -> None:
    add(alice, "/projects/10/reducers", type="placeholder", key="all")
    add(alice, "/projects/10/reducers", type="placeholder", key="skill", topic="reduce_by_user")
    made = given(put(alice, "/projects/10/subject_reductions/all", subject_id=1001, data={"a": 1}))
    assert made["reducible_type"] == "Project"
    made = given(put(alice, "/projects/10/user_reductions/skill", user_id=BOB, data={"a": 1}))
    assert given(alice.get(f"/projects/10/user_reductions?user_id={BOB}")) == [made]


def test_b15_public_reductions_are_public(app: Flask, alice: FlaskClient, bob: FlaskClient) -> None:
    add(alice, REDUCERS, type="placeholder", key="swap")
    made = given(put(alice, f"{REDUCERS}/swap/reductions", subject_id=1001, data={"a": 1}))
    path = f"{HERE}/subjects/1001/subject_reductions"
    given(bob.get(path), 404)
    put(alice, HERE, public_reductions=True)
    assert given(bob.get(path)) == given(app.test_client().get(path)) == [made]


def test_b16_the_extractors_key_counts(alice: FlaskClient) -> None:
    for key in ("a", "b"):
        add(alice, EXTRACTORS, type="who", key=key)
        body = {"subject_id": 1001, "classification_id": 5, "data": {"key": key}}
        add(alice, f"{EXTRACTORS}/{key}/extracts", **body)
    for key, keys in {
        "a": ["a"],
        "all": ["a", "b"],
        "extractor": ["a", "b"],
        "no": ["a", "b"],
    }.items():
        found = given(alice.get(f"{EXTRACTORS}/{key}/extracts?subject_id=1001"))
        assert [one["extractor_key"] for one in found] == keys


def test_b17_the_type_is_shown(alice: FlaskClient) -> None:
    assert add(alice, EXTRACTORS, type="survey", key="s")["type"] == "survey"
    assert [one["type"] for one in given(alice.get(EXTRACTORS))] == ["survey"]
    assert add(alice, REDUCERS, type="stats", key="s")["type"] == "stats"
    assert [one["type"] for one in given(alice.get(REDUCERS))] == ["stats"]


def test_b18_every_option_is_taken_wherever_it_stands(alice: FlaskClient) -> None:
    paths = {"lat": "$.metadata.lat"}
    for body in ({"field_map": paths}, {"config": {"field_map": paths}}):
        made = add(alice, EXTRACTORS, type="pluck_field", key=f"p{len(str(body))}", **body)
        assert made["config"] == {"field_map": paths}
    config = {"summarize_field": "p.lat", "operations": ["mean", "max"]}
    for place in (config, {"config": config}):
        key = f"s{len(place)}"
        mode = {"reduction_mode": "running_reduction"}
        made = add(alice, REDUCERS, type="summary_stats", key=key, **mode, **place)
        assert (made["config"], made["reduction_mode"]) == (config, "running_reduction")


def test_b19_only_a_topic_clears_the_keys_of_the_other(alice: FlaskClient) -> None:
    made = add(alice, REDUCERS, type="stats", key="c", user_reducer_keys=["skill"])
    path = f"{REDUCERS}/{made['id']}"
    put(alice, path, filters={"from": 1})
    assert given(alice.get(path))["user_reducer_keys"] == ["skill"]
    put(alice, path, topic="reduce_by_user")
    assert given(alice.get(path))["user_reducer_keys"] is None


WRONG: list[tuple[str, str, JSON, str]] = [
    ("PUT", HERE, {"status": "asleep"}, "status"),
    ("PUT", HERE, {"rules_applied": "some"}, "rules_applied"),
    ("PUT", HERE, {"rerun": "all"}, "rerun"),
    ("POST", "/workflows", {"status": "active"}, "id"),
    ("POST", "/projects", {"status": "active"}, "id"),
    ("PUT", ELSEWHERE, {"status": "asleep"}, "status"),
    ("PUT", ELSEWHERE, {"rerun": "extractors"}, "rerun"),
    ("POST", EXTRACTORS, {"type": "bogus", "key": "k"}, "bogus"),
    ("POST", REDUCERS, {"type": "count", "key": "k", "topic": "x"}, "topic"),
    ("POST", REDUCERS, {"type": "sqs", "key": "k"}, "queue_name"),
    ("POST", RULES, {"condition": ["bogus"]}, "bogus"),
    ("POST", RULES, {"condition": ["lookup", "a"]}, "lookup"),
    ("POST", RULES, {"condition": []}, "is empty"),
    ("POST", RULES, {"condition_string": "gte"}, "JSON"),
    ("POST", RULES, {"topic": "x"}, "can't be blank"),
    ("PUT", f"{USER_RULES}/1", {"condition": ["bogus"]}, "bogus"),
    ("POST", EFFECTS, {"config": {}}, "action"),
    ("POST", EFFECTS, {"action": "bogus"}, "bogus"),
    ("POST", EFFECTS, {"action": "add_subject_to_set", "config": {"subject_set_id": 999}}, "999"),
    ("POST", EFFECTS, {"action": "add_to_collection", "config": {"collection_id": 999}}, "999"),
    ("POST", USER_EFFECTS, {"action": "promote_user", "config": {"workflow_id": 999}}, "999"),
    ("PUT", f"{REDUCERS}/swap/reductions", {"subject_id": 1001}, "data"),
    ("PUT", f"{REDUCERS}/swap/reductions", {"subject_id": 1001, "data": 7}, "data"),
    ("PUT", f"{REDUCERS}/swap/reductions", {"data": {}}, "subject_id"),
    ("PUT", f"{HERE}/user_reductions/skill", {"user_id": "x", "data": {}}, "user_id"),
    ("POST", f"{EXTRACTORS}/k/extracts", {"subject_id": 1001}, "data"),
    ("POST", REQUESTS, {"requested_data": "bogus"}, "requested_data"),
    ("POST", REQUESTS, {"subgroup": "a"}, "requested_data can't be blank"),
]


@pytest.mark.parametrize(("method", "path", "body", "says"), WRONG)
def test_b20_what_is_sent_wrongly_is_told(
    alice: FlaskClient, method: str, path: str, body: JSON, says: str
) -> None:
    add_what_is_written_to(alice)
    assert says in told(alice.open(path, method=method, json=body))
    of_client = {"Content-Type": OF_CLIENT["Accept"], "Accept": OF_CLIENT["Accept"]}
    assert says in told(alice.open(path, method=method, json=body, headers=of_client))
    for none in (b"", b"{", b"[]", b"null"):
        response = alice.open(path, method=method, data=none, content_type="application/json")
        assert given(response, 400).items() >= {"status": 400, "error": "Bad Request"}.items()


def add_what_is_written_to(alice: FlaskClient) -> None:
    alice.post("/projects", json={"id": 10})
    add(alice, REDUCERS, type="external", key="swap")
    add(alice, REDUCERS, type="placeholder", key="skill", topic="reduce_by_user")


def test_b20_a_projects_extracts_can_be_asked_for(alice: FlaskClient) -> None:
    body = {"requested_data": "extracts"}
    assert given(alice.post(f"{ELSEWHERE}/data_requests", json=body), 201)["status"] == "pending"


def test_b21_what_is_wrong_is_a_list_also_where_something_is_changed(alice: FlaskClient) -> None:
    extractor = add(alice, EXTRACTORS, type="question", key="q")["id"]
    reducer = add(alice, REDUCERS, type="count", key="c")["id"]
    for path, body in (
        (HERE, {"status": "asleep"}),
        (f"{EXTRACTORS}/{extractor}", {"key": ""}),
        (f"{EXTRACTORS}/{extractor}", {"if_missing": "perhaps"}),
        (f"{REDUCERS}/{reducer}", {"filters": {"from": "x"}}),
        (f"{RULES}/1", {"condition": []}),
        (f"{EFFECTS}/1", {"config": {}}),
        (f"{USER_EFFECTS}/1", {"config": {"workflow_id": "x"}}),
    ):
        assert told(alice.put(path, json=body))


def test_b22_each_has_the_status_that_clients_know(alice: FlaskClient) -> None:
    given(alice.post("/workflows", json={"id": 101}))
    given(alice.post("/projects", json={"id": 10}), 201)
    for path, id in (("/workflows", 101), ("/projects", 10)):
        again = alice.post(path, json={"id": id})
        assert (again.status_code, again.data, again.location) == (302, b"", f"{path}/{id}")
    given(alice.post(REQUESTS, json={"requested_data": "extracts"}), 201)
    extractor = add(alice, EXTRACTORS, type="who", key="w")["id"]
    reducer = add(alice, REDUCERS, type="count", key="c")["id"]
    for path, body, location in (
        ("/workflows/101", {"status": "paused"}, "/workflows/101#settings"),
        ("/projects/10", {"status": "active"}, "/projects/10#settings"),
        (f"{EXTRACTORS}/{extractor}", {"key": "v"}, None),
        (f"{REDUCERS}/{reducer}", {"key": "d"}, None),
        (f"{EFFECTS}/1", {"config": {"subject_set_id": 11}}, None),
    ):
        response = alice.put(path, json=body)
        assert (response.status_code, response.data) == (204, b"")
        assert response.headers.get("Location") == location
    assert given(put(alice, f"{RULES}/1", condition=CONDITION))["id"] == 1


def test_b23_who_wants_to_read_something_else_removes_too(alice: FlaskClient) -> None:
    extractor = add(alice, EXTRACTORS, type="who", key="w")["id"]
    reducer = add(alice, REDUCERS, type="count", key="c")["id"]
    of_project = add(alice, "/projects/10/reducers", type="count", key="c")["id"]
    for path in (
        f"{EXTRACTORS}/{extractor}",
        f"{REDUCERS}/{reducer}",
        f"/projects/10/reducers/{of_project}",
        f"{EFFECTS}/1",
        f"{RULES}/1",
        f"{USER_EFFECTS}/1",
        f"{USER_RULES}/1",
    ):
        response = alice.delete(path, headers=OF_CLIENT)
        assert (response.status_code, response.data) == (204, b"")
        assert "Couldn't find" in given(alice.delete(path, headers=OF_CLIENT), 404)["error"]


def test_b24_every_kind_of_node_can_be_told(alice: FlaskClient) -> None:
    always = ["const", True]
    for operator in ("and", "or"):
        made = add(alice, RULES, condition=[operator, always])
        assert made["condition"] == {"type": operator, "operations": [{"value": True}]}
    made = add(alice, RULES, condition=["not", always])
    assert made["condition"] == {"type": "not", "operation": {"value": True}}
    for operator in ("any", "all"):
        made = add(alice, RULES, condition=[operator, "counts", always])
        node = {"type": operator, "dict_name": "counts", "operation": {"value": True}}
        assert made["condition"] == node
    made = add(alice, USER_RULES, condition=CONDITION)
    assert made["condition"]["operations"][0] == {"key": "counts.LION", "absent_val": 0}
    assert made["condition_array"] == CONDITION


def test_b25_the_clients_name_for_adding_to_a_collection(alice: FlaskClient) -> None:
    made = add(alice, EFFECTS, action="add_to_collection", config={"collection_id": 5})
    assert (made["action"], made["config"]) == ("add_subject_to_collection", {"collection_id": 5})


def test_b28_an_import_wants_an_address_that_may_be_asked(app: Flask, alice: FlaskClient) -> None:
    path = f"{HERE}/extracts/import"
    for body in ({}, {"file": ""}, {"file": [1]}, {"other": 1}):
        error = given(alice.post(path, json=body), 404)
        assert error == {"error": "CSV must be included"}
    for url in ("predictions.csv", "http://example.org/a.csv", "https://127.0.0.1/a.csv"):
        assert told(alice.post(path, json={"file": url})).startswith("file: ")
    with app.app_context():
        assert db.session.query(Run).all() == []
    response = alice.post(path, json={"file": "https://example.org/a.csv"}, headers={"Accept": ""})
    assert (response.status_code, response.data) == (204, b"")


def test_b29_data_requests_are_filtered_found_and_stopped(alice: FlaskClient) -> None:
    extracts, reductions = (
        given(alice.post(f"{REQUESTS}/", json={"requested_data": kind, "subgroup": subgroup}), 201)
        for kind, subgroup in (("extracts", ""), ("reductions", "north"))
    )
    assert (extracts["subgroup"], reductions["requested_data"]) == (None, "subject_reductions")
    assert [one["id"] for one in given(alice.get(f"{REQUESTS}?requested_data=extracts"))] == [
        extracts["id"]
    ]
    assert given(alice.get(f"{REQUESTS}?subgroup=north")) == [reductions]
    assert len(given(alice.get(f"{REQUESTS}?subgroup="))) == 2
    for id in (UNKNOWN, "no-uuid"):
        error = given(alice.get(f"{REQUESTS}/{id}"), 404)
        assert error == {"error": f"Couldn't find DataRequest with 'id'={id}"}
    assert alice.post(f"{REQUESTS}/{extracts['id']}", data={"do": "cancel"}).status_code == 302
    assert given(alice.get(f"{REQUESTS}/{extracts['id']}"))["status"] == "canceled"


def test_b30_the_same_may_be_asked_for_again(alice: FlaskClient) -> None:
    for body in (
        {"requested_data": "extracts"},
        {"requested_data": "user_reductions", "user_id": 5},
    ):
        first, second = (given(alice.post(REQUESTS, json=body), 201) for _ in range(2))
        assert first["id"] != second["id"]
    assert len(given(alice.get(REQUESTS))) == 4


def test_b31_no_client_chooses_an_id(alice: FlaskClient) -> None:
    for path in (RULES, USER_RULES):
        assert add(alice, path, condition=CONDITION, id=999)["id"] != 999
        assert given(put(alice, f"{path}/1", condition=CONDITION, id=999))["id"] == 1
        given(alice.get(f"{path}/999"), 404)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"action": "retire_subject", "config": "text"}, "must be an object"),
        ({"action": 0, "config": {}}, "action"),
        ({"action": "retire_subject", "config": {"reason": "zzz"}}, "reason"),
        ({"action": "external", "config": {"url": "https://example.org/"}}, "reducer_key"),
    ],
)
def test_b32_effects_that_mean_nothing_are_told(alice: FlaskClient, body: JSON, says: str) -> None:
    before = given(alice.get(EFFECTS))
    assert says in told(alice.post(EFFECTS, json=body))
    assert says in told(alice.put(f"{EFFECTS}/1", json=body))
    assert given(alice.get(EFFECTS)) == before


def test_b33_keys_that_conditions_cannot_name_are_refused_only_when_they_are_new(
    app: Flask, alice: FlaskClient
) -> None:
    at: JSON = {"created_at": START, "updated_at": START}
    for path, table, of in (
        (EXTRACTORS, Extractor, {"workflow_id": 100, "type": "who"}),
        (REDUCERS, Reducer, {"reducible_type": "Workflow", "reducible_id": 100, "type": "count"}),
    ):
        for key in ("a.b", "a/b", "a b", "a[b]"):
            assert "cannot be a key" in told(alice.post(path, json={**of, "key": key}))
        with app.app_context(), db.session.begin():
            db.session.add(table(id=77, key="a.b c", **of, **at))
        for body in ({"filters": {"from": 1}}, {"key": "a.b c", "minimum_workflow_version": "2"}):
            assert put(alice, f"{path}/77", **body).status_code == 204
        assert kept(app, table, 77).key == "a.b c"
        assert "cannot be a key" in told(put(alice, f"{path}/77", key="a.c"))
        assert put(alice, f"{path}/77", key="c").status_code == 204


def test_b34_where_to_look_after_a_rule_is_removed(alice: FlaskClient) -> None:
    for path in (RULES, USER_RULES):
        assert alice.delete(f"{path}/1").location == "/workflows/100#rules"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", HERE),
        ("DELETE", ELSEWHERE),
        ("GET", f"{HERE}/edit"),
        ("GET", "/projects/10/users/5"),
        ("GET", f"{EXTRACTORS}/k/extract"),
        ("POST", f"{EXTRACTORS}/k/extract"),
        ("DELETE", f"{EXTRACTORS}/k/extract"),
        ("DELETE", f"{EXTRACTORS}/k/extracts"),
        ("PUT", f"{REQUESTS}/{UNKNOWN}"),
        ("PATCH", f"{REQUESTS}/{UNKNOWN}"),
        ("DELETE", f"{REQUESTS}/{UNKNOWN}"),
        ("DELETE", f"{HERE}/subject_reductions/k"),
        ("GET", "/kinesis"),
    ],
)
def test_b35_what_is_not_there_is_a_plain_404(alice: FlaskClient, method: str, path: str) -> None:
    error = given(alice.open(path, method=method, headers={"Accept": "application/json"}), 404)
    assert error == {"status": 404, "error": "Not Found"}
