"""GraphQL as its clients speak it: their queries to the letter, who sees what, and its limits."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from graphql import get_introspection_query
from sqlalchemy import select, update

from caesar_web.api import graphql_limits as limits
from caesar_web.store.activity import SubjectAction, UserAction
from caesar_web.store.configuration import Project, Reducer, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction, UserReduction
from caesar_web.store.runs import Run
from tests.factories import START
from tests.people import ALICE, BOB, ROOT, sign_in
from tests.served import script, three_projects
from tests.standin.server import StandinServer

SUBJECT = 1001
LETTER = {"frame0": [{"clusters_x": [1, 2], "consensus_text": "Dear"}], "parameters": {"n": 3}}
MARKS = {"data": [{"taskKey": "T0", "x": 1.5}]}
SECONDS = START.timestamp()


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context():
            with db.session.begin():
                _fill(100)
                _fill(300)
            db.session.remove()
        yield app


def _fill(workflow_id: int) -> None:
    at = {"created_at": START, "updated_at": START}
    here = {"workflow_id": workflow_id, "subject_id": SUBJECT, "project_id": 10}
    for number, (key, data) in enumerate((("alice", {"frame0": {}}), ("T0", {"yes": 1}))):
        own = {"classification_at": START, "user_id": 7 - number, "extractor_key": key}
        row = Extract(classification_id=workflow_id + number, data=data, **here, **own, **at)
        db.session.add(row)
    of = {"reducible_type": "Workflow", "reducible_id": workflow_id, **at}
    for key, reduced in (
        ("alice", LETTER),
        ("machineLearnt", MARKS),
        ("T2-text", {"text": "a"}),
        ("ext", {"frame1": []}),
        ("T0_Stats", {"0": 3, "1": 4}),
    ):
        db.session.add(SubjectReduction(subject_id=SUBJECT, reducer_key=key, data=reduced, **of))
    for user_id in (BOB, 7):
        db.session.add(UserReduction(user_id=user_id, reducer_key="skill", data={"n": 2}, **of))
    act = {"rule_id": 1, "effect_id": 1, "effect_revision": 1, "occurrence": 0, "not_before": START}
    act |= {"workflow_id": workflow_id, "effect_type": "retire_subject", "config": {"reason": "x"}}
    act |= {"effect_id": workflow_id, **at}
    db.session.add(SubjectAction(subject_id=SUBJECT, status="completed", completed_at=START, **act))
    db.session.add(UserAction(user_id=7, **act))


def _open(app: Flask, workflow_id: int = 100, **flags: bool) -> None:
    with app.app_context(), db.session.begin():
        db.session.execute(update(Workflow).where(Workflow.id == workflow_id).values(**flags))


@pytest.fixture
def public(app: Flask) -> FlaskClient:
    """Nobody, asking about a workflow whose data is public."""
    _open(app, public_extracts=True, public_reductions=True)
    return app.test_client(use_cookies=False)


def ask(client: FlaskClient, query: str, **body: Any) -> Any:
    """The data of an answer."""
    response = client.post("/graphql", json={"query": query, **body})
    assert response.status_code == 200, response.text
    assert response.content_type == "application/json; charset=utf-8"
    assert list(response.get_json()) == ["data"], response.text
    return response.get_json()["data"]


def errors(client: FlaskClient, query: str, **body: Any) -> list[str]:
    """What is wrong with a query; the answer is a 200 all the same."""
    response = client.post("/graphql", json={"query": query, **body})
    assert response.status_code == 200, response.text
    return [error["message"] for error in response.get_json()["errors"]]


def status(client: FlaskClient, query: str, **body: Any) -> int:
    """The status of an answer that has no body."""
    response = client.post("/graphql", json={"query": query, **body})
    assert response.data == b""
    return response.status_code


# What clients send, to the letter, and what they read.
REDUCTIONS = (
    '{ workflow(id: 100) { subject_reductions(subjectId: 1001, reducerKey:"%s") { data } } }'
)
ALICE_EXTRACTS = """{
      workflow(id: 100) {
        extracts(subjectId: 1001, extractorKey: "alice") {
          data, userId, classificationAt
        }
      }
    }"""
ZOO_NOTES = """{
        workflow(id: 100) {
          reductions(subjectId: 1001) {
            data
          }
          extracts(subjectId: 1001) {
            data
          }
        }
      }"""
ZOO_NOTES_OF_A_TASK = (
    '{ workflow(id: 100) { reductions(subjectId: 1001, reducerKey: "T0_Stats") { data }'
    ' extracts(subjectId: 1001, extractorKey: "T0") { data } } }'
)
ANNOTATE = """query Aggregation($workflowId: ID!, $subjectId: ID!) {
  workflow(id: $workflowId) {
    subject_reductions(subjectId: $subjectId, reducerKey: "T2-text") {
      data
    }
  }
}"""
TOUCH_TABLE = """
                    query AnswerCount($workflowId: ID!, $subjectId: ID!) {
                      workflow(id: $workflowId) {
                        subject_reductions(subjectId: $subjectId, reducerKey: T0_Stats) {
                            data
                        }
                      }
                    }"""
ANNOTATORS = """
    query FetchSubjectReductions($workflowId: ID!, $subjectId: ID!, $reducerKey: String!) {
        workflow(id: $workflowId) {
            subject_reductions(subjectId: $subjectId, reducerKey: $reducerKey) {
                data
            }
        }
    }
"""


@pytest.mark.parametrize(
    ("key", "data"), [("alice", LETTER), ("machineLearnt", MARKS), ("ext", {"frame1": []})]
)
def test_front_end_and_transcription_pages(public: FlaskClient, key: str, data: Any) -> None:
    found = ask(public, REDUCTIONS % key)
    assert found == {"workflow": {"subject_reductions": [{"data": data}]}}


def test_the_text_editor(public: FlaskClient) -> None:
    (extract,) = ask(public, ALICE_EXTRACTS)["workflow"]["extracts"]
    assert extract == {"data": {"frame0": {}}, "userId": "7", "classificationAt": SECONDS}


def test_zoo_notes(public: FlaskClient) -> None:
    found = ask(public, ZOO_NOTES)["workflow"]
    assert len(found["reductions"]) == 5
    assert found["extracts"] == [{"data": {"frame0": {}}}, {"data": {"yes": 1}}]
    found = ask(public, ZOO_NOTES_OF_A_TASK)["workflow"]
    assert found["reductions"] == [{"data": {"0": 3, "1": 4}}]
    assert found["extracts"] == [{"data": {"yes": 1}}]


def test_annotate_and_shakespeares_world(public: FlaskClient) -> None:
    for ids in ({"workflowId": "100", "subjectId": "1001"}, {"workflowId": 100, "subjectId": 1001}):
        found = ask(public, ANNOTATE, variables=ids)
        assert found == {"workflow": {"subject_reductions": [{"data": {"text": "a"}}]}}


def test_b27_the_touch_table_sends_its_key_without_quotes(public: FlaskClient) -> None:
    ids = {"workflowId": "100", "subjectId": "1001"}
    found = ask(public, TOUCH_TABLE, operationName="AnswerCount", variables=ids)
    assert found == {"workflow": {"subject_reductions": [{"data": {"0": 3, "1": 4}}]}}


def test_annotators_come_with_a_token(alice: FlaskClient) -> None:
    given = {"workflowId": "100", "subjectId": "1001", "reducerKey": "alice"}
    found = ask(alice, ANNOTATORS, variables=given)
    assert found == {"workflow": {"subject_reductions": [{"data": LETTER}]}}


def test_a_workflow_without_reductions_of_the_key_is_empty(public: FlaskClient) -> None:
    assert ask(public, REDUCTIONS % "other") == {"workflow": {"subject_reductions": []}}


# Every field there is.
OF_ACTIONS = (
    "id classificationId classificationAt workflowId effectType status config createdAt"
    " updatedAt attemptedAt completedAt"
)
OF_REDUCTIONS = "projectId workflowId reducerKey data createdAt updatedAt"
EVERYTHING = f"""{{
  me {{ isAdmin isLoggedIn }}
  workflow(id: "100") {{
    id createdAt updatedAt
    extracts(subjectId: 1001, extractorKey: "alice") {{
      id classificationId classificationAt workflowId subjectId extractorKey userId data
      createdAt updatedAt
    }}
    reductions(subjectId: 1001, reducerKey: "ext") {{ {OF_REDUCTIONS} subjectId }}
    subject_actions(subjectId: 1001) {{ {OF_ACTIONS} subjectId }}
    user_reductions(userId: 7, reducerKey: "skill") {{ {OF_REDUCTIONS} userId }}
    user_actions(userId: 7) {{ {OF_ACTIONS} userId }}
    data_requests {{ id subgroup requestedData url status }}
  }}
}}"""


def test_b26_every_field_of_every_type(alice: FlaskClient) -> None:
    alice.post("/workflows/100/data_requests", json={"requested_data": "reductions"})
    found = ask(alice, EVERYTHING)
    assert found["me"] == {"isAdmin": False, "isLoggedIn": True}
    workflow = found["workflow"]
    moments = {"createdAt": SECONDS, "updatedAt": SECONDS}
    (extract,) = workflow["extracts"]
    assert extract.items() >= {**moments, "workflowId": "100", "classificationId": "100"}.items()
    assert (extract["subjectId"], extract["extractorKey"]) == ("1001", "alice")
    (reduction,) = workflow["reductions"]
    assert reduction == {
        "projectId": None,
        "workflowId": "100",
        "subjectId": "1001",
        "reducerKey": "ext",
        "data": {"frame1": []},
        **moments,
    }
    (of_user,) = workflow["user_reductions"]
    assert (of_user["userId"], of_user["data"]) == ("7", {"n": 2})
    (acted,) = workflow["subject_actions"]
    assert acted.items() >= {"status": "completed", "completedAt": SECONDS, **moments}.items()
    assert (acted["classificationId"], acted["classificationAt"]) == (None, None)
    assert (acted["effectType"], acted["config"]) == ("retire_subject", {"reason": "x"})
    (of_user,) = workflow["user_actions"]
    assert (of_user["userId"], of_user["status"]) == ("7", "pending")
    (asked,) = workflow["data_requests"]
    assert asked.pop("id")
    assert asked == {
        "subgroup": None,
        "requestedData": "subject_reductions",
        "url": None,
        "status": "pending",
    }


def test_the_schema_can_be_asked_for(public: FlaskClient) -> None:
    found = ask(public, get_introspection_query())["__schema"]
    assert (found["queryType"], found["mutationType"]) == (
        {"name": "QueryRoot", "kind": "OBJECT"},
        {"name": "MutationRoot", "kind": "OBJECT"},
    )


# Who sees what.
COUNTED = """{ workflow(id: 100) {
    extracts(subjectId: 1001) { id } subject_reductions(subjectId: 1001) { data }
    user_reductions(userId: 3) { data } subject_actions(subjectId: 1001) { id }
    user_actions(userId: 7) { id } } }"""


def counted(client: FlaskClient, query: str = COUNTED) -> list[int]:
    return [len(rows) for rows in ask(client, query)["workflow"].values()]


def test_what_is_seen_follows_the_flags(app: Flask, alice: FlaskClient, bob: FlaskClient) -> None:
    nobody = app.test_client(use_cookies=False)
    for client in (nobody, bob):
        assert status(client, COUNTED) == 404
        assert status(client, COUNTED.replace("id: 100", "id: 999")) == 404
    assert counted(alice) == [2, 5, 1, 1, 1]
    _open(app, public_extracts=True)
    assert counted(nobody) == [2, 0, 0, 0, 0]
    assert counted(bob) == [2, 0, 1, 0, 0]  # Bob is volunteer 3
    assert counted(bob, COUNTED.replace("userId: 3", "userId: 7")) == [2, 0, 0, 0, 0]
    _open(app, public_extracts=False, public_reductions=True)
    assert counted(nobody) == [0, 5, 1, 0, 0]


def test_an_administrator_sees_everything(app: Flask, standin: StandinServer) -> None:
    root = script(app, standin, ROOT)
    assert ask(root, "{ me { isAdmin isLoggedIn } }")["me"] == {"isAdmin": True, "isLoggedIn": True}
    assert counted(root, COUNTED.replace("id: 100", "id: 300")) == [2, 5, 1, 1, 1]


def test_b11_a_projects_reductions_are_not_the_workflows(app: Flask, public: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        at = {"created_at": START, "updated_at": START}
        of = {"reducible_type": "Project", "reducible_id": 100, "reducer_key": "of_project"}
        db.session.add(SubjectReduction(subject_id=SUBJECT, data={}, **of, **at))
    assert ask(public, REDUCTIONS % "of_project") == {"workflow": {"subject_reductions": []}}


def test_a_token_that_never_was_one_is_nobodys(public: FlaskClient) -> None:
    for header in ("", "Bearer garbage", "Bearer a.b.c", "Basic YTpi", "bearer x"):
        public.environ_base["HTTP_AUTHORIZATION"] = header
        me = ask(public, "{ me { isLoggedIn isAdmin } }")["me"]
        assert me == {"isLoggedIn": False, "isAdmin": False}


def test_an_expired_token_is_refused(public: FlaskClient, standin: StandinServer) -> None:
    public.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {standin.token(ALICE, ttl=-1)}"
    assert status(public, "{ me { isLoggedIn } }") == 401


def test_a_cookie_counts_for_nothing(app: Flask) -> None:
    browser = app.test_client()
    sign_in(browser, "alice")
    assert ask(browser, "{ me { isLoggedIn } }")["me"] == {"isLoggedIn": False}
    assert status(browser, COUNTED) == 404


# How queries come in.
ME = "{ me { isLoggedIn } }"


def test_variables_may_be_a_text_or_nothing(public: FlaskClient) -> None:
    ids = {"workflowId": 100, "subjectId": 1001}
    assert ask(public, ANNOTATE, variables=json.dumps(ids))["workflow"]
    assert ask(public, ME, variables="")
    assert ask(public, ME, variables=None)


def test_a_form_and_a_trailing_format(public: FlaskClient) -> None:
    response = public.post("/graphql", data={"query": ME, "variables": ""})
    assert response.get_json() == {"data": {"me": {"isLoggedIn": False}}}
    assert public.post("/graphql.json", json={"query": ME}).status_code == 200


def test_nothing_but_posting(public: FlaskClient) -> None:
    assert public.get("/graphql").status_code == 404


def test_a_body_that_cannot_be_read(public: FlaskClient) -> None:
    too_deep, nul = b"[" * 100_000, b'{"query":"\\u0000"}'
    for body in (b"", b"{", b"[]", b"7", b'"x"', too_deep, nul):
        response = public.post("/graphql", data=body, content_type="application/json")
        assert response.status_code == 400, body[:20]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("", {}, "No query string was present"),
    (" ", {}, "No query string was present"),
    ("{", {}, "Syntax Error"),
    ("{ nothing }", {}, "Cannot query field 'nothing' on type 'QueryRoot'"),
    ("{ workflow { id } }", {}, "of type 'ID!' is required"),
    ("{ workflow(id: 1.5) { id } }", {}, "ID cannot represent"),
    (ME, {"variables": [1]}, "variables must be an object"),
    (ME, {"variables": "{"}, "variables must be an object"),
    (ME, {"variables": 7}, "variables must be an object"),
    (ME, {"operationName": "Other"}, "Unknown operation named 'Other'"),
    (ME, {"operationName": [1]}, "operationName must be a text"),
    (ANNOTATE, {"variables": {"workflowId": 1.5, "subjectId": 1}}, "$workflowId"),
    (ANNOTATE, {}, "$workflowId"),
    (REDUCTIONS % "\\u0000", {}, "reducerKey holds a NUL character"),
]


def test_what_is_wrong_with_a_query_is_told(public: FlaskClient) -> None:
    for query, more, told in WRONG:
        assert told in errors(public, query, **more)[0]
    for more in ({"variables": []}, {"operationName": {}}):
        assert ask(public, ME, **more)


def test_an_id_that_nothing_can_have(public: FlaskClient) -> None:
    for id in '"x"', "0", "-1", "9" * 30, '""', '"1 0"', '"１００"':
        assert status(public, f"{{ workflow(id: {id}) {{ id }} }}") == 404
        query = f"{{ workflow(id: 100) {{ extracts(subjectId: {id}) {{ id }} }} }}"
        assert ask(public, query) == {"workflow": {"extracts": []}}


# What is too much.
TOO_MUCH = [
    ("{" + "me { isAdmin } " * 1_000 + "}", "more than 2000 tokens"),
    ("{" + " ".join(f"a{n}: me {{ isAdmin }}" for n in range(21)) + "}", "20 aliases"),
    ("{ workflow(id: 1) {" + "data_requests { id } " * 50 + "} }", "50 fields that read"),
    ("{ __schema { types { ofType " + "{ ofType " * 20 + "{ name" + "}" * 24, "16 levels"),
    (
        "{ me { ...A } } fragment A on Credential { ...B ...B }"
        + "".join(
            f" fragment {one} on Credential {{ ...{two} ...{two} }}"
            for one, two in zip("BCDEFGHIJ", "CDEFGHIJK", strict=True)
        )
        + " fragment K on Credential { isAdmin }",
        "500 fields",
    ),
    ("{ me { ...A } } fragment A on Credential { isAdmin ...A }", "Cannot spread fragment 'A'"),
    ("{ a " * 900, "nested too deeply"),
]


def test_what_asks_for_too_much_is_refused(public: FlaskClient) -> None:
    for query, told in TOO_MUCH:
        assert told in errors(public, query)[0]


def test_real_queries_are_far_below_the_limits() -> None:
    assert limits.DEEPEST >= 4 * 3
    assert limits.MOST_READ >= 10 * 2


# What clients can write.
UPSERT_EXTRACT = """mutation($w: ID!, $s: ID!, $data: Json) {
  upsertExtract(workflowId: $w, subjectId: $s, classificationId: 5, extractorKey: "mine",
                data: $data) { id data subjectId classificationId extractorKey } }"""
UPSERT_REDUCTION = """mutation($w: ID!, $s: ID!) {
  upsertReduction(workflowId: $w, subjectId: $s, reducerKey: "swap", data: {likelihood: 0.9,
                  many: [1, null, true, "x", {a: $s}]}) { data subjectId reducerKey } }"""
EXTRACT = "mutation($w: ID!, $s: ID!) { extractSubject(workflowId: $w, subjectId: $s) }"
REQUEST = """mutation($w: ID!) { createDataRequest(exportableId: $w, %s) {
  id status requestedData subgroup url } }"""
OWN = {"w": 100, "s": 1001}


def add_reducer(app: Flask, **kind: str) -> None:
    of = {"reducible_type": "Workflow", "reducible_id": 100, "topic": "reduce_by_subject"}
    at = {"created_at": START, "updated_at": START}
    with app.app_context(), db.session.begin():
        db.session.add(Reducer(**of, **kind, config={}, filters={}, grouping={}, **at))
        db.session.get_one(Workflow, 100).revision += 1


def test_b8_an_extract_is_written_and_written_again(app: Flask, alice: FlaskClient) -> None:
    add_reducer(app, key="counts", type="stats")
    made = ask(alice, UPSERT_EXTRACT, variables={**OWN, "data": {"a": 1}})["upsertExtract"]
    assert made.items() >= {"data": {"a": 1}, "subjectId": "1001", "classificationId": "5"}.items()
    again = ask(alice, UPSERT_EXTRACT, variables={**OWN, "data": {"a": 2}})["upsertExtract"]
    assert (again["id"], again["data"]) == (made["id"], {"a": 2})
    with app.app_context():
        decided = db.session.scalars(select(SubjectAction.rule_id).filter_by(status="pending"))
        assert set(decided) == {1}, "the rules were not checked"
        db.session.remove()


def test_b8_a_reduction_is_written(app: Flask, alice: FlaskClient) -> None:
    assert status(alice, UPSERT_REDUCTION, variables=OWN) == 404
    add_reducer(app, key="swap", type="external")
    found = ask(alice, UPSERT_REDUCTION, variables=OWN)["upsertReduction"]
    assert found["data"] == {"likelihood": 0.9, "many": [1, None, True, "x", {"a": "1001"}]}
    assert (found["subjectId"], found["reducerKey"]) == ("1001", "swap")


def test_a_subject_is_extracted_once(app: Flask, alice: FlaskClient) -> None:
    assert ask(alice, EXTRACT, variables=OWN) == {"extractSubject": True}
    assert ask(alice, EXTRACT, variables=OWN) == {"extractSubject": False}
    with app.app_context():
        run = db.session.scalars(select(Run)).one()
        assert (run.kind, run.reducible_id, run.acts) == ("backfill", 100, True)
        db.session.remove()


@pytest.mark.parametrize("query", [UPSERT_EXTRACT, UPSERT_REDUCTION, EXTRACT])
def test_only_members_write(app: Flask, alice: FlaskClient, bob: FlaskClient, query: str) -> None:
    variables = {**OWN, "data": {}}
    for id in (300, 999):
        assert status(alice, query, variables={**variables, "w": id}) == 404
    assert status(bob, query, variables=variables) == 404
    _open(app, public_extracts=True)
    for client in (bob, app.test_client(use_cookies=False)):
        assert status(client, query, variables=variables) == 401
    assert status(alice, EXTRACT, variables={**OWN, "s": 30_000_000}) == 404


def test_data_is_an_object(alice: FlaskClient) -> None:
    for data in (None, [1], "x", 7):
        told = errors(alice, UPSERT_EXTRACT, variables={**OWN, "data": data})
        assert told == ["data must be an object"]
    for id in ("x", "-1", "0"):
        told = errors(alice, UPSERT_EXTRACT, variables={**OWN, "s": id, "data": {}})
        assert told[0].startswith("subjectId must be")


def request_of(kind: str, type: str = "Workflow", more: str = "") -> str:
    return REQUEST % f'exportableType: "{type}", requestedData: {kind} {more}'


def test_data_is_asked_for(app: Flask, alice: FlaskClient, bob: FlaskClient) -> None:
    nobody = app.test_client(use_cookies=False)
    more = ', subgroup: "night", userId: 7'
    query = request_of("user_reductions", more=more)
    made = ask(alice, query, variables={"w": 100})["createDataRequest"]
    assert made.items() >= {"status": "pending", "subgroup": "night"}.items()
    reductions = request_of("reductions")
    made = ask(alice, reductions, variables={"w": 100})["createDataRequest"]
    assert made["requestedData"] == "subject_reductions"
    for client in (bob, nobody):
        assert status(client, reductions, variables={"w": 100}) == 404
    _open(app, public_extracts=True)
    for client in (bob, nobody):
        assert status(client, reductions, variables={"w": 100}) == 401
        found = ask(client, request_of("extracts"), variables={"w": 100})
        assert found["createDataRequest"]["status"] == "pending"


def test_b7_of_a_project_or_a_workflow_and_nothing_else(app: Flask, alice: FlaskClient) -> None:
    with app.app_context(), db.session.begin():
        db.session.add(Project(id=10, created_at=START, updated_at=START))
    query = request_of("subject_reductions", type="Project")
    assert ask(alice, query, variables={"w": 10})["createDataRequest"]["status"] == "pending"
    for id in (30, 999, "x"):
        assert status(alice, query, variables={"w": id}) == 404
    told = errors(alice, request_of("extracts", type="Kernel"), variables={"w": 100})
    assert told == ["exportableType must be Workflow or Project"]
    told = errors(alice, request_of("subject_reductions", more=", userId: 7"), variables={"w": 100})
    assert "user_id must be empty" in told[0]


def test_where_panoptes_is_away_nobodys_fault_is_told(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    standin.fail("^/api", status=503, message="busy", times=-1)
    response = alice.post("/graphql", json={"query": COUNTED})
    assert response.status_code == 503
