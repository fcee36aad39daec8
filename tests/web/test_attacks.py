"""What somebody tried who wanted in, or wanted others out, and what came of it."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import func, select

from caesar_web.domain.documents import RuleRow
from caesar_web.store import rules as store_rules
from caesar_web.store.activity import AuditEntry, Draft
from caesar_web.store.audit_statements import MOST_ALIKE
from caesar_web.store.db import db
from caesar_web.store.effects import AnyRule
from tests.people import ALICE, BOB, BROWSER, CSRF, csrf_token, sign_in
from tests.served import script, send, three_projects
from tests.standin.server import StandinServer

PAGE_BYTES = 200_000


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def number(app: Flask, table: Any) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize(
    "path",
    [
        "/workflows/100/extractors/%00/extracts?subject_id=1",
        "/workflows/100/reducers/%00/reductions?subject_id=1",
        "/workflows/100/subjects/1/reductions?reducer_key=%00",
    ],
)
def test_a_nul_in_an_address_is_a_400_for_everybody(
    database_url: str, standin: StandinServer, path: str
) -> None:
    with three_projects(database_url, standin) as app:
        clients = [script(app, standin, ALICE), script(app, standin, BOB), app.test_client()]
        assert [client.get(path).status_code for client in clients] == [400] * 3
        assert clients[0].get(path, headers=BROWSER).status_code == 400


def test_what_there_is_stays_hidden_while_panoptes_is_away(
    app: Flask, standin: StandinServer
) -> None:
    bob = script(app, standin, BOB)
    standin.fail("/projects", status=503, times=-1)
    assert [bob.get(f"/workflows/{id}").status_code for id in (100, 300, 999)] == [503] * 3
    standin.lift_faults()
    assert [bob.get(f"/workflows/{id}").status_code for id in (100, 300, 999)] == [404] * 3


def test_a_flood_of_refusals_does_not_fill_the_trail(app: Flask) -> None:
    nobody = app.test_client()
    for key in range(3 * MOST_ALIKE):
        nobody.get(f"/workflows/100/extractors/{key}/extracts")
    assert number(app, AuditEntry) == MOST_ALIKE + 1
    with app.app_context():
        entries = list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    assert [entry.times for entry in entries] == [1] * MOST_ALIKE + [2 * MOST_ALIKE]
    assert entries[0].about == "401 for GET /workflows/100/extractors/0/extracts"
    assert entries[-1].about is None


def test_the_cookie_of_an_ended_session_keeps_one_draft(app: Flask) -> None:
    client = app.test_client()
    sign_in(client, "bob")
    found = CSRF.search(client.get("/workflows/new", headers=BROWSER).text)
    cookie = client.get_cookie("caesar_session")
    assert found
    assert cookie
    client.post("/session/end", data={"csrf_token": found[1]}, headers=BROWSER)
    thief = app.test_client(use_cookies=False)
    headers = {**BROWSER, "Cookie": f"caesar_session={cookie.value}"}
    for id in ("1", "2", "3"):
        sent = {"csrf_token": found[1], "id": id}
        assert thief.post("/workflows/new", data=sent, headers=headers).status_code == 401
    assert number(app, Draft) == 1


def document(count: int, *, over: int) -> str:
    rows = [{"if": ["gt", ["const", at], ["const", over]], "then": []} for at in range(count)]
    return orjson.dumps({"rules_config": rows}).decode()


def test_many_rules_are_not_compared_with_all_others(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 2000 rules, each second save took minutes, in which SQLite let nobody else write."""
    client, is_equal = app.test_client(), store_rules._is_equal
    compared: list[RuleRow] = []

    def counted(rule: AnyRule, row: RuleRow, kept: Any) -> bool:
        compared.append(row)
        return is_equal(rule, row, kept)

    sign_in(client, "alice")
    monkeypatch.setattr(store_rules, "_is_equal", counted)
    for over in (1, 2, 2):
        answer = send(client, "/workflows/100/configuration", document=document(50, over=over))
        assert answer.status_code == 302
    assert 0 < len(compared) <= 200  # each with itself, both times that the plan is made


def test_long_changes_do_not_make_the_trail_unreadable(app: Flask) -> None:
    client = app.test_client()
    sign_in(client, "alice")
    for sign in "<>":
        key = sign * 199
        rows = [
            {"if": ["gt", ["lookup", f"{key}{at}", 0], ["const", 1]], "then": []}
            for at in range(100)
        ]
        text = orjson.dumps({"rules_config": rows}).decode()
        sent = {"csrf_token": csrf_token(client), "document": text}
        answer = client.post("/workflows/100/configuration", data=sent, headers=BROWSER)
        assert answer.status_code == 302
    page = client.get("/workflows/100/trail", headers=BROWSER)
    assert len(page.data) < PAGE_BYTES
