"""Failures by cause: as many are tried again or discarded as the button said, and the same ones."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select

from caesar_web.config import Config
from caesar_web.store import failure_statements
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification
from caesar_web.store.runs import Run
from tests.factories import START
from tests.jobs.ringing import work_off
from tests.pages import Element, visit
from tests.people import BROWSER, csrf_token, sign_in
from tests.served import three_projects
from tests.standin.server import StandinServer
from tests.web.acting import add_action
from tests.web.operating import administrator, buttons, press, set_aside, trail_of

FAILURES = "/operations/failures"
CLOSED = "the set {} is closed"


@pytest.fixture
def app(database_url: str, standin: StandinServer, redis_url: str) -> Iterator[Flask]:
    with three_projects(database_url, standin, redis_url=redis_url) as app:
        yield app


@pytest.fixture
def root(app: Flask) -> FlaskClient:
    return administrator(app)


def fail_actions(app: Flask, *subjects: int, workflow_id: int = 100) -> None:
    with app.app_context():
        for subject in subjects:
            message = CLOSED.format(subject)
            add_action(subject, status="failed", last_error=message, workflow_id=workflow_id)


def statuses(app: Flask) -> dict[int, str]:
    """The state of each action on a subject."""
    with app.app_context():
        rows = db.session.scalars(select(SubjectAction).order_by(SubjectAction.id))
        return {row.subject_id: row.status for row in rows}


def waiting(app: Flask) -> dict[int, bool]:
    """Of each classification, whether it waits."""
    with app.app_context():
        rows = db.session.scalars(select(Classification).order_by(Classification.id))
        return {row.id: row.failed_reason is None for row in rows}


def headings(page: Element) -> list[str]:
    return [each.text for each in page.all("h2")]


def rung(app: Flask) -> list[str]:
    """What was rung for."""
    config: Config = app.extensions["caesar_config"]
    with Redis.from_url(config.redis_url) as redis:
        return sorted(key.decode() for key in redis.scan_iter("caesar:ring:*"))


def test_nothing_has_failed(root: FlaskClient) -> None:
    assert "Nothing has failed that nobody has seen to." in visit(root, FAILURES).text


def test_the_same_cause_stands_together(app: Flask, root: FlaskClient) -> None:
    fail_actions(app, 1, 2, 3)
    fail_actions(app, 4, workflow_id=300)
    with app.app_context():
        add_action(5, status="failed", last_error="no such user", effect_type="retire_subject")
        add_action(user=6, status="failed")
    set_aside(app, 11, 12)
    page = visit(root, FAILURES)
    assert headings(page) == [
        "add subject to set: the set … is closed",
        "retire subject: no such user",
        "promote user: no message",
        "DataError: no …",
    ]
    assert "Retry these 4" in buttons(page)
    assert buttons(page).count("Discard this one") == 2
    assert "Actions on subjects: 4 actions" in page.text
    links = [each.attributes["href"] for each in page.all("a")]
    assert "/workflows/300/activity/subjects/4" in links
    assert "/workflows/100/subjects/11" in links


@pytest.mark.parametrize("verb", ["Retry", "Discard"])
def test_exactly_those_of_the_button_although_more_came(
    app: Flask, root: FlaskClient, verb: str
) -> None:
    fail_actions(app, 1, 2, 3)
    listed = visit(root, FAILURES)
    fail_actions(app, 4, 5)
    asked = press(root, listed, f"{verb} these 3")
    assert asked.all("h1")[0].text == f"{verb} 3 actions?"
    assert "By now it is" not in asked.text
    fail_actions(app, 6)
    press(root, asked, f"{verb} these 3", status=302)
    changed = "pending" if verb == "Retry" else "failed"
    assert statuses(app) == {
        1: changed,
        2: changed,
        3: changed,
        4: "failed",
        5: "failed",
        6: "failed",
    }
    page = visit(root, FAILURES)
    assert f"3 actions are {'tried again' if verb == 'Retry' else 'discarded'}." in page.text
    assert f"{verb} these 3" in buttons(page)  # the three that came
    assert "Actions on subjects: 3 actions" in page.text
    assert rung(app) == (["caesar:ring:actions:100"] if verb == "Retry" else [])
    action = "retried actions" if verb == "Retry" else "discarded failures of actions"
    cause = "3: add subject to set: the set … is closed"
    assert trail_of(app)[-1] == (action, cause, 100)


def test_what_was_seen_to_meanwhile_is_left(app: Flask, root: FlaskClient) -> None:
    fail_actions(app, 1, 2)
    asked = press(root, visit(root, FAILURES), "Retry these 2")
    with app.app_context(), db.session.begin():
        db.session.get_one(SubjectAction, 1).status = "completed"
    press(root, asked, "Retry these 2", status=302)
    assert statuses(app) == {1: "completed", 2: "pending"}
    assert "1 action is tried again. 1 had gone meanwhile" in visit(root, FAILURES).text


def test_the_number_that_has_changed_is_told(app: Flask, root: FlaskClient) -> None:
    set_aside(app, 5, 6, 7)
    listed = visit(root, FAILURES)
    with app.app_context(), db.session.begin():
        db.session.get_one(Classification, 6).failed_reason = None
    asked = press(root, listed, "Retry these 3")
    assert "The page had listed 3. By now it is 2." in asked.text
    assert buttons(asked) == ["Retry these 2"]


def test_the_trail_of_each_workflow_tells_its_own(app: Flask, root: FlaskClient) -> None:
    fail_actions(app, 1, 2)
    fail_actions(app, 3, workflow_id=300)
    asked = press(root, visit(root, FAILURES), "Retry these 3")
    press(root, asked, "Retry these 3", status=302)
    told = [(action, (about or "")[:2], id) for action, about, id in trail_of(app)]
    assert told == [("retried actions", "2:", 100), ("retried actions", "1:", 300)]
    assert rung(app) == ["caesar:ring:actions:100", "caesar:ring:actions:300"]


def test_classifications_wait_again_or_are_removed(app: Flask, root: FlaskClient) -> None:
    set_aside(app, 1, 2)
    set_aside(app, 3, reason="LookupError: other")
    asked = press(root, visit(root, FAILURES), "Retry these 2")
    set_aside(app, 4)
    press(root, asked, "Retry these 2", status=302)
    assert waiting(app) == {1: True, 2: True, 3: False, 4: False}
    assert rung(app) == ["caesar:ring:100:0"]
    page = visit(root, FAILURES)
    key = next(a.attributes["href"] for a in page.all("a") if a.text == "LookupError: other …")
    asked = press(root, visit(root, key), "Discard all 1 that match")
    press(root, asked, "Discard this one", status=302)
    assert waiting(app) == {1: True, 2: True, 4: False}
    assert [action for action, *_ in trail_of(app)] == [
        "retried classifications",
        "discarded classifications",
    ]


def add_run(app: Flask, identity: str) -> int:
    at = dict.fromkeys(("created_at", "updated_at", "not_before", "progressed_at"), START)
    with app.app_context(), db.session.begin():
        of = {"reducible_type": "Workflow", "reducible_id": 100, "options": {}}
        run = Run(
            kind="backfill",
            identity=identity,
            status="failed",
            last_error="Panoptes knows no workflow 100",
            finished_at=START,
            **of,
            **at,
        )
        db.session.add(run)
        db.session.flush()
        return run.id


def test_runs_go_on_or_are_left(app: Flask, root: FlaskClient) -> None:
    first = add_run(app, "a")
    asked = press(root, visit(root, FAILURES), "Retry this one")
    second = add_run(app, "b")
    press(root, asked, "Retry this one", status=302)
    assert rung(app) == [f"caesar:ring:run:{first}"]
    asked = press(root, visit(root, FAILURES), "Discard this one")
    press(root, asked, "Discard this one", status=302)
    with app.app_context():
        runs = {run.id: run.status for run in db.session.scalars(select(Run))}
    assert runs == {first: "waiting", second: "failed"}
    assert "Nothing has failed" in visit(root, FAILURES).text
    assert [(action, id) for action, _, id in trail_of(app)] == [
        ("let a run go on", 100),
        ("discarded the failure of a run", 100),
    ]


def test_jobs_that_failed(app: Flask, root: FlaskClient) -> None:
    config: Config = app.extensions["caesar_config"]
    with Redis.from_url(config.redis_url) as redis:
        queue = Queue("actions", connection=redis, serializer=JSONSerializer)
        for id in (1, 2):
            queue.enqueue_call("tests.jobs.test_failed_jobs.fail", (id,), failure_ttl=100)
        work_off(redis, "actions")
    page = visit(root, FAILURES)
    assert headings(page) == ["tests.jobs.test_failed_jobs.fail: LookupError"]
    asked = press(root, page, "Discard these 2")
    press(root, asked, "Discard these 2", status=302)
    assert trail_of(app)[-1][0] == "discarded jobs"
    assert "Nothing has failed" in visit(root, FAILURES).text


def test_those_on_the_page_and_all_that_match_are_told_apart(
    app: Flask, root: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caesar_web.web.failures.PAGE_SIZE", 2)
    fail_actions(app, 1, 2, 3, 4, 5)
    page = visit(root, FAILURES)
    (path,) = (a.attributes["href"] for a in page.all("a") if "is closed" in a.text)
    page = visit(root, f"{path}?from=2")
    assert [row.all("td")[0].text for row in page.all("tbody")[0].all("tr")] == [
        "subject 3 in Galaxies (100)",
        "subject 2 in Galaxies (100)",
    ]
    assert buttons(page) == [
        "Retry all 5 that match",
        "Discard all 5 that match",
        "Retry the 2 on this page",
        "Discard the 2 on this page",
    ]
    asked = press(root, page, "Retry the 2 on this page")
    press(root, asked, "Retry these 2", status=302)
    assert [id for id, status in statuses(app).items() if status == "pending"] == [2, 3]
    asked = press(root, visit(root, path), "Discard all 3 that match")
    press(root, asked, "Discard these 3", status=302)
    assert "is listed any more" in visit(root, path).text


def test_what_is_beyond_the_bound_is_told(
    app: Flask, root: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_actions(app, 1, 2, 3)
    rows = failure_statements.failed_actions
    monkeypatch.setattr(failure_statements, "MOST", 3)
    monkeypatch.setattr(
        failure_statements, "failed_actions", lambda session, kind: rows(session, kind, most=3)
    )
    assert "more than 3 failed" in visit(root, FAILURES).text


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"do": "nonsense"},
        {"do": "retry", "sure": "1"},
        {"do": "retry", "sure": "1", "ids": "x"},
        {"do": "retry", "sure": "1", "ids": f"{2**70}"},
        {"do": "retry", "sure": "1", "ids": "1", "what": "something", "cause": "else"},
    ],
)
def test_what_makes_no_sense_does_nothing(
    app: Flask, root: FlaskClient, sent: dict[str, str]
) -> None:
    fail_actions(app, 1)
    page = visit(root, FAILURES)
    (path,) = (a.attributes["href"] for a in page.all("a") if "is closed" in a.text)
    data = {**sent, "csrf_token": csrf_token(root)}
    assert root.post(path, data=data, headers=BROWSER).status_code == 400
    assert root.post(path, data=sent, headers=BROWSER).status_code == 400  # without the token
    assert statuses(app) == {1: "failed"}
    assert trail_of(app) == []


def test_nobody_else_gets_or_does_anything(app: Flask, root: FlaskClient) -> None:
    fail_actions(app, 1)
    page = visit(root, FAILURES)
    (path,) = (a.attributes["href"] for a in page.all("a") if "is closed" in a.text)
    for name in ("alice", "bob", "root"):  # of whom Root has not turned it on here
        client = app.test_client()
        sign_in(client, name)
        for address in (
            FAILURES,
            path,
            "/operations",
            "/operations/rejected",
            "/operations/queues",
        ):
            assert client.get(address, headers=BROWSER).status_code == 403
        data = {"do": "retry", "csrf_token": csrf_token(client)}
        assert client.post(path, data=data, headers=BROWSER).status_code == 403
        assert "Operations" not in visit(client, "/").text
    assert statuses(app) == {1: "failed"}


def test_hostile_text_is_only_text(app: Flask, root: FlaskClient) -> None:
    markup = "<script>alert(1)</script>"
    with app.app_context():
        add_action(1, status="failed", last_error=markup + "w" * 5_000)
    set_aside(app, 7, reason=markup)
    page = visit(root, FAILURES)
    assert markup in page.text
    for link in [a.attributes["href"] for a in page.all("a") if markup in a.text]:
        assert markup in visit(root, link).text
    for button in ("Retry this one", "Discard this one"):
        forms = [f for f in page.all("form") if button in [b.text for b in f.all("button")]]
        assert len(forms) == 2


def test_many_causes_are_not_too_heavy(app: Flask, root: FlaskClient) -> None:
    with app.app_context():
        for subject in range(1, 121):
            message = f"{'<&' * 90} {'m' * (subject // 2)}"
            add_action(subject, status="failed", last_error=message)
    page = visit(root, FAILURES)
    assert "36 more causes have fewer failures." in page.text
