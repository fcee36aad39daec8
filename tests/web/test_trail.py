"""The trail: who did what, before and after, from where, and who may read of it."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from caesar_web.domain.options import MASK
from caesar_web.store.activity import AuditEntry
from caesar_web.store.db import db
from tests.pages import visit
from tests.people import (
    ALICE,
    BOB,
    BROWSER,
    DAVE,
    ROOT,
    PassingTime,
    csrf_token,
    sign_in,
)
from tests.served import CALL, rules, script, send, three_projects
from tests.standin.server import StandinServer

ALICE_AT, PROXY = "203.0.113.9", "198.51.100.4"


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(
    new_database: Callable[[str], str], standin: StandinServer, clock: PassingTime
) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin, clock=clock) as app:
        yield app


def entries(app: Flask, **wanted: Any) -> list[AuditEntry]:
    with app.app_context():
        found = select(AuditEntry).filter_by(**wanted).order_by(AuditEntry.id)
        return list(db.session.scalars(found))


def said(app: Flask) -> list[tuple[str, str]]:
    """Who did what."""
    return [(each.actor, each.action) for each in entries(app)]


def from_address(app: Flask, address: str = ALICE_AT) -> FlaskClient:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def rows(client: FlaskClient, path: str) -> list[str]:
    """The texts of a trail's rows."""
    return [row.text for row in visit(client, path).all("tbody")[0].all("tr")]


def test_signing_in_and_out_is_told(app: Flask) -> None:
    client = from_address(app)
    sign_in(client, "alice")
    send_end = {"csrf_token": csrf_token(client)}
    client.post("/session/end", data=send_end, headers=BROWSER)
    first, last = entries(app)
    assert (first.actor, first.actor_id, first.action) == ("alice", ALICE, "signed in")
    assert (last.actor, last.actor_id, last.action) == ("alice", ALICE, "signed out")
    assert (first.address, last.address) == (ALICE_AT, ALICE_AT)
    assert (first.workflow_id, first.before, first.after) == (None, None, None)


def test_a_sign_in_that_failed_is_told(app: Flask) -> None:
    client = from_address(app)
    for headers in ({}, BROWSER):
        assert client.get("/auth/zooniverse/callback?state=x&code=y", headers=headers).status_code
    (entry,) = entries(app)
    assert (entry.actor, entry.action) == ("nobody", "refused: sign in")
    assert (entry.about, entry.times) == ("400 for GET /auth/zooniverse/callback", 2)
    sign_in(client, "alice")  # and somebody who is signed in and opens that page again
    assert client.get("/auth/zooniverse/callback").status_code == 400
    assert said(app)[-1] == ("alice", "refused: sign in")


def test_refusals_are_told(app: Flask, standin: StandinServer) -> None:
    bob = script(app, standin, BOB)
    bob.get("/workflows/100")
    bob.delete("/workflows/100/subject_rules/1/subject_rule_effects/1")
    bob.get("/workflows/999")
    bob.post("/workflows", json={"id": 100})
    bob.get("/trail")
    from_address(app).put("/workflows/100", json={"status": "halted"})
    found = [(each.actor, each.action, each.about, each.workflow_id) for each in entries(app)]
    effect = "/workflows/100/subject_rules/1/subject_rule_effects/1"
    assert found == [
        ("bob", "refused: see a workflow", "404 for GET /workflows/100", 100),
        ("bob", "refused: configure a workflow", f"404 for DELETE {effect}", 100),
        ("bob", "refused: see a workflow", "404 for GET /workflows/999", None),
        ("bob", "refused: add a workflow", "403 for POST /workflows", None),
        ("bob", "refused: read the whole trail", "403 for GET /trail", None),
        ("nobody", "refused: configure a workflow", "401 for PUT /workflows/100", 100),
    ]


def test_somebody_who_just_opens_a_page_is_no_refusal(app: Flask) -> None:
    assert app.test_client().get("/workflows/100", headers=BROWSER).status_code == 302
    assert entries(app) == []


def test_a_refusal_that_repeats_itself_is_counted(
    app: Flask, standin: StandinServer, clock: PassingTime
) -> None:
    bob, root = script(app, standin, BOB), script(app, standin, ROOT)
    for _ in range(5):
        bob.get("/workflows/100")
    (entry,) = entries(app)
    assert entry.times == 5
    assert "(5 times)" in rows(root, "/workflows/100/trail")[0]
    bob.environ_base["REMOTE_ADDR"] = ALICE_AT  # from elsewhere, it is another
    bob.get("/workflows/100")
    assert [each.times for each in entries(app)] == [5, 1]
    clock.ahead = timedelta(minutes=2)
    bob.get("/workflows/100")
    assert [each.times for each in entries(app)] == [5, 1, 1]


def test_a_long_path_is_cut(app: Flask, standin: StandinServer) -> None:
    script(app, standin, BOB).get(f"/workflows/100/reducers/{'x' * 5000}/reductions")
    (entry,) = entries(app)
    assert len(entry.about or "") == 300


def test_a_change_tells_what_it_was_before_and_after(app: Flask) -> None:
    client = from_address(app)
    sign_in(client, "alice")
    settings = {"status": "paused", "rules_applied": "all_matching_rules"}
    send(client, "/workflows/100/settings", **settings)
    (entry,) = entries(app, action="changed the configuration")
    assert (entry.actor, entry.actor_id, entry.workflow_id) == ("alice", ALICE, 100)
    assert (entry.before, entry.after) == ({"status": "active"}, {"status": "paused"})
    assert entry.address == ALICE_AT
    send(client, "/workflows/100/settings", **settings)  # changes nothing
    assert len(entries(app, action="changed the configuration")) == 1
    (row, *_) = rows(client, "/workflows/100/trail")
    assert "alice" in row
    assert '"status": "active"' in row
    assert '"status": "paused"' in row
    assert ALICE_AT in row


def test_adding_a_workflow_is_told(app: Flask, standin: StandinServer) -> None:
    script(app, standin, ALICE).post("/workflows", json={"id": 101})
    (entry,) = entries(app)
    assert (entry.actor, entry.action) == ("alice", "added the workflow")
    assert (entry.about, entry.workflow_id, entry.project_id) == ("What shape is it?", 101, 10)


def test_what_administrators_do_is_told_as_theirs(app: Flask, standin: StandinServer) -> None:
    client = app.test_client()
    sign_in(client, "root")
    for wanted in ("1", "0", "1"):
        client.post("/session/admin", data={"on": wanted, "csrf_token": csrf_token(client)})
    send(client, "/workflows/300/settings", status="halted", rules_applied="no_rules")
    assert said(app) == [
        ("root", "signed in"),
        ("root", "turned administrator on"),
        ("root (administrator)", "turned administrator off"),
        ("root", "turned administrator on"),
        ("root (administrator)", "changed the configuration"),
    ]
    script(app, standin, ROOT).put("/workflows/300", json={"status": "active"})
    assert said(app)[-1] == ("root (administrator)", "changed the configuration")


def test_nobody_else_turns_administrator_on(app: Flask) -> None:
    client = app.test_client()
    sign_in(client, "alice")
    client.post("/session/admin", data={"on": "1", "csrf_token": csrf_token(client)})
    assert said(app) == [("alice", "signed in")]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "192.0.2.1", PROXY),
        (1, "192.0.2.66, 192.0.2.1", "192.0.2.1"),
        (2, "192.0.2.66, 192.0.2.1, 192.0.2.2", "192.0.2.1"),
        (1, "", PROXY),
    ],
)
def test_the_address_is_what_trusted_proxies_say(
    new_database: Callable[[str], str],
    standin: StandinServer,
    proxies: int,
    forwarded: str,
    address: str,
) -> None:
    """Whatever a client writes before them does not count."""
    with three_projects(new_database("sqlite"), standin, trusted_proxies=proxies) as app:
        client = from_address(app, PROXY)
        client.put("/workflows/100", headers={"X-Forwarded-For": forwarded})
        assert [each.address for each in entries(app)] == [address]


def test_members_read_of_their_workflow_only(app: Flask, standin: StandinServer) -> None:
    dave, alice = script(app, standin, DAVE), script(app, standin, ALICE)
    bob, root = script(app, standin, BOB), script(app, standin, ROOT)
    dave.put("/workflows/300", json={"status": "paused"})
    alice.put("/workflows/100", json={"status": "halted"})
    bob.get("/workflows/100")
    alice.get("/workflows/999")
    (of_dave,) = rows(dave, "/workflows/300/trail")
    assert "dave" in of_dave
    refusal, change = rows(alice, "/workflows/100/trail")
    assert "refused: see a workflow" in refusal
    assert "halted" in change
    assert "Nothing has been written down here yet" in visit(alice, "/workflows/200/trail").text
    for client, path in ((alice, "/workflows/300/trail"), (bob, "/workflows/100/trail")):
        assert client.get(path).status_code == 404
    for client in (alice, dave, bob):
        assert (client.get("/trail").status_code, client.get("/trail").data) == (401, b"")
    everything = rows(root, "/trail")
    assert len(everything) == len(entries(app))
    assert any("workflow 300" in row for row in everything)


def test_the_trail_has_pages(app: Flask, standin: StandinServer) -> None:
    with app.app_context(), db.session.begin():
        for number in range(120):
            db.session.add(
                AuditEntry(
                    actor=f"visitor-{number}",
                    action="looked",
                    workflow_id=100 + 100 * (number % 2),
                    created_at=PassingTime()(),
                )
            )
    root = script(app, standin, ROOT)
    path, found, pages = "/trail", [], 0
    while path:
        page = visit(root, path)
        found += [row.all("td")[1].text for row in page.all("tbody")[0].all("tr")]
        older = [link for link in page.all("a") if link.text == "Older"]
        path = f"/trail{older[0].attributes['href']}" if older else ""
        pages += 1
    assert found == [f"visitor-{number}" for number in reversed(range(120))]
    assert pages == 3
    assert len(rows(root, "/workflows/100/trail")) == 50
    for before in ("x", "0", "-1", str(10**30), ""):
        assert rows(root, f"/trail?before={before}")[0].find("visitor-119") > 0
    assert "Nothing has been written down" in visit(root, "/trail?before=1").text


def test_b6_no_secret_is_in_the_trail(app: Flask, standin: StandinServer) -> None:
    client = from_address(app)
    sign_in(client, "alice")
    document = rules({**CALL, "password": "an0ther", "url": "https://ann:s3cret@example.org/"})
    send(client, "/workflows/100/configuration", document=json.dumps(document))
    path = "/workflows/100/subject_rules/1/subject_rule_effects"
    script(app, standin, BOB).post(f"{path}?password=an0ther", json=document)
    root = script(app, standin, ROOT)
    written = entries(app)
    assert MASK in str([each.after for each in written])
    shown = visit(root, "/trail").text
    for text in ("an0ther", "s3cret", standin.token(BOB)):
        assert text not in shown
        assert text not in str([vars(each) for each in written])


def test_what_people_write_is_only_text(app: Flask, standin: StandinServer) -> None:
    script(app, standin, BOB).get("/workflows/100/reducers/<script>alert(1)<|script>/reductions")
    page = visit(script(app, standin, ROOT), "/trail")
    assert page.all("script") == []
    assert "<script>alert(1)" in page.text
