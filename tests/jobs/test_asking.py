"""Asking services for extracts and reductions: what they get, and what becomes of their answers."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from caesar_web.config import Config
from caesar_web.config_readers import new_key
from caesar_web.domain.hosts import host_of
from caesar_web.jobs import asking, queues, tasks
from caesar_web.jobs.means import call_by
from caesar_web.store import external_statements as statements
from caesar_web.store.activity import Exchange, ExternalWork, Light, SubjectAction
from caesar_web.store.configuration import Extractor, Reducer, Workflow
from caesar_web.store.db import db
from caesar_web.store.results import Extract, SubjectReduction
from caesar_web.store.runs import Run
from caesar_web.store.sealing import Sealer
from tests.conftest import plain_config
from tests.factories import make_event, make_workflow
from tests.people import application, at_panoptes
from tests.pipeline.running import begin, take_steps
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

ATTEMPTS = 2


@pytest.fixture
def config(database_url: str, standin: StandinServer) -> Config:
    config = plain_config(database_url=database_url, http_to_loopback=True)
    return at_panoptes(replace(config, action_attempts=ATTEMPTS), standin)


@pytest.fixture
def app(config: Config, standin: StandinServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """Retries are due when a test says so, however slow the machine is."""
    monkeypatch.setattr(asking, "retry_after", lambda *_: timedelta(hours=1))
    with application(config) as app, app.app_context():
        yield app


def configure(standin: StandinServer, **over: Any) -> None:
    """An extractor and a reducer of services, beside those of our own, and a rule over theirs."""
    document: dict[str, Any] = {
        "extractors_config": {
            "theirs": {"type": "external", "url": f"{standin.url}/hook/extract"},
            "ours": {"type": "survey"},
        },
        "reducers_config": {
            "sums": {"type": "stats"},
            "service": {
                "type": "external",
                "url": f"{standin.url}/hook/reduce",
                "filters": {"extractor_keys": ["theirs"]},
                **over,
            },
        },
        "rules_config": [
            {
                "if": ["gte", ["lookup", "service.score", 0], ["const", 3]],
                "then": [{"action": "retire_subject"}],
            }
        ],
    }
    with db.session.begin():
        make_workflow(db.session(), 100, **document)
    db.session.remove()
    standin.answer_hook("extract", json={"found": 1})
    standin.answer_hook("reduce", json={"score": 2})


def come_in(*ids: int, subject: int = 1) -> None:
    receive([make_event(id, subject=subject, user=id, choice="lion") for id in ids])
    process()


def ask() -> None:
    """Asks for all that is due, again where that makes more due."""
    for _ in range(3):
        asking.ask(queues.EXTERNAL)


def extracts() -> dict[tuple[int | None, str], Any]:
    rows = db.session.scalars(select(Extract).order_by(Extract.id)).all()
    found = {(row.classification_id, row.extractor_key): row.data for row in rows}
    db.session.remove()
    return found


def reductions() -> dict[str, Any]:
    rows = db.session.scalars(select(SubjectReduction).order_by(SubjectReduction.id)).all()
    found = {
        row.reducer_key if row.subgroup == "_default" else f"{row.reducer_key}[{row.subgroup}]": (
            row.data
        )
        for row in rows
    }
    db.session.remove()
    return found


def waiting() -> list[tuple[str, str, int, str | None]]:
    rows = db.session.scalars(select(ExternalWork).order_by(ExternalWork.id)).all()
    found = [(row.kind, row.status, row.attempts, row.last_error) for row in rows]
    db.session.remove()
    return found


def bodies(standin: StandinServer, name: str) -> list[Any]:
    return [json.loads(one["body"]) for one in standin.hooks() if one["name"] == name]


def let_retries_be_due() -> None:
    with db.session.begin():
        db.session.execute(update(ExternalWork).values(not_before=datetime.now(UTC)))
        hosts = update(Light).where(Light.kind == "host")
        db.session.execute(hosts.values(held_until=None, outcomes=""))
    db.session.remove()


def test_what_is_sent_and_what_is_saved(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(1, 2)
    assert extracts() == {(1, "ours"): {"lion": 1}, (2, "ours"): {"lion": 1}}
    assert reductions() == {"sums": {"lion": 2}}
    ask()
    assert extracts()[1, "theirs"] == {"found": 1}
    assert reductions() == {"sums": {"lion": 2, "found": 2}, "service": {"score": 2}}
    assert waiting() == []
    first, second = sorted(bodies(standin, "extract"), key=lambda one: one["id"])
    assert (first["id"], second["id"]) == (1, 2)
    assert set(first) == {
        *("id", "project_id", "workflow_id", "workflow_version", "subject_id", "user_id"),
        *("annotations", "metadata", "subject", "created_at", "updated_at", "gold_standard"),
    }
    sent = bodies(standin, "reduce")[-1]
    assert [(one["classification_id"], one["data"]) for one in sent] == [
        (1, {"found": 1}),
        (2, {"found": 1}),
    ]
    assert sent[0].items() >= {"relevant_reduction": None, "machine_data": False}.items()


def test_rules_are_checked_when_an_answer_is_there(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(1)
    ask()
    assert db.session.scalars(select(SubjectAction)).all() == []
    db.session.remove()
    standin.answer_hook("reduce", json={"score": 3})
    come_in(2)
    ask()
    decided = db.session.scalars(select(SubjectAction)).one()
    assert (decided.effect_type, decided.subject_id) == ("retire_subject", 1)
    db.session.remove()
    assert count(SubjectAction) == count_of_workflow("subject_actions_count") == 1
    assert count(Extract) == count_of_workflow("extracts_count")
    assert count(SubjectReduction) == count_of_workflow("subject_reductions_count")


def count(table: Any) -> int:
    found = len(db.session.scalars(select(table.id)).all())
    db.session.remove()
    return found


def count_of_workflow(name: str) -> int:
    found: int = db.session.scalar(select(getattr(Workflow, name)).filter_by(id=100)) or 0
    db.session.remove()
    return found


def test_services_are_asked_as_whom_and_signed(app: Flask, standin: StandinServer) -> None:
    url = f"{standin.url}/hook/reduce".replace("//", "//eve:pa55word@")
    configure(standin, url=url, secret="s3cret")
    come_in(1)
    ask()
    (request,) = (one for one in standin.hooks() if one["name"] == "reduce")
    expected = b64encode(b"eve:pa55word").decode()
    assert request["headers"]["Authorization"] == f"Basic {expected}"
    at, found = request["headers"]["X-Caesar-Signature"].removeprefix("t=").split(",v1=")
    signed = f"{at}.{request['body']}".encode()
    assert found == hmac.new(b"s3cret", signed, "sha256").hexdigest()
    (plain,) = (one for one in standin.hooks() if one["name"] == "extract")
    assert "X-Caesar-Signature" not in plain["headers"]
    everything = everything_kept()
    assert not [secret for secret in ("pa55word", "s3cret") if secret in everything]


@pytest.mark.parametrize(("sealed", "is_over"), [(None, True), ("of another key", False)])
def test_a_secret_that_is_lost_is_never_replaced_by_its_mask(
    app: Flask, standin: StandinServer, sealed: str | None, is_over: bool
) -> None:
    configure(standin, secret="s3cret")
    with db.session.begin():
        other = Sealer([new_key()]).seal({"secret": "s3cret"})
        db.session.execute(update(Reducer).values(secrets=sealed and other))
    db.session.remove()
    come_in(1)
    ask()
    assert bodies(standin, "reduce") == []
    (left,) = waiting()
    assert left[1] == ("failed" if is_over else "waiting")
    assert left[3] is not None


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ({"json": {"a": 1}, "status": 201}, {"a": 1}),
        ({"json": [1, 2], "status": 202}, [1, 2]),
        ({"json": None}, None),
        ({"json": "done"}, None),
        ({"text": "", "status": 200}, None),
        ({"text": "", "status": 204}, None),
        ({"text": '{"a": NaN, "b": [-Infinity, 1]}'}, {"a": None, "b": [None, 1]}),
    ],
)
def test_answers(app: Flask, standin: StandinServer, answer: Any, data: Any) -> None:
    configure(standin)
    standin.answer_hook("extract", **answer)
    come_in(1)
    ask()
    assert extracts().get((1, "theirs")) == data
    assert waiting() == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"json": 7}, "answered with 7, not an object or a list"),
        ({"text": "{", "status": 200}, "answered with what is not JSON"),
        ({"text": "[" * 100_000}, "answered with what is not JSON"),
        ({"json": {"a": "\0"}}, "answered with what cannot be kept"),
        ({"json": {}, "status": 203}, "answered with status 203"),
        ({"json": {}, "status": 404}, "answered with status 404"),
        ({"json": {}, "status": 302}, "redirects are not followed"),
    ],
)
def test_a_bad_answer_is_asked_for_again_and_then_told(
    app: Flask, standin: StandinServer, answer: Any, told: str
) -> None:
    configure(standin)
    standin.answer_hook("extract", **answer)
    come_in(1)
    ask()
    ((kind, status, attempts, error),) = waiting()
    assert (kind, status, attempts) == ("extractor", "waiting", 1)
    assert told in (error or "")
    let_retries_be_due()
    ask()
    ((_, status, _, _),) = waiting()
    assert status == "failed"
    light = db.session.scalars(select(Light).filter_by(kind="extractor")).one()
    assert (light.outcomes, told in (light.last_error or "")) == ("xx", True)
    db.session.remove()
    assert extracts() == {(1, "ours"): {"lion": 1}}, "the others' extracts are kept"
    standin.answer_hook("extract", json={"found": 1})
    retry("extractor")
    ask()
    assert extracts()[1, "theirs"] == {"found": 1}
    assert waiting() == []


def retry(kind: str) -> None:
    table = Extractor if kind == "extractor" else Reducer
    with tasks.transaction() as session:
        for id in session.scalars(select(table.id)):
            statements.retry(session, kind, id, now=datetime.now(UTC))


def test_a_changed_classification_is_asked_about_again(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(1)
    ask()
    standin.answer_hook("extract", json={"found": 5})
    later = datetime.now(UTC) + timedelta(hours=1)
    event = make_event(1, subject=1, user=1, choice="zebra")
    event["data"]["updated_at"] = later.isoformat()
    receive([event])
    process()
    assert extracts() == {(1, "ours"): {"zebra": 1}, (1, "theirs"): {"found": 1}}
    ask()
    assert extracts()[1, "theirs"] == {"found": 5}
    assert reductions()["sums"] == {"zebra": 1, "found": 5}
    assert count(Extract) == count_of_workflow("extracts_count")


def test_no_data_any_more_takes_the_extract_away(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(1)
    ask()
    standin.answer_hook("extract", json=None)
    standin.answer_hook("reduce", json={"score": 9})
    assert begin("reextract").run_id
    run_all()
    process()
    ask()
    assert extracts() == {(1, "ours"): {"lion": 1}}
    assert reductions() == {"sums": {"lion": 1}}, "what was made of it is stale"
    assert count(Extract) == count_of_workflow("extracts_count")


def run_all() -> None:
    for run_id in db.session.scalars(select(Run.id)).all():
        db.session.remove()
        take_steps(run_id)


def test_reducing_again_asks_again(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(1)
    ask()
    standin.answer_hook("reduce", json={"score": 7})
    begin("rereduce")
    run_all()
    ask()
    assert reductions()["service"] == {"score": 7}


def test_running_mode_sends_each_extract_once_with_the_store(
    app: Flask, standin: StandinServer
) -> None:
    configure(standin, reduction_mode="running_reduction")
    standin.answer_hook("reduce", json={"data": {"score": 1}, "store": {"seen": 1}})
    come_in(1)
    ask()
    standin.answer_hook("reduce", json={"score": 2, "_store": {"seen": 2}})
    come_in(2)
    ask()
    first, second = bodies(standin, "reduce")
    assert [one["classification_id"] for one in first["extracts"]] == [1]
    assert (first["store"], first["relevant_reductions"]) == ({}, [None])
    assert [one["classification_id"] for one in second["extracts"]] == [2]
    assert second["store"] == {"seen": 1}
    row = db.session.scalars(select(SubjectReduction).filter_by(reducer_key="service")).one()
    assert (row.data, row.store) == ({"score": 2}, {"seen": 2})
    db.session.remove()


def test_each_subgroup_is_asked_for(app: Flask, standin: StandinServer) -> None:
    configure(standin, grouping={"field_name": "ours.lion"}, filters={})
    come_in(1)
    ask()
    assert reductions()["service[1]"] == {"score": 2}


def test_a_dead_host_is_left_alone_and_others_are_not(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    with db.session.begin():
        db.session.execute(
            update(Extractor)
            .where(Extractor.key == "theirs")
            .values(config={"url": "http://localhost:1/extract"})
        )
        db.session.execute(update(Workflow).values(revision=Workflow.revision + 1))
    db.session.remove()
    come_in(*range(1, 13))
    ask()
    calls = db.session.scalars(select(Exchange)).all()
    assert 3 <= len(calls) <= 8, "it is called on and on"
    db.session.remove()
    assert reductions() == {"sums": {"lion": 12}}
    assert {attempts for _, _, attempts, _ in waiting()} <= {0, 1}
    light = db.session.scalars(select(Light).filter_by(kind="host", name="localhost:1")).one()
    assert light.held_until is not None
    db.session.remove()
    with db.session.begin():
        url = {"url": f"{standin.url}/hook/extract"}
        db.session.execute(update(ExternalWork).values(host=host_of(standin.url)))
        db.session.execute(update(Extractor).where(Extractor.key == "theirs").values(config=url))
        db.session.execute(update(Workflow).values(revision=Workflow.revision + 1))
    db.session.remove()
    let_retries_be_due()
    ask()
    assert reductions()["sums"] == {"lion": 12, "found": 12}
    assert waiting() == []


def test_what_is_paused_or_gone_is_not_asked(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(1)
    pause("paused")
    ask()
    assert standin.hooks() == []
    pause("active")
    ask()
    assert (1, "theirs") in extracts()
    come_in(2)
    with db.session.begin():
        for row in db.session.scalars(select(Extractor).filter_by(key="theirs")):
            db.session.delete(row)
    db.session.remove()
    tasks.sweep()
    assert waiting() == []


def pause(status: str) -> None:
    with db.session.begin():
        db.session.execute(update(Extractor).values(status=status))
        db.session.execute(update(Workflow).values(revision=Workflow.revision + 1))
    db.session.remove()


def meanwhile(app: Flask, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """Lets each call be made while somebody else changes what it is about."""
    known = call_by(queues.EXTERNAL)

    def call(part: Any, body: Any) -> Any:
        with app.app_context():  # of the thread in which it is made
            with db.session.begin():
                db.session.execute(update(ExternalWork).values(values))
            db.session.remove()
        return known(part, body)

    monkeypatch.setattr(asking, "call_by", lambda means: call)


def test_a_lease_that_ended_saves_nothing(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(standin)
    come_in(1)
    meanwhile(app, monkeypatch, not_before=datetime.now(UTC) + timedelta(hours=1))
    asking.ask(queues.EXTERNAL)
    assert (1, "theirs") not in extracts()
    assert [(kind, status) for kind, status, _, _ in waiting()] == [("extractor", "waiting")]


def test_what_was_wanted_anew_meanwhile_is_asked_for_again(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(standin)
    come_in(1)
    with monkeypatch.context() as patch:
        meanwhile(app, patch, version=7)
        asking.ask(queues.EXTERNAL)
        assert len(bodies(standin, "extract")) >= 2
    assert extracts()[1, "theirs"] == {"found": 1}
    ask()
    assert waiting() == []


def test_only_the_latest_calls_are_kept(app: Flask, standin: StandinServer) -> None:
    configure(standin)
    come_in(*range(1, 31))
    ask()
    kept = db.session.scalars(select(Exchange).filter_by(kind="extractor")).all()
    assert len(kept) == statements.EXCHANGES_KEPT
    assert {(one.status, one.error) for one in kept} == {(200, None)}
    assert json.loads(kept[0].received or "") == {"found": 1}
    db.session.remove()


def test_without_an_address_nobody_is_asked(app: Flask, standin: StandinServer) -> None:
    with db.session.begin():
        make_workflow(
            db.session(),
            100,
            extractors_config={"theirs": {"type": "external"}, "ours": {"type": "survey"}},
            reducers_config={"pushed": {"type": "external"}},
        )
    db.session.remove()
    come_in(1)
    assert waiting() == []
    assert extracts() == {(1, "ours"): {"lion": 1}}
