"""A workflow's configuration with its settings, as scripts have always sent it, and runs again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.jobs import queues
from caesar_web.store import transfer
from caesar_web.store.activity import AuditEntry
from caesar_web.store.configuration import Extractor, Reducer, Revision, SubjectRule, Workflow
from caesar_web.store.db import db
from caesar_web.store.queries import reading
from caesar_web.store.runs import Run
from tests.factories import JSON, make_event
from tests.people import ALICE, BOB
from tests.pipeline.steps import receive
from tests.served import ADD, script, three_projects
from tests.standin.server import StandinServer

HERE = "/workflows/100"
ALWAYS = ["const", True]
EXTRACTORS: JSON = {
    "species": {"type": "survey", "task_key": "T0"},
    "who": {"type": "who", "minimum_version": "2.10"},
}
REDUCERS: JSON = {
    "counts": {"type": "stats", "filters": {"extractor_keys": ["species"]}},
    "swap": {"type": "external"},
}
RULES: list[JSON] = [
    {
        "if": ["gte", ["lookup", "counts.LION", 0], ["const", 3]],
        "then": [{"action": "retire_subject", "reason": "consensus"}],
    }
]
CONFIGS: JSON = {
    "extractors_config": EXTRACTORS,
    "reducers_config": REDUCERS,
    "rules_config": RULES,
}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The runs for which the bell was rung."""
    rings: list[int] = []
    monkeypatch.setattr(queues, "ring_run", lambda _, run_id: rings.append(run_id))
    return rings


def put(client: FlaskClient, path: str = HERE, **body: Any) -> str:
    """Changes what the body names; gives where that is shown."""
    response = client.put(path, json=body)
    assert (response.status_code, response.data) == (204, b""), response.text
    return response.location


def messages(response: Any) -> list[str]:
    assert response.status_code == 422, response.text
    return [each["message"] for each in response.get_json()["errors"]]


def configured(app: Flask, id: int = 100) -> JSON:
    with app.app_context(), reading() as session:
        return transfer.show(session, session.get_one(Workflow, id))


def ids(app: Flask, table: Any) -> dict[str, int]:
    """The ids of extractors or reducers by their keys."""
    with app.app_context():
        return {row.key: row.id for row in db.session.scalars(select(table))}


def rows(app: Flask, table: Any) -> list[Any]:
    with app.app_context():
        return list(db.session.scalars(select(table).order_by(table.id)))


@pytest.mark.parametrize(
    "body", [{"workflow": {**CONFIGS, "status": "paused"}}, {**CONFIGS, "status": "paused"}]
)
def test_b9_all_of_it_in_one_request_is_one_change(
    app: Flask, alice: FlaskClient, body: JSON
) -> None:
    revisions = len(rows(app, Revision))
    assert put(alice, **body) == "/workflows/100#settings"
    found = configured(app)
    assert found["status"] == "paused"
    assert found["extractors_config"] == EXTRACTORS
    assert [*found["reducers_config"]] == ["counts", "swap"]
    assert found["rules_config"] == RULES
    assert [row["condition_array"] for row in alice.get(f"{HERE}/subject_rules").get_json()] == [
        RULES[0]["if"]
    ]
    assert len(rows(app, Revision)) == revisions + 1
    entry = rows(app, AuditEntry)[-1]
    assert (entry.actor, entry.action) == ("alice", "changed the configuration")
    assert set(entry.after) == {"status", *CONFIGS}
    assert rows(app, Revision)[-1].after == found
    assert [alice.get(HERE).get_json()[f"{name}_count"] for name in ("extractors", "reducers")] == [
        2,
        2,
    ]


def test_b9_what_is_absent_or_null_stays_and_what_is_empty_goes(
    app: Flask, alice: FlaskClient
) -> None:
    put(alice, **CONFIGS)
    before = configured(app)
    put(alice, extractors_config=None, reducers_config=None, rules_config=None, status=None)
    put(alice, public_extracts=False)
    assert configured(app) == before
    assert len(before["user_rules_config"]) == 1
    emptied: JSON = {"reducers_config": {}, "rules_config": [], "extractors_config": {}}
    for name, empty in emptied.items():
        put(alice, **{name: empty})
        before[name] = empty
        assert configured(app) == before
    put(alice, user_rules_config=[])
    assert configured(app)["user_rules_config"] == []


def test_what_a_hash_does_not_name_goes_and_the_others_stay_the_same(
    app: Flask, alice: FlaskClient
) -> None:
    put(alice, **CONFIGS)
    extractors, reducers, rules = ids(app, Extractor), ids(app, Reducer), rows(app, SubjectRule)
    changed = {"species": {"type": "survey", "task_key": "T1"}, "new": {"type": "blank"}}
    put(alice, extractors_config=changed, reducers_config={"swap": REDUCERS["swap"]})
    put(alice, rules_config=[{"if": ALWAYS, "then": []}, *RULES])
    assert configured(app)["extractors_config"] == changed
    assert ids(app, Extractor)["species"] == extractors["species"]
    assert ids(app, Reducer) == {"swap": reducers["swap"]}
    assert rules[0].id in [row.id for row in rows(app, SubjectRule)]


def test_b10_with_another_type_it_is_another_one(app: Flask, alice: FlaskClient) -> None:
    put(alice, **CONFIGS)
    extractors, reducers = ids(app, Extractor), ids(app, Reducer)
    put(
        alice,
        extractors_config={**EXTRACTORS, "species": {"type": "question", "task_key": "T0"}},
        reducers_config={**REDUCERS, "counts": {"type": "count"}},
    )
    found = configured(app)
    assert found["extractors_config"]["species"] == {"type": "question", "task_key": "T0"}
    assert found["reducers_config"]["counts"]["type"] == "count"
    assert "filters" not in found["reducers_config"]["counts"]
    now = ids(app, Extractor)
    assert (now["who"], now["species"] in extractors.values()) == (extractors["who"], False)
    now = ids(app, Reducer)
    assert (now["swap"], now["counts"] in reducers.values()) == (reducers["swap"], False)


def test_fields_of_a_form(app: Flask, alice: FlaskClient) -> None:
    fields = {
        "workflow[extractors_config][species][type]": "survey",
        "workflow[extractors_config][species][task_key]": "T0",
        "workflow[status]": "paused",
    }
    assert alice.put(HERE, data=fields).status_code == 204
    found = configured(app)
    assert found["extractors_config"] == {"species": EXTRACTORS["species"]}
    assert found["status"] == "paused"


ELSEWHERE = {"if": ALWAYS, "then": [{**ADD, "subject_set_id": 8}]}
REFUSED: list[tuple[JSON, str]] = [
    ({"rules_config": [*RULES, ELSEWHERE]}, "at rules_config[1].then[0].subject_set_id: subject"),
    ({"extractors_config": []}, "at extractors_config: must be an object of keys"),
    ({"extractors_config": {"a": "survey"}}, "at extractors_config.a: must be an object"),
    ({"extractors_config": {"a": {}}}, "at extractors_config.a.type: unknown type None"),
    ({"extractors_config": {"a b": {"type": "who"}}}, "at extractors_config: 'a b' cannot be"),
    ({"extractors_config": {"a": {"type": "who", "b": 1}}}, "at extractors_config.a.b: no such"),
    ({"reducers_config": {"a": {"type": ["x"]}}}, "at reducers_config.a.type: unknown type"),
    ({"reducers_config": 7}, "at reducers_config: must be an object of keys"),
    ({"rules_config": {}}, "at rules_config: must be a list"),
    ({"rules_config": "x"}, "at rules_config: must be a list"),
    ({"rules_config": [7]}, "at rules_config[0]: must be an object"),
    ({"rules_config": [{"if": ["bogus"]}]}, "at rules_config[0].if[0]: 'bogus' is no operator"),
    ({"rules_config": [{"if": ALWAYS, "then": [7]}]}, "at rules_config[0].then[0]: must be an"),
    ({"user_rules_config": [{"then": []}]}, "at user_rules_config[0]: must be an object"),
]


@pytest.mark.parametrize(("wrong", "says"), REFUSED)
def test_what_is_wrong_is_told_with_its_place_and_nothing_is_done(
    app: Flask, alice: FlaskClient, wrong: JSON, says: str
) -> None:
    before = configured(app)
    body = {**CONFIGS, "status": "paused", "rerun": "reducers", **wrong}
    (message,) = messages(alice.put(HERE, json=body))
    assert message.startswith(says)
    assert messages(alice.post("/workflows", json={"id": 101, **body})) == [message]
    assert configured(app) == before
    assert alice.get("/workflows/101").status_code == 404
    assert rows(app, Run) == []


def test_while_panoptes_is_away_nothing_is_done(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    before = configured(app)
    standin.fail("/api/subject_sets", status=503, times=-1)
    body = {**CONFIGS, "rules_config": [{"if": ALWAYS, "then": [{**ADD, "subject_set_id": 11}]}]}
    assert alice.put(HERE, json=body).status_code == 503
    assert alice.post("/workflows", json={"id": 101, **body}).status_code == 503
    assert configured(app) == before
    assert alice.get("/workflows/101").status_code == 404


def test_added_with_its_configuration(app: Flask, alice: FlaskClient) -> None:
    response = alice.post("/workflows", json={"workflow": {"id": 101, **CONFIGS}})
    assert response.status_code == 200, response.text
    assert (response.get_json()["extractors_count"], response.get_json()["reducers_count"]) == (
        2,
        2,
    )
    assert configured(app, 101)["rules_config"] == RULES
    assert [(one.actor, one.action, one.workflow_id) for one in rows(app, AuditEntry)[-2:]] == [
        ("alice", "added the workflow", 101),
        ("alice", "changed the configuration", 101),
    ]
    again = alice.post("/workflows", json={"id": 101, "extractors_config": {}})
    assert (again.status_code, again.location) == (302, "/workflows/101")
    assert configured(app, 101)["extractors_config"] == EXTRACTORS


def test_strangers_change_nothing(app: Flask, standin: StandinServer) -> None:
    before, bob = configured(app), script(app, standin, BOB)
    assert bob.put(HERE, json={**CONFIGS, "rerun": "reducers"}).status_code == 404
    assert bob.post("/workflows", json={"id": 101, **CONFIGS}).status_code == 403
    assert (configured(app), rows(app, Run)) == (before, [])


@pytest.mark.parametrize(
    ("what", "kind", "options"),
    [("extractors", "reextract", {}), ("reducers", "rereduce", {"check": "last"})],
)
def test_running_again(
    app: Flask, alice: FlaskClient, rung: list[int], what: str, kind: str, options: JSON
) -> None:
    for _ in range(2):  # the second time, it is under way
        assert put(alice, rerun=what, extractors_config=EXTRACTORS) == f"/workflows/100#{what}"
    (run,) = rows(app, Run)
    assert (run.kind, run.reducible_type, run.reducible_id) == (kind, "Workflow", 100)
    assert (run.options, run.acts, run.started_by, run.started_by_id) == (
        options,
        True,
        "alice",
        ALICE,
    )
    assert run.id in rung
    assert configured(app)["extractors_config"] == EXTRACTORS
    shown = alice.get(f"{HERE}/runs", headers={"Accept": "text/html"}).text
    assert f"{HERE}/runs/{run.id}" in shown


def test_running_a_projects_reducers_again(app: Flask, alice: FlaskClient, rung: list[int]) -> None:
    alice.post("/projects", json={"id": 10})
    assert put(alice, "/projects/10", project={"rerun": "reducers"}) == "/projects/10#reducers"
    assert put(alice, "/projects/10", status="active", rerun=None) == "/projects/10#settings"
    (run,) = rows(app, Run)
    assert (run.kind, run.reducible_type, run.reducible_id) == ("rereduce", "Project", 10)
    assert rung == [run.id]


@pytest.mark.parametrize("what", ["", "everything", "Reducers", 7, True, ["reducers"], {"a": 1}])
def test_what_cannot_run_again_is_told_and_nothing_is_done(
    app: Flask, alice: FlaskClient, what: Any
) -> None:
    alice.post("/projects", json={"id": 10})
    before = configured(app)
    (message,) = messages(alice.put(HERE, json={"rerun": what, "status": "paused"}))
    assert message == "rerun must be one of: extractors, reducers"
    for given in (what, "extractors"):
        body = {"rerun": given, "status": "halted"}
        assert messages(alice.put("/projects/10", json=body)) == ["rerun must be one of: reducers"]
    assert alice.get("/projects/10").get_json()["status"] == "active"
    assert (configured(app), rows(app, Run)) == (before, [])


def test_resuming_follows_what_was_kept(app: Flask, alice: FlaskClient, rung: list[int]) -> None:
    put(alice, status="paused", extractors_config=EXTRACTORS)
    with app.app_context():
        receive([make_event(1)])
        db.session.remove()
    assert put(alice, status="active") == "/workflows/100#settings"
    (run,) = rows(app, Run)
    assert (run.kind, run.reducible_id, run.acts) == ("kept", 100, True)
    assert rung == [run.id]
