"""Pages of workflows: mine and no others, adding one, its settings, its whole configuration."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from caesar_web.domain.options import MASK
from caesar_web.store.configuration import SubjectRuleEffect, Workflow
from caesar_web.store.db import db
from caesar_web.store.effects import opened
from tests.factories import JSON, SEALER
from tests.pages import Element, visit
from tests.people import csrf_token, sign_in
from tests.served import ADD, CALL, page_of, rules, send, three_projects
from tests.standin.server import StandinServer

CONFIGURATION = "/workflows/100/configuration"
NOTHING_TO_COPY = "There is no such workflow here, or it is not one of yours."
SECRET_NAME = "Minutes that nobody else may know of"


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context(), db.session.begin():
            private = {"name": SECRET_NAME, "project_name": SECRET_NAME}
            db.session.execute(update(Workflow).where(Workflow.id == 300).values(private))
        yield app


def signed_in(app: Flask, login: str) -> FlaskClient:
    client = app.test_client()
    sign_in(client, login)
    client.get("/session", headers={"Accept": "text/html"})  # shows what it has to say, once
    return client


@pytest.fixture
def alice(app: Flask) -> FlaskClient:
    return signed_in(app, "alice")


def column(app: Flask, workflow_id: int, name: str) -> Any:
    with app.app_context():
        return getattr(db.session.get_one(Workflow, workflow_id), name)


def typed(page: Element, name: str) -> str:
    """What stands in a field of the page's forms."""
    for field in page.all("input", "textarea"):
        if field.attributes.get("name") == name:
            text = "".join(field.texts).removeprefix("\n").removeprefix("\r\n")
            return text if field.tag == "textarea" else field.attributes.get("value", "")
    raise LookupError(name)


def problems(page: Element) -> list[str]:
    """What the summary at the top says is wrong; each leads to its field."""
    (summary,) = [each for each in page.all("div") if each.attributes.get("role") == "alert"]
    return [link.text for link in summary.all("a")]


def test_the_list_has_my_workflows(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, "/workflows")
    links = [
        link.attributes["href"] for each in page.all("tbody")[0].all("th") for link in each.all("a")
    ]
    assert links == ["/workflows/100", "/workflows/200"]
    assert "Galaxies" in page.text
    assert SECRET_NAME in visit(signed_in(app, "dave"), "/workflows").text


def test_an_empty_list_says_what_to_do(app: Flask) -> None:
    page = visit(signed_in(app, "bob"), "/workflows")
    assert page.all("table") == []
    assert "/workflows/new" in [link.attributes["href"] for link in page.all("a")]


def test_adding_a_workflow_by_its_id(app: Flask, alice: FlaskClient) -> None:
    response = send(alice, "/workflows/new", id=" 101 ")
    assert (response.status_code, response.location) == (302, "/workflows/101")
    page = visit(alice, "/workflows/101")
    assert "The workflow is added." in page.text
    assert "What shape is it?" in page.all("h1")[0].text
    assert send(alice, "/workflows/new", id="101").location == "/workflows/101"
    assert "This workflow is here already." in visit(alice, "/workflows/101").text


@pytest.mark.parametrize(
    ("id", "says"),
    [
        ("", "Give the id of a workflow."),
        ("lions", "This must be an id (a whole number)."),
        ("-1", "This must be an id (a positive number)."),
        (str(2**63), "This must be an id (a positive number)."),
        ("<b>", "This must be an id (a whole number)."),
        ("999", "There is no such workflow, or it belongs to a project in which you are neither"),
        ("300", "There is no such workflow, or it belongs to a project in which you are neither"),
    ],
)
def test_a_refused_id_stays_in_its_field(
    app: Flask, alice: FlaskClient, id: str, says: str
) -> None:
    response = send(alice, "/workflows/new", id=id)
    assert response.status_code == 422
    page = page_of(response)
    assert [each[: len(says)] for each in problems(page)] == [says]
    assert typed(page, "id") == id
    assert SECRET_NAME not in response.text


def test_settings_that_somebody_else_has_changed_meanwhile(app: Flask, alice: FlaskClient) -> None:
    path = "/workflows/100/settings"
    opened = typed(visit(alice, path), "expected")
    first = {"rules_applied": "first_matching_rule", "public_extracts": "y"}
    assert send(alice, path, **first, expected=opened).location == path

    mine = {"rules_applied": "no_rules", "public_reductions": "y", "status": "paused"}
    response = send(alice, path, **mine, expected=opened)
    assert response.status_code == 422
    page = page_of(response)
    assert problems(page) == [
        "Somebody else has changed these settings since you opened them. Save once more to put"
        " yours in the place of theirs.",
        "Rules applied: “The first: only the first rule that matches acts” is saved now.",
        "Anyone may read the extracts: it is ticked now.",
        "Anyone may read the reductions: it is not ticked now.",
    ]
    ticked = [one.attributes for one in page.all("input") if "checked" in one.attributes]
    assert [one["value"] for one in ticked] == ["no_rules", "y"]
    assert (column(app, 100, "status"), column(app, 100, "public_extracts")) == ("active", True)

    assert send(alice, path, **mine, expected=typed(page, "expected")).location == path
    assert column(app, 100, "rules_applied") == "no_rules"
    assert (column(app, 100, "status"), column(app, 100, "public_extracts")) == ("paused", False)


def test_settings_whose_queue_was_changed_meanwhile(app: Flask) -> None:
    path = "/workflows/100/settings"
    root = signed_in(app, "root")
    root.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(root)})
    opened = typed(visit(root, path), "expected")
    with app.app_context(), db.session.begin():
        db.session.get_one(Workflow, 100).custom_queue_name = "large"
    response = send(root, path, rules_applied="no_rules", queue="", expected=opened)
    assert response.status_code == 422
    assert problems(page_of(response))[-1] == "Queue: “large” is saved now."
    assert column(app, 100, "custom_queue_name") == "large"


def test_settings(app: Flask, alice: FlaskClient) -> None:
    path = "/workflows/100/settings"
    page = visit(alice, path)
    chosen = [
        each.attributes["value"] for each in page.all("input") if "checked" in each.attributes
    ]
    assert chosen == ["all_matching_rules"]
    sent = {"status": "paused", "rules_applied": "no_rules", "public_extracts": "y"}
    assert send(alice, path, **sent).location == path
    page = visit(alice, path)
    assert "The settings are saved." in page.text
    assert "This workflow is paused" in page.text
    assert [each.text for each in page.all("button")][-3:] == [
        "Resume",
        "Halt",
        "Freeze the effects",
    ]
    assert (column(app, 100, "status"), column(app, 100, "public_extracts")) == ("paused", True)
    send(alice, path, **sent)
    assert "The settings were so already." in visit(alice, path).text
    send(alice, path, rules_applied="all_matching_rules")  # which no button of the state sends
    assert (column(app, 100, "status"), column(app, 100, "public_extracts")) == ("paused", False)
    wrong = send(alice, path, **{**sent, "status": "asleep"})
    assert wrong.status_code == 422
    assert problems(page_of(wrong)) == ["Not a valid choice."]
    assert column(app, 100, "status") == "paused"


def test_the_configuration_is_edited_as_one_document(app: Flask, alice: FlaskClient) -> None:
    document = json.loads(typed(visit(alice, CONFIGURATION), "document"))
    assert document["rules_config"][0]["then"][1] == {**CALL, "password": MASK}
    document["extractors_config"] = {"survey": {"type": "survey"}}
    response = send(alice, CONFIGURATION, document=json.dumps(document))
    assert response.location == "/workflows/100"
    page = visit(alice, "/workflows/100")
    assert "The configuration is saved." in page.text
    assert "survey" in page.text
    with app.app_context():  # its mask, sent back, has kept the password
        assert opened(db.session.get_one(SubjectRuleEffect, 2), SEALER).secrets == {
            "password": "s3cret"
        }
    send(alice, CONFIGURATION, document=json.dumps(document))
    assert "The configuration was so already." in visit(alice, "/workflows/100").text


LIES = {"action": "lie"}
ELSEWHERE = {"status": "halted", **rules({**ADD, "subject_set_id": 8})}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "Give the configuration as JSON."),
        ("{", "This is not JSON: "),
        ("[]", "the document must be an object"),
        ('{"status": "asleep", "zzz": 1}', "at zzz: no such member; known: status, rules_applied"),
        (json.dumps(rules(LIES)), "at rules_config[0].then[0].action: 'lie' is no effect of"),
        (
            json.dumps(ELSEWHERE),
            "at rules_config[0].then[0].subject_set_id: subject set 8 belongs to a"
            " project that you may not change",
        ),
        ('{"status": NaN}', "status is not a finite number"),
        ('{"status": "\\ud800"}', "status holds half of a surrogate pair"),
        ('{"a":' * 300 + "1" + "}" * 300, ""),
        ("[" * 100_000, "This is not JSON: "),
        ("9" * 5000, "This is not JSON: "),
        ("</textarea><script>alert(1)</script>", "This is not JSON: "),
    ],
)
def test_what_is_wrong_is_told_and_what_was_typed_stays(
    app: Flask, alice: FlaskClient, document: str, says: str
) -> None:
    response = send(alice, CONFIGURATION, document=document)
    assert response.status_code == 422
    page = page_of(response)
    assert problems(page)[0].lower().startswith(says.lower())
    assert typed(page, "document") == document
    assert page.all("script") == []
    assert page.all("title")[0].text.startswith("Error: ")
    assert column(app, 100, "status") == "active"


def test_copying_from_another_workflow_of_mine(app: Flask, alice: FlaskClient) -> None:
    page = visit(alice, "/workflows/200/configuration?copy_from=100")
    copied = json.loads(typed(page, "document"))
    assert copied["rules_config"][0]["then"] == [ADD, {**CALL, "password": MASK}]
    assert "configuration of workflow 100" in page.text
    refused = send(alice, "/workflows/200/configuration", document=json.dumps(copied))
    assert refused.status_code == 422  # a password is no other workflow's
    assert "nothing kept that the mask could stand for" in problems(page_of(refused))[0]
    copied["rules_config"][0]["then"][1]["password"] = "an0ther"
    saved = send(alice, "/workflows/200/configuration", document=json.dumps(copied))
    assert saved.location == "/workflows/200"
    with app.app_context():
        newest = db.session.scalars(
            select(SubjectRuleEffect).order_by(SubjectRuleEffect.id.desc())
        ).first()
        assert newest is not None
        assert newest.saved_by == "alice"
        assert opened(newest, SEALER).secrets == {"password": "an0ther"}


def test_copying_from_nobody_and_from_somebody_else_is_the_same(
    app: Flask, alice: FlaskClient
) -> None:
    texts = []
    for id in ("300", "999"):
        page = visit(alice, f"{CONFIGURATION}?copy_from={id}", status=422)
        assert problems(page) == [NOTHING_TO_COPY]
        assert json.loads(typed(page, "document"))["rules_config"][0]["then"][0] == ADD
        assert typed(page, "copy_from") == id
        texts.append(page.text.replace(id, "ID"))
    assert texts[0] == texts[1]
    for id in ("lions", "-1", str(2**63)):
        page = visit(alice, f"{CONFIGURATION}?copy_from={id}", status=422)
        assert problems(page)[0].startswith("This must be an id")


def test_a_rule_copied_by_hand_points_into_no_other_project(app: Flask) -> None:
    """A document of Dave's, which Alice got hold of."""
    stolen = visit(signed_in(app, "dave"), "/workflows/300/configuration")
    alice = signed_in(app, "alice")
    response = send(alice, CONFIGURATION, document=typed(stolen, "document"))
    assert response.status_code == 422
    assert "belongs to a project that you may not change" in problems(page_of(response))[0]


def test_links_that_somebody_made_show_where_they_lead(app: Flask, alice: FlaskClient) -> None:
    addresses = {1: "https://example.org/hook?a=<b>", 2: "javascript:alert(1)"}
    with app.app_context(), db.session.begin():
        for id, url in addresses.items():
            effect = db.session.get_one(SubjectRuleEffect, id)
            effect.action, effect.config = "external", {"url": url, "reducer_key": "<script>"}
        named = {"name": "<img src=x onerror=alert(1)>"}
        db.session.execute(update(Workflow).where(Workflow.id == 100).values(named))
    page = visit(alice, "/workflows/100")
    (link,) = [each for each in page.all("a") if "example.org" in each.attributes["href"]]
    assert link.attributes["rel"] == "noopener noreferrer nofollow"
    assert link.attributes["href"] == "https://example.org/hook?a=%3Cb%3E"
    assert "javascript:alert(1)" in page.text
    assert not [each for each in page.all("a") if each.attributes["href"].startswith("javasc")]
    assert page.all("img") == []
    assert ["refresh.mjs" in each.attributes["src"] for each in page.all("script")] == [True]
    for path in ("/workflows", CONFIGURATION, "/workflows/100/settings", "/workflows/100/trail"):
        assert visit(alice, path).all("img") == []


@pytest.mark.parametrize("login", ["alice", "bob", "carol"])
def test_no_page_has_anything_of_another_project(
    app: Flask, standin: StandinServer, login: str
) -> None:
    """All that links lead to, from the list of workflows on."""
    client = signed_in(app, login)
    client.get("/workflows/300", headers={"Accept": "text/html"})
    send(
        signed_in(app, "dave"), "/workflows/300/settings", status="paused", rules_applied="no_rules"
    )
    seen: dict[str, str] = {}
    waiting = ["/workflows", "/workflows/new", "/session", "/"]
    while waiting:
        path = waiting.pop()
        page = visit(client, path)
        seen[path] = page.text
        for link in page.all("a"):
            target = urlsplit(link.attributes["href"])
            is_page = target.path.startswith("/") and not target.netloc
            if is_page and target.path not in (*seen, *waiting):
                waiting.append(target.path)
    assert ("/workflows/200/trail" in seen) is (login == "alice")
    for path, text in seen.items():
        assert SECRET_NAME not in text, path
        assert "300" not in text.split(), path
        assert "Dave" not in text, path
        assert not path.startswith("/workflows/300")


def test_a_page_that_is_not_mine_names_nothing(app: Flask, alice: FlaskClient) -> None:
    found = set()
    for id in (300, 999):
        for rest in ("", "/settings", "/configuration", "/trail"):
            page = visit(alice, f"/workflows/{id}{rest}", status=404)
            found.add(page.text)
    assert len(found) == 1
    assert SECRET_NAME not in found.pop()


def test_the_workflow_says_who_saved_its_effects(app: Flask, alice: FlaskClient) -> None:
    document: JSON = rules({"action": "retire_subject"})
    send(alice, CONFIGURATION, document=json.dumps(document))
    assert "saved by alice on" in visit(alice, "/workflows/100").text
