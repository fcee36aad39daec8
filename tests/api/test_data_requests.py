"""Data requests over JSON: asking, seeing how far they are, and having the file; for whom."""

import csv
import gzip
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from caesar_web.jobs import tasks
from caesar_web.store.configuration import Project, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.runs import DataRequest, Run
from tests.factories import START
from tests.people import BOB, CAROL, DAVE, ROOT, PassingTime
from tests.pipeline.running import take_steps
from tests.served import script, three_projects
from tests.standin.server import StandinServer

HERE = "/workflows/100/data_requests"
OF_PROJECT = "/projects/10/data_requests"


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def app(
    database_url: str, standin: StandinServer, clock: PassingTime, tmp_path: Path
) -> Iterator[Flask]:
    with three_projects(database_url, standin, clock=clock, home=tmp_path) as app:
        with app.app_context():
            with db.session.begin():
                _fill()
            db.session.remove()
        yield app


def _fill() -> None:
    at = {"created_at": START, "updated_at": START}
    for workflow_id, project_id in ((100, 10), (300, 30)):
        extract = {"workflow_id": workflow_id, "project_id": project_id, "subject_id": 1}
        own = {"extractor_key": "survey", "classification_at": START, "data": {"LION": 1}}
        db.session.add(Extract(classification_id=workflow_id, user_id=5, **extract, **own, **at))
    for type, id in (("Workflow", 100), ("Project", 10)):
        reduction = {"reducible_type": type, "reducible_id": id, "reducer_key": "counts"}
        db.session.add(SubjectReduction(subject_id=1, data={"LION": 1}, **reduction, **at))
    db.session.add(Project(id=10, **at))


def ask(client: FlaskClient, kind: str = "extracts", path: str = HERE, **over: Any) -> Any:
    """The answer to somebody who asks for data."""
    return client.post(path, json={"requested_data": kind, **over})


def read(client: FlaskClient, path: str = HERE) -> Any:
    """The JSON of an answer."""
    return client.get(path).json


def fetch(app: Flask, url: str) -> TestResponse:
    """The file at a link, as somebody without any cookie or token has it."""
    return app.test_client(use_cookies=False).get(url, buffered=True)


def carry_out(app: Flask) -> None:
    """All that was asked for."""
    with app.app_context():
        for run_id in db.session.scalars(select(Run.id).where(Run.finished_at.is_(None))).all():
            db.session.remove()
            assert take_steps(run_id, works=False) == "finished"
        db.session.remove()


def switch(app: Flask, table: Any = Workflow, id: int = 100, **flags: bool) -> None:
    with app.app_context(), db.session.begin():
        db.session.execute(update(table).where(table.id == id).values(**flags))


def test_asked_for_carried_out_and_fetched_without_a_cookie(app: Flask, alice: FlaskClient) -> None:
    asked = ask(alice)
    assert asked.status_code == 201
    made = asked.json
    assert asked.headers["Location"] == f"http://localhost{HERE}/{made['id']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", made.pop("updated_at"))
    assert made == {
        "id": made["id"],
        "exportable_id": "100",
        "exportable_type": "Workflow",
        "user_id": None,
        "subgroup": None,
        "status": "pending",
        "requested_data": "extracts",
        "url": None,
    }
    carry_out(app)
    done = read(alice, f"{HERE}/{made['id']}")
    assert done["status"] == "complete"
    assert done["url"].startswith("http://localhost/exports/")
    answer = fetch(app, done["url"])
    assert answer.status_code == 200
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["classification_id"], row["data.LION"]) == ("100", "1")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    name = re.fullmatch(r"attachment; filename=(.*)", answer.headers["Content-Disposition"])
    assert name
    assert re.fullmatch(r"workflow-100-extracts-\d{4}-\d\d-\d\d\.csv", name[1])


def test_as_json_lines_and_compressed(app: Flask, alice: FlaskClient) -> None:
    ask(alice, format="jsonl", gzip=True)
    ask(alice, format="jsonl")
    carry_out(app)
    plain, packed = (fetch(app, one["url"]) for one in read(alice))
    assert packed.headers["Content-Type"] == "application/gzip"
    assert plain.headers["Content-Type"] == "application/x-ndjson"
    assert gzip.decompress(packed.data) == plain.data
    assert b'"data":{"LION":1}' in plain.data


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"requested_data": "user_reductions", "subgroup": "a", "user_id": 5}},
        {
            "json": {
                "data_request": {
                    "requested_data": "user_reductions",
                    "subgroup": "a",
                    "user_id": "5",
                }
            }
        },
        {"data": {"requested_data": "user_reductions", "subgroup": "a", "user_id": "5"}},
        {
            "data": {
                "data_request[requested_data]": "user_reductions",
                "data_request[subgroup]": "a",
                "data_request[user_id]": "5",
            }
        },
    ],
)
def test_bare_wrapped_and_as_a_form(alice: FlaskClient, body: dict[str, Any]) -> None:
    answer: Any = alice.post(f"{HERE}/", **body)
    assert answer.status_code == 201
    made = answer.json
    assert (made["requested_data"], made["subgroup"], made["user_id"]) == (
        "user_reductions",
        "a",
        5,
    )


def test_the_newest_first_and_filtered(app: Flask, alice: FlaskClient, clock: PassingTime) -> None:
    """B29 and B30: both filters work, and the same may be asked for again."""
    for minutes, (kind, subgroup) in enumerate(
        [("extracts", None), ("reductions", "a"), ("user_reductions", "a"), ("extracts", None)]
    ):
        clock.ahead = timedelta(minutes=minutes)
        assert ask(alice, kind, subgroup=subgroup).status_code == 201
    kinds = ["extracts", "user_reductions", "subject_reductions", "extracts"]

    def found(query: str = "") -> list[str]:
        return [one["requested_data"] for one in read(alice, f"{HERE}{query}")]

    assert found() == found("/") == found("?subgroup=&requested_data=") == kinds
    assert found("?requested_data=extracts") == ["extracts", "extracts"]
    assert found("?requested_data=reductions") == ["subject_reductions"]
    assert found("?subgroup=a") == kinds[1:3]
    assert found("?subgroup=b") == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"subgroup": "a"}, "requested_data can't be blank"),
        ({"requested_data": ""}, "requested_data can't be blank"),
        ({"requested_data": ["extracts"]}, "requested_data must be one of"),
        ({"requested_data": "subject_actions"}, "requested_data must be one of"),
        ({"requested_data": "extracts", "subgroup": "a"}, "subgroup must be empty: extracts"),
        ({"requested_data": "reductions", "user_id": 5}, "user_id must be empty: subject red"),
        ({"requested_data": "extracts", "user_id": "lion"}, "user_id must be an id"),
        ({"requested_data": "extracts", "format": "xlsx"}, "format must be one of: csv, jsonl"),
        ({"requested_data": "extracts", "from": "soon"}, "from must be a day or a moment"),
        ({"requested_data": "extracts", "to": "9999-12-31"}, "to must be a day or a moment"),
    ],
)
def test_what_cannot_be_asked_for(alice: FlaskClient, body: dict[str, Any], message: str) -> None:
    answer: Any = alice.post(HERE, json=body)
    assert answer.status_code == 422
    assert [one["message"].startswith(message) for one in answer.json["errors"]] == [True]
    assert read(alice) == []


def test_bodies_that_are_none(alice: FlaskClient) -> None:
    for body in (b"", b"{", b"[]", b"{}"):
        answer = alice.post(HERE, data=body, content_type="application/json")
        assert answer.status_code == 400


@pytest.mark.parametrize("id", ["00000000-0000-0000-0000-000000000000", "lion", "1"])
def test_unknown_requests(alice: FlaskClient, id: str) -> None:
    answer = alice.get(f"{HERE}/{id}")
    assert answer.status_code == 404
    assert answer.json == {"error": f"Couldn't find DataRequest with 'id'={id}"}


@pytest.mark.parametrize("path", ["/workflows/999/data_requests", "/projects/999/data_requests"])
def test_unknown_places(alice: FlaskClient, app: Flask, path: str) -> None:
    for client, status in ((alice, 404), (app.test_client(), 401)):
        for answer in (client.get(path), ask(client, path=path)):
            assert (answer.status_code, answer.data) == (status, b"")


def test_of_a_project(app: Flask, alice: FlaskClient) -> None:
    for kind in ("extracts", "reductions"):
        answer = ask(alice, kind, OF_PROJECT)
        assert answer.status_code == 201
        assert answer.headers["Location"] == f"http://localhost{OF_PROJECT}/{answer.json['id']}"
    assert ask(alice).status_code == 201
    carry_out(app)
    listed = read(alice, OF_PROJECT)
    assert {(one["exportable_type"], one["exportable_id"]) for one in listed} == {("Project", "10")}
    assert len(listed) == 2
    reductions, extracts = (fetch(app, one["url"]).text for one in listed)
    assert next(csv.DictReader(io.StringIO(reductions)))["reducible_type"] == "Project"
    assert [row["workflow_id"] for row in csv.DictReader(io.StringIO(extracts))] == ["100"]
    assert alice.get(f"{HERE}/{listed[0]['id']}").status_code == 404
    assert alice.get(f"/projects/20/data_requests/{listed[0]['id']}").status_code == 404


def test_no_request_of_another_project_is_found(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    dave = script(app, standin, DAVE)
    made = ask(dave, path="/workflows/300/data_requests").json
    for path in (HERE, OF_PROJECT, "/workflows/200/data_requests", "/workflows/300/data_requests"):
        for client in (alice, script(app, standin, CAROL)):
            answer = client.get(f"{path}/{made['id']}")
            assert answer.status_code == 404
            assert client.post(f"{path}/{made['id']}", data={"do": "cancel"}).status_code == 404
            assert client.get(f"{path}/{made['id']}/file").status_code == 404
    assert script(app, standin, ROOT).get(f"/workflows/300/data_requests/{made['id']}").json == made


def test_what_is_public_anybody_who_is_signed_in_may_have(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    bob = script(app, standin, BOB)
    assert ask(bob).status_code == 404
    ask(alice)  # before it was public
    switch(app, public_extracts=True)
    assert app.test_client().get(HERE).status_code == 401
    assert read(bob) == []
    made = ask(bob)
    assert made.status_code == 201
    ask(alice)
    ask(alice, "reductions")
    answer = ask(bob, "reductions")
    assert (answer.status_code, answer.data) == (401, b"")
    assert [one["requested_data"] for one in read(bob)] == ["extracts", "extracts"]
    assert len(read(alice)) == 4
    switch(app, public_extracts=False, public_reductions=True)
    assert read(bob) == []
    assert bob.get(f"{HERE}/{made.json['id']}").status_code == 404


def test_public_reductions_of_a_project(
    app: Flask, alice: FlaskClient, standin: StandinServer
) -> None:
    bob = script(app, standin, BOB)
    assert ask(bob, "reductions", OF_PROJECT).status_code == 404
    switch(app, Project, 10, public_reductions=True)
    assert ask(bob, "reductions", OF_PROJECT).status_code == 201
    assert ask(bob, "extracts", OF_PROJECT).status_code == 401
    assert app.test_client().get(OF_PROJECT).status_code == 401


def test_who_may_stop_it(app: Flask, alice: FlaskClient, standin: StandinServer) -> None:
    switch(app, public_extracts=True)
    bob = script(app, standin, BOB)
    theirs, own = ask(alice).json["id"], ask(bob).json["id"]
    assert bob.post(f"{HERE}/{theirs}", data={"do": "cancel"}).status_code == 401
    assert bob.post(f"{HERE}/{own}", data={"do": "cancel"}).status_code == 302
    assert read(alice, f"{HERE}/{own}")["status"] == "canceled"
    assert bob.post(f"{HERE}/{own}", data={"do": "nothing"}).status_code == 400


def test_each_state_has_a_word(app: Flask, alice: FlaskClient) -> None:
    id = ask(alice).json["id"]
    words = {"running": "processing", "stopping": "canceling", "failed": "failed"}
    for status, word in words.items():
        with app.app_context(), db.session.begin():
            db.session.execute(update(Run).values(status=status))
        assert read(alice, f"{HERE}/{id}")["status"] == word


def test_too_many_at_once(alice: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caesar_web.pipeline.exporting.MOST_UNFINISHED", 1)
    assert ask(alice).status_code == 201
    answer = ask(alice)
    assert answer.status_code == 429
    assert "under way" in answer.json["errors"][0]["message"]


# The link


def link(app: Flask, client: FlaskClient) -> str:
    ask(client)
    carry_out(app)
    url: str = read(client)[0]["url"]
    return url


def test_a_link_opens_its_file_and_no_other(app: Flask, alice: FlaskClient) -> None:
    first, second = link(app, alice), link(app, alice)
    assert first != second
    payload, signature = first.rsplit(".", 1)
    other, _ = second.rsplit(".", 1)
    for forged in (f"{other}.{signature}", payload, f"{payload}.", f"{first}x", "/exports/x.y"):
        assert fetch(app, forged).status_code == 404
    assert fetch(app, first).status_code == 200


def test_files_are_kept_for_a_week_and_then_removed(
    app: Flask, alice: FlaskClient, clock: PassingTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = link(app, alice)
    with app.app_context():
        path = tasks.storage().path(db.session.scalars(select(DataRequest.file)).one() or "")
        db.session.remove()
    assert path is not None
    monkeypatch.setattr(tasks, "_now", clock)
    clock.ahead = timedelta(days=6, hours=23)
    sweep_twice(app)
    assert fetch(app, url).status_code == 200
    clock.ahead = timedelta(days=7, minutes=1)
    assert fetch(app, url).status_code == 404
    assert path.exists()
    sweep_twice(app)
    assert not path.exists()
    clock.ahead = timedelta(0)
    (kept,) = read(alice)
    assert (kept["status"], kept["url"]) == ("complete", None)
    assert alice.get(f"{HERE}/{kept['id']}/file").status_code == 404


def test_what_has_expired_has_no_url_before_it_is_removed(app: Flask, alice: FlaskClient) -> None:
    link(app, alice)
    with app.app_context(), db.session.begin():
        db.session.execute(update(DataRequest).values(expires_at=START))
    (kept,) = read(alice)
    assert (kept["status"], kept["url"]) == ("complete", None)
    assert alice.get(f"{HERE}/{kept['id']}/file").status_code == 404


def sweep_twice(app: Flask) -> None:
    """As two schedulers do."""
    with app.app_context():
        tasks.sweep()
        tasks.sweep()
