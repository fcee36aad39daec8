"""Metrics: who may read them, what they say, and that they say so where something is away."""

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
from prometheus_client.parser import text_string_to_metric_families as read_text
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from caesar_web.api import metrics
from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.core import ROOT
from caesar_web.jobs import queues
from caesar_web.store.configuration import Workflow
from caesar_web.store.db import db
from tests.api.test_probes import NOWHERE
from tests.conftest import plain_config
from tests.factories import make_event, make_workflow
from tests.people import BROWSER
from tests.pipeline.steps import process, receive
from tests.pipeline.test_statements import counted
from tests.web.acting import add_action

TOKEN = "the token of those who monitor"
LIONS: dict[str, Any] = {
    "extractors_config": {"survey": {"type": "survey"}},
    "reducers_config": {"counts": {"type": "stats"}},
    "rules_config": [
        {
            "if": ["gte", ["lookup", "counts.lion", 0], ["const", 1]],
            "then": [{"action": "retire_subject"}],
        }
    ],
}
DOCUMENT = ROOT / "docs" / "observing.md"
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}
Samples = dict[tuple[str, ...], float]

on_one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def config(database_url: str, redis_url: str, tmp_path: Path) -> Config:
    served = ((queues.CLASSIFICATIONS, 2), (queues.ACTIONS, 1), ("gold", 1))
    return plain_config(
        database_url=database_url, redis_url=redis_url, home=tmp_path, queues=served
    )


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    yield app.test_client()
    db.session.remove()


def samples(response: TestResponse) -> Samples:
    """The values by the name of the metric and its labels, in the order of their names."""
    assert response.status_code == 200, response.text
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(response.text)
        for sample in family.samples
    }


def scrape(client: FlaskClient) -> Samples:
    return samples(client.get("/metrics"))


# Who may


def with_token(app: Flask, config: Config, **over: Any) -> FlaskClient:
    app.extensions["caesar_config"] = replace(config, metrics_token=TOKEN, **over)
    return app.test_client()


def ask(client: FlaskClient, environ: dict[str, str], **headers: str) -> TestResponse:
    return client.get("/metrics", headers=headers, environ_base=environ)


@on_one_database
def test_the_token_opens_them_and_nothing_else_does(app: Flask, config: Config) -> None:
    client = with_token(app, config, trusted_proxies=1)
    assert ask(client, ELSEWHERE, Authorization=f"Bearer {TOKEN}").status_code == 200
    for wrong in ("Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN):
        refusal = ask(client, ELSEWHERE, Authorization=wrong)
        assert (refusal.status_code, refusal.data) == (401, b""), wrong
    assert ask(client, ELSEWHERE, Authorization="Bearer é").status_code == 401
    assert ask(client, {"REMOTE_ADDR": "127.0.0.1"}).status_code == 401


@on_one_database
def test_without_a_token_they_are_for_this_machine(client: FlaskClient) -> None:
    for here in ("127.0.0.1", "127.8.9.1", "::1"):
        assert ask(client, {"REMOTE_ADDR": here}).status_code == 200
    for elsewhere in ("192.0.2.1", "10.0.0.1", "", "nonsense"):
        refusal = ask(client, {"REMOTE_ADDR": elsewhere}, Authorization="Bearer ")
        unknown = client.get("/unknown")
        assert (refusal.status_code, refusal.data) == (404, unknown.data)


@on_one_database
def test_what_a_proxy_passes_on_does_not_come_from_this_machine(app: Flask, config: Config) -> None:
    client, here = app.test_client(), {"REMOTE_ADDR": "127.0.0.1"}
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert ask(client, here, **{header: "127.0.0.1"}).status_code == 404
    app.extensions["caesar_config"] = replace(config, trusted_proxies=1)
    assert ask(client, here).status_code == 404
    assert ask(client, here, **BROWSER).status_code == 404


# What they say


def test_a_new_installation(client: FlaskClient) -> None:
    found = scrape(client)
    assert found["caesar_database_up",] == found["caesar_redis_up",] == 1
    assert found["caesar_build_info", ""] == 1
    for queue in (queues.CLASSIFICATIONS, queues.ACTIONS, "gold"):
        assert found["caesar_waiting_classifications", "live", queue, "active"] == 0
        assert found["caesar_queue_jobs", queue] == found["caesar_queue_workers", queue] == 0
    for name in ("caesar_due_actions", "caesar_set_aside_classifications", "caesar_freezes"):
        assert found[name,] == 0


def test_a_busy_installation(client: FlaskClient, app: Flask, config: Config) -> None:
    app.extensions["caesar_config"] = replace(config, commit_id="abc123")
    with db.session.begin():
        make_workflow(db.session(), 100, **LIONS)
        make_workflow(db.session(), 101, **LIONS)
        one = update(Workflow).where(Workflow.id == 101)
        db.session.execute(one.values(custom_queue_name="gold", status="paused"))
    receive([make_event(1, choice="lion"), None])
    process()
    receive([make_event(id) for id in (2, 3)])
    receive([make_event(4, workflow=101)])
    add_action(7, status="failed")
    queues.ring_actions(config.redis_url, 100)
    found = scrape(client)
    assert found["caesar_build_info", "abc123"] == 1
    assert found["caesar_waiting_classifications", "live", "classifications", "active"] == 2
    assert found["caesar_waiting_classifications", "live", "gold", "paused"] == 1
    oldest = "caesar_waiting_classifications_oldest_seconds"
    assert 0 < found[oldest, "live", "classifications", "active"] < 60
    assert found["caesar_actions", "retire_subject", "pending"] == 1
    assert found["caesar_actions", "add_subject_to_set", "failed"] == 1
    assert found["caesar_latest_actions", "retire_subject", "pending"] == 1
    assert found["caesar_due_actions",] == 1
    assert 0 < found["caesar_due_actions_oldest_seconds",] < 60
    assert found["caesar_events_rejected_total",] == 1
    assert found["caesar_extracts_made_total",] == found["caesar_actions_decided_total",] == 1
    assert found["caesar_reductions_made_total",] == 1
    assert found["caesar_queue_jobs", "actions"] == 1
    assert 0 <= found["caesar_queue_oldest_job_seconds", "actions"] < 60


@on_one_database
def test_the_number_of_statements_is_fixed(client: FlaskClient) -> None:
    with counted() as statements:
        scrape(client)
    assert len([one for one in statements if "BEGIN" not in one]) == 7


@on_one_database
def test_they_come_as_open_metrics_where_that_is_wanted(client: FlaskClient) -> None:
    wanted = "application/openmetrics-text; version=1.0.0,text/plain;version=0.0.4;q=0.5"
    response = client.get("/metrics", headers={"Accept": wanted})
    assert response.content_type.startswith("application/openmetrics-text")
    families = read_open(response.text)  # type: ignore[no-untyped-call]  # it has no types
    names = {family.name for family in families}
    assert {"caesar_build", "caesar_extracts_made", "caesar_actions"} <= names


@on_one_database
def test_every_metric_is_told_of(client: FlaskClient) -> None:
    told = re.findall(r"^\| `(caesar_\w+)", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    given = re.findall(r"^# TYPE (\w+)", client.get("/metrics").text, re.MULTILINE)
    assert sorted(told) == sorted(given)


# What is away


@on_one_database
def test_redis_is_away(app: Flask, config: Config) -> None:
    app.extensions["caesar_config"] = replace(config, redis_url="unix:///nowhere/redis.sock")
    found = scrape(app.test_client())
    assert (found["caesar_database_up",], found["caesar_redis_up",]) == (1, 0)
    assert not [name for name, *_ in found if name.startswith("caesar_queue")]


@pytest.mark.parametrize("kind", NOWHERE)
def test_the_database_is_away(kind: str, redis_url: str) -> None:
    away = create_app(plain_config(database_url=NOWHERE[kind], redis_url=redis_url))
    found = scrape(away.test_client())
    assert (found["caesar_database_up",], found["caesar_redis_up",]) == (0, 1)
    assert found["caesar_queue_jobs", "classifications"] == 0
    assert not [name for name, *_ in found if "waiting" in name or "total" in name]


@on_postgresql
def test_the_database_hangs(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_SECONDS", 0.2)
    before = threading.active_count()
    with db.engine.connect() as other, other.begin():
        other.execute(text("LOCK TABLE workflows IN ACCESS EXCLUSIVE MODE"))
        for _ in range(3):
            assert scrape(client)["caesar_database_up",] == 0
        assert threading.active_count() <= before + 1
    _until(lambda: scrape(client)["caesar_database_up",] == 1)


def _until(check: Callable[[], bool]) -> None:
    for _ in range(200):
        if check():
            return
    pytest.fail("it never came back")
