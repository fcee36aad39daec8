"""Effects of rules for clients: only through their workflow and rule, and without their secrets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.domain.options import MASK
from caesar_web.store.activity import AuditEntry
from caesar_web.store.configuration import Revision, SubjectRuleEffect, UserRuleEffect
from caesar_web.store.db import db
from caesar_web.store.effects import opened
from tests.factories import JSON, SEALER
from tests.people import ALICE, DAVE, ROOT
from tests.served import ADD, CALL, PROMOTE, script, three_projects
from tests.standin.server import StandinServer

SUBJECT = "/workflows/100/subject_rules/1/subject_rule_effects"
USER = "/workflows/100/user_rules/1/user_rule_effects"
TABLES = {"subject": SubjectRuleEffect, "user": UserRuleEffect}


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def config_of(effect: JSON) -> JSON:
    return {name: value for name, value in effect.items() if name != "action"}


def body_of(effect: JSON) -> JSON:
    return {"action": effect["action"], "config": config_of(effect)}


def kept(app: Flask, topic: str = "subject") -> list[Any]:
    """The effects of a topic with all their columns, by id."""
    table: Any = TABLES[topic]
    with app.app_context():
        rows = list(db.session.scalars(select(table).order_by(table.id)))
        return [(row.id, row.action, row.config, row.secrets, row.saved_by) for row in rows]


def secrets_of(app: Flask, effect_id: int) -> dict[str, str]:
    with app.app_context():
        return opened(db.session.get_one(SubjectRuleEffect, effect_id), SEALER).secrets


def messages(client: FlaskClient, method: str, path: str, body: Any) -> list[str]:
    """What a request is refused with, in the one shape that clients know."""
    response = client.open(path, method=method, json=body)
    assert response.status_code == 422, response.text
    answer = response.get_json()
    assert set(answer) == {"errors"}
    assert all(set(each) == {"message"} for each in answer["errors"])
    return [each["message"] for each in answer["errors"]]


def test_effects_of_a_subject_rule(alice: FlaskClient) -> None:
    first, second = alice.get(SUBJECT).get_json()
    assert list(first) == ["id", "action", "config", "created_at", "updated_at", "subject_rule_id"]
    assert (first["id"], first["subject_rule_id"], first["config"]) == (1, 1, config_of(ADD))
    assert second["action"] == "external_with_basic_auth"
    assert alice.get(f"{SUBJECT}/2").get_json() == second


def test_effects_of_a_user_rule(alice: FlaskClient) -> None:
    (only,) = alice.get(USER).get_json()
    assert list(only) == ["id", "action", "config", "created_at", "updated_at", "user_rule_id"]
    assert (only["user_rule_id"], only["action"]) == (1, "promote_user")
    assert only["config"] == {"workflow_id": 101}
    assert alice.get(f"{USER}/1").get_json() == only


RETIRE_FORM = {
    "subject_rule_effect[action]": "retire_subject",
    "subject_rule_effect[config][reason]": "human",
}


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"action": "retire_subject", "config": {"reason": "human"}}},
        {
            "json": {
                "subject_rule_effect": {"action": "retire_subject", "config": {"reason": "human"}}
            }
        },
        {"data": RETIRE_FORM},
        {"data": {"action": "retire_subject", "config[reason]": "human"}},
    ],
)
def test_adding_an_effect(app: Flask, alice: FlaskClient, body: JSON) -> None:
    response = alice.post(SUBJECT, **body)
    assert response.status_code == 200, response.text
    added = response.get_json()
    assert (added["action"], added["config"]) == ("retire_subject", {"reason": "human"})
    assert added == alice.get(f"{SUBJECT}/{added['id']}").get_json()
    assert kept(app)[-1] == (added["id"], "retire_subject", {"reason": "human"}, None, "alice")


def test_adding_an_effect_of_a_user_rule(app: Flask, alice: FlaskClient) -> None:
    added = alice.post(USER, json={"user_rule_effect": body_of(PROMOTE)}).get_json()
    assert (added["user_rule_id"], added["config"]) == (1, {"workflow_id": 101})
    assert kept(app, "user")[-1][-1] == "alice"


def test_an_effect_without_a_config_has_its_defaults(alice: FlaskClient) -> None:
    added = alice.post(SUBJECT, json={"action": "retire_subject"}).get_json()
    assert added["config"] == {"reason": "other"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_changing_an_effect(app: Flask, alice: FlaskClient, method: str) -> None:
    response = alice.open(f"{SUBJECT}/1", method=method, json={"config": {"subject_set_id": 11}})
    assert (response.status_code, response.data) == (204, b"")
    assert "Location" not in response.headers
    assert kept(app)[0][1:3] == ("add_subject_to_set", {"subject_set_id": 11})
    body = {"user_rule_effect": {"config": {"workflow_id": 100}}}
    assert alice.open(f"{USER}/1", method=method, json=body).status_code == 204
    assert kept(app, "user") == [(1, "promote_user", {"workflow_id": 100}, None, "alice")]


def test_removing_an_effect(app: Flask, alice: FlaskClient) -> None:
    response = alice.delete(f"{SUBJECT}/1")
    assert (response.status_code, response.data) == (204, b"")
    assert response.location == "/workflows/100/subject_rules/1/edit"
    assert [row[0] for row in kept(app)] == [2, 3, 4]
    again = alice.delete(f"{SUBJECT}/1")
    assert again.status_code == 404
    assert again.get_json() == {"error": "Couldn't find SubjectRuleEffect with 'id'=1"}
    assert alice.delete(f"{USER}/1").location == "/workflows/100/user_rules/1/edit"
    assert kept(app, "user") == []


def test_a_change_is_a_revision_with_its_author(app: Flask, alice: FlaskClient) -> None:
    alice.put(f"{SUBJECT}/1", json={"config": {"subject_set_id": 11}})
    with app.app_context():
        newest = db.session.scalars(select(Revision).order_by(Revision.id.desc())).first()
        assert newest is not None
        assert (newest.author, newest.reducible_id) == ("alice", 100)
        assert CALL["password"] not in str((newest.before, newest.after))


NOT_MINE: list[tuple[str, str, int]] = [
    ("/workflows/100/user_rules/2/user_rule_effects", "UserRule", 2),
    ("/workflows/200/user_rules/1/user_rule_effects", "UserRule", 1),
    ("/workflows/100/subject_rules/2/subject_rule_effects", "SubjectRule", 2),
    ("/workflows/200/subject_rules/1/subject_rule_effects", "SubjectRule", 1),
    ("/workflows/100/subject_rules/3/subject_rule_effects", "SubjectRule", 3),
    (f"/workflows/100/user_rules/{2**63 - 1}/user_rule_effects", "UserRule", 2**63 - 1),
]
NOT_OF_THAT_RULE: list[tuple[str, str, int]] = [
    ("/workflows/100/user_rules/1/user_rule_effects/2", "UserRuleEffect", 2),
    ("/workflows/200/user_rules/1/user_rule_effects/1", "UserRuleEffect", 1),
    ("/workflows/100/subject_rules/1/subject_rule_effects/3", "SubjectRuleEffect", 3),
    ("/workflows/200/subject_rules/2/subject_rule_effects/1", "SubjectRuleEffect", 1),
    ("/workflows/100/subject_rules/2/subject_rule_effects/3", "SubjectRuleEffect", 3),
    ("/workflows/100/subject_rules/1/subject_rule_effects/999", "SubjectRuleEffect", 999),
]


@pytest.mark.parametrize(("path", "model", "id"), NOT_MINE + NOT_OF_THAT_RULE)
def test_b3_no_id_leads_out_of_the_workflow_and_rule_in_the_path(
    app: Flask, alice: FlaskClient, path: str, model: str, id: int
) -> None:
    before = kept(app), kept(app, "user")
    topic = "user" if "user_rules" in path else "subject"
    body = body_of(PROMOTE if topic == "user" else ADD)
    methods = ["GET", "PUT", "PATCH", "DELETE"] if "Effect" in model else ["GET", "POST"]
    for method in methods:
        response = alice.open(path, method=method, json=None if method == "GET" else body)
        assert response.status_code == 404, method
        assert response.get_json() == {"error": f"Couldn't find {model} with 'id'={id}"}
    assert (kept(app), kept(app, "user")) == before


def test_ids_beyond_64_bits_are_no_path(alice: FlaskClient) -> None:
    for id in (2**63, 10**30, "x", -1, "1.0"):
        for path in (f"{SUBJECT}/{id}", f"/workflows/100/user_rules/{id}/user_rule_effects"):
            assert alice.get(path).status_code == 404


@pytest.mark.parametrize(
    ("path", "effect", "says"),
    [
        (f"{SUBJECT}/1", {**ADD, "subject_set_id": 8}, "subject_set_id: subject set 8 belongs to"),
        (f"{SUBJECT}/2", {**ADD, "subject_set_id": 8}, "subject_set_id: subject set 8 belongs to"),
        (f"{SUBJECT}/1", {**ADD, "subject_set_id": 999}, "subject_set_id: there is no subject set"),
    ],
)
def test_b2_an_effect_is_checked_as_it_will_be(
    app: Flask, alice: FlaskClient, path: str, effect: JSON, says: str
) -> None:
    before = kept(app)
    (message,) = messages(alice, "PUT", path, body_of(effect))
    assert message.startswith(f"at config.{says}")
    assert messages(alice, "POST", SUBJECT, body_of(effect)) == [message]
    if effect["action"] == kept(app)[0][1] and path.endswith("/1"):  # what stays is checked too
        assert messages(alice, "PUT", path, {"config": config_of(effect)}) == [message]
    assert kept(app) == before


def test_b4_a_promotion_leads_only_to_a_workflow_that_is_mine(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    before = kept(app, "user")
    elsewhere = body_of({**PROMOTE, "workflow_id": 300})
    for method, path in (("POST", USER), ("PUT", f"{USER}/1")):
        assert messages(alice, method, path, elsewhere) == [
            "at config.workflow_id: workflow 300 belongs to a project that you may not change"
        ]
    assert kept(app, "user") == before
    admin = script(app, standin, ROOT)
    assert admin.put(f"{USER}/1", json=elsewhere).status_code == 204
    assert kept(app, "user")[0][-1] == "root"


@pytest.mark.parametrize(
    ("user_id", "workflow_id", "collection_id", "may"),
    [
        (ALICE, 100, 9, True),  # her project is its second
        (ALICE, 100, 6, True),  # it is in no project, and hers
        (DAVE, 300, 6, False),
        (DAVE, 300, 5, False),
        (DAVE, 300, 9, True),
    ],
)
def test_b5_a_collection_takes_any_of_its_projects_or_its_owner(
    app: Flask,
    standin: StandinServer,
    user_id: int,
    workflow_id: int,
    collection_id: int,
    may: bool,
) -> None:
    rule_id = {100: 1, 300: 3}[workflow_id]
    path = f"/workflows/{workflow_id}/subject_rules/{rule_id}/subject_rule_effects"
    body = {"action": "add_subject_to_collection", "config": {"collection_id": collection_id}}
    response = script(app, standin, user_id).post(path, json=body)
    assert response.status_code == (200 if may else 422), response.text


def test_b6_no_answer_has_a_password(app: Flask, alice: FlaskClient) -> None:
    in_url = {**CALL, "url": "https://ann:s3cret@example.org/hook"}
    added = alice.post(SUBJECT, json=body_of(in_url))
    id = added.get_json()["id"]
    answers = [added, alice.get(SUBJECT), alice.get(f"{SUBJECT}/{id}"), alice.get(f"{SUBJECT}/2")]
    answers += [alice.put(f"{SUBJECT}/{id}", json=body_of(in_url)), alice.get("/workflows/100")]
    answers += [alice.post(SUBJECT, json={**body_of(CALL), "action": "external"})]
    assert answers[-1].status_code == 422
    for path in ("configuration", "trail"):
        answers.append(alice.get(f"/workflows/100/{path}"))
    answers.append(alice.get("/workflows/100", headers={"Accept": "text/html"}))
    assert answers[-1].mimetype == "text/html"
    for answer in answers:
        assert "s3cret" not in answer.text
    assert added.get_json()["config"]["password"] == MASK
    assert added.get_json()["config"]["url"] == f"https://{MASK}@example.org/hook"
    assert "s3cret" not in str(kept(app))


def test_b6_the_mask_that_is_sent_back_keeps_the_password(app: Flask, alice: FlaskClient) -> None:
    shown = alice.get(f"{SUBJECT}/2").get_json()
    shown["config"]["username"] = "ann"
    assert alice.put(f"{SUBJECT}/2", json={"subject_rule_effect": shown}).status_code == 204
    assert secrets_of(app, 2) == {"password": "s3cret"}
    assert alice.get(f"{SUBJECT}/2").get_json()["config"]["username"] == "ann"


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "https://example.org:8443/", "https://example.org.evil.net"]
)
def test_b6_the_mask_is_worth_nothing_for_another_server(
    app: Flask, alice: FlaskClient, url: str
) -> None:
    moved = {**config_of(CALL), "url": url, "password": MASK}
    for body in ({"config": moved}, {"action": CALL["action"], "config": moved}):
        assert messages(alice, "PUT", f"{SUBJECT}/2", body) == [
            "at config.password: must be given again: what is kept belongs to another server"
        ]
    assert kept(app)[1][2]["url"] == CALL["url"]
    assert messages(alice, "POST", SUBJECT, {"action": CALL["action"], "config": moved}) == [
        "at config.password: must be given: there is nothing kept that the mask could stand for"
    ]


@pytest.mark.parametrize(
    ("alias", "action", "config"),
    [
        ("add_to_collection", "add_subject_to_collection", {"collection_id": 5}),
        ("add_to_subject_set", "add_subject_to_set", {"subject_set_id": 7}),
        (
            "external_effect",
            "external",
            {"url": "https://example.org/hook", "reducer_key": "counts"},
        ),
    ],
)
def test_names_that_clients_use_are_known(
    alice: FlaskClient, alias: str, action: str, config: JSON
) -> None:
    added = alice.post(SUBJECT, json={"action": alias, "config": config}).get_json()
    assert (added["action"], added["config"]) == (action, config)


SUBJECT_EFFECTS = (
    "known: retire_subject, add_subject_to_set, add_subject_to_collection, external, "
    "external_with_basic_auth"
)


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (
            SUBJECT,
            {"action": "zzz"},
            f"action: 'zzz' is no effect of a subject rule; {SUBJECT_EFFECTS}",
        ),
        (
            SUBJECT,
            {"config": {}},
            f"action: None is no effect of a subject rule; {SUBJECT_EFFECTS}",
        ),
        (SUBJECT, {"action": 0}, f"action: 0 is no effect of a subject rule; {SUBJECT_EFFECTS}"),
        (SUBJECT, body_of(PROMOTE), "action: 'promote_user' is no effect of a subject rule"),
        (USER, body_of(ADD), "action: 'add_subject_to_set' is no effect of a user rule"),
        (USER, {"action": "promote_user"}, "workflow_id: must be given"),
        (SUBJECT, {"action": "retire_subject", "config": "x"}, "must be an object"),
        (SUBJECT, {"action": "retire_subject", "config": []}, "must be an object"),
        (SUBJECT, {"action": "retire_subject", "config": {"reason": "zzz"}}, "reason: must be one"),
        (SUBJECT, {"action": "retire_subject", "config": {"if": 1}}, "if: no such option"),
        (SUBJECT, {"action": "add_subject_to_set", "config": {}}, "subject_set_id: must be given"),
        (
            SUBJECT,
            {"action": "add_subject_to_set", "config": {"subject_set_id": [7]}},
            "subject_set_id: must be an id",
        ),
        (
            SUBJECT,
            {"action": "external", "config": {"url": "http://example.org", "reducer_key": "a"}},
            "url: must be an https URL",
        ),
    ],
)
def test_what_is_no_effect_is_told(
    app: Flask, alice: FlaskClient, path: str, body: JSON, says: str
) -> None:
    before = kept(app), kept(app, "user")
    (message,) = messages(alice, "POST", path, body)
    assert message.removeprefix("at config").lstrip(".: ").startswith(says)
    if "action" in body:
        assert messages(alice, "PUT", f"{path}/1", {"config": {}, **body}) == [message]
    assert (kept(app), kept(app, "user")) == before


UNREADABLE: list[bytes] = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"{}",
    b'{"subject_rule_effect": null}',
    b'{"action": "retire_subject", "config": {"reason": NaN}}',
    b'{"action": "retire_subject", "config": {"reason": "\\ud800"}}',
    b'{"config": ' + b"[" * 100_000,
]


def test_bodies_that_are_none_are_a_400(app: Flask, alice: FlaskClient) -> None:
    before = kept(app)
    for method, path in (("POST", SUBJECT), ("PUT", f"{SUBJECT}/1"), ("PATCH", f"{SUBJECT}/1")):
        for body in UNREADABLE:
            response = alice.open(path, method=method, data=body, content_type="application/json")
            assert response.status_code == 400, body[:80]
            assert response.get_json().items() >= {"status": 400, "error": "Bad Request"}.items()
        deep = b'{"action": "external", "config": ' + b'{"a":' * 200 + b"1" + b"}" * 201
        assert alice.open(path, method=method, data=deep).status_code in (400, 422)
        huge = b'{"action": "' + b"x" * (5 * 1024 * 1024) + b'"}'
        assert alice.open(path, method=method, data=huge).status_code == 413
    assert kept(app) == before


def test_b7_no_name_that_a_client_gives_is_looked_up(app: Flask, alice: FlaskClient) -> None:
    before = kept(app)
    names = ("Kernel", "__import__", "object", "SubjectRuleEffect", "os.system", "__class__")
    for name in names:
        for path in (
            f"/{name}/100/subject_rules/1/subject_rule_effects",
            f"/workflows/100/{name}_rules/1/{name}_rule_effects",
            f"/workflows/{name}",
        ):
            assert alice.get(path).status_code == 404
            assert alice.post(path, json={"action": "retire_subject"}).status_code in (404, 405)
        assert alice.get(f"/workflows/100/reducers/{name}/reductions?subject_id=1").json == []
        assert messages(alice, "POST", SUBJECT, {"action": name})
        body = {"action": "retire_subject", "exportable_type": name, "reducible_type": name}
        assert alice.put(f"{SUBJECT}/3", json=body).status_code == 404
        for member in ("extractors_config", "reducers_config"):
            document = {member: {"a": {"type": name, "reducible_type": name}}}
            form = {"document": str(document).replace("'", '"')}
            response = alice.post("/workflows/100/configuration", data=form)
            assert response.status_code == 422
            assert "unknown type" in response.text
    assert kept(app) == before


def test_while_panoptes_is_away_nothing_is_saved(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    before = kept(app)
    alice.get("/workflows")
    standin.fail("/api/subject_sets", status=503, times=-1)
    for method, path in (("POST", SUBJECT), ("PUT", f"{SUBJECT}/1")):
        response = alice.open(path, method=method, json=body_of({**ADD, "subject_set_id": 11}))
        assert response.status_code == 503
        assert response.get_json() == {"status": 503, "error": "Service Unavailable"}
    assert kept(app) == before


def test_the_trail_tells_of_every_change(app: Flask, alice: FlaskClient) -> None:
    alice.put(f"{SUBJECT}/2", json={"config": {**config_of(CALL), "username": "ann"}})
    alice.delete(f"{SUBJECT}/1")
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [(each.actor, each.action, each.workflow_id) for each in entries] == [
            ("alice", "changed the configuration", 100)
        ] * 2
        for each in entries:
            assert set(each.before or ()) == set(each.after or ()) == {"rules_config"}
            assert "s3cret" not in str((each.before, each.after))
