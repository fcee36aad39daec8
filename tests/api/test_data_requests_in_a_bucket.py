"""Exports that are kept in a bucket: handed over, fetched from there by anybody, and removed."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from caesar_web.jobs import running, tasks
from caesar_web.storage.places import Bucket, StorageProblem
from caesar_web.store.db import db
from caesar_web.store.runs import DataRequest, Run
from tests.factories import JSON
from tests.people import ALICE, BROWSER, PassingTime
from tests.pipeline.exports import fill_extracts
from tests.pipeline.running import make_due, state, take_steps
from tests.served import script, three_projects
from tests.standin.server import StandinServer
from tests.storage.bucket import BUCKET, bucket_server, client, keys

HERE = "/workflows/100/data_requests"
ROWS = 500


@pytest.fixture
def server() -> Iterator[str]:
    with bucket_server() as url:
        yield url


@pytest.fixture
def app(
    server: str, new_database: Callable[[str], str], standin: StandinServer, tmp_path: Path
) -> Iterator[Flask]:
    over: JSON = {"home": tmp_path, "export_storage": f"s3://{BUCKET}/of-tests"}
    with three_projects(new_database("sqlite"), standin, **over) as app:
        with app.app_context():
            fill_extracts(ROWS)
        yield app


def test_handed_over_fetched_and_removed(
    app: Flask, server: str, standin: StandinServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alice = script(app, standin, ALICE)
    id = alice.post(HERE, json={"requested_data": "extracts"}).get_json()["id"]
    with app.app_context():
        take_steps(only_run(), works=False)
    assert keys() == [f"of-tests/{id}"]
    assert list((tmp_path / "exports").iterdir()) == []
    (done,) = alice.get(HERE).get_json()
    assert done["url"].startswith(f"{server}/{BUCKET}/of-tests/{id}?")
    answer = requests.get(done["url"], timeout=10)
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == ROWS
    page = alice.get(f"{HERE}/{id}/file", headers=BROWSER)
    assert page.status_code == 302
    assert "X-Amz-Expires=300&" in page.location
    clock = PassingTime()
    clock.ahead = timedelta(days=7, minutes=1)
    monkeypatch.setattr(tasks, "_now", clock)
    with app.app_context():
        tasks.sweep()
        tasks.sweep()
        assert db.session.scalars(select(DataRequest.file)).all() == [None]
    assert keys() == []
    assert alice.get(HERE).get_json()[0]["url"] is None


def test_a_bucket_that_is_away_is_tried_again(app: Flask, standin: StandinServer) -> None:
    script(app, standin, ALICE).post(HERE, json={"requested_data": "extracts"})
    client().delete_bucket(Bucket=BUCKET)
    with app.app_context():
        run_id = only_run()
        running.carry_on(run_id)
        run = state(run_id)
        assert (run.status, run.done) == ("running", ROWS)
        assert "NoSuchBucket" in (run.last_error or "")
        client().create_bucket(Bucket=BUCKET)
        make_due(run_id)
        assert take_steps(run_id, works=False) == "finished"
    assert len(keys()) == 1


def test_what_was_handed_over_by_a_step_that_was_undone_is_not_sent_again(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload may take longer than the lease: who takes the run over finds it done."""
    script(app, standin, ALICE).post(HERE, json={"requested_data": "extracts"})
    with app.app_context():
        run_id = only_run()
        take_steps(run_id, most=4, works=False)
        make_due(run_id)
        slow = running.claim(run_id)
        assert slow is not None
        with monkeypatch.context() as patch:
            patch.setattr("caesar_web.store.run_statements.record", lambda *_, **__: None)
            with pytest.raises(running.Taken):
                running.take_step(slow)
        db.session.remove()
        sent = client().list_objects_v2(Bucket=BUCKET)["Contents"][0]["LastModified"]
        make_due(run_id)
        assert take_steps(run_id, works=False) == "finished"
    assert client().list_objects_v2(Bucket=BUCKET)["Contents"][0]["LastModified"] == sent


def test_a_sweep_goes_on_where_the_bucket_is_away(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(app, standin, ALICE).post(HERE, json={"requested_data": "extracts"})
    with app.app_context():
        take_steps(only_run(), works=False)
        clock = PassingTime()
        clock.ahead = timedelta(days=8)
        monkeypatch.setattr(tasks, "_now", clock)
        for key in keys():
            client().delete_object(Bucket=BUCKET, Key=key)
        client().delete_bucket(Bucket=BUCKET)
        tasks.sweep()
        assert db.session.scalars(select(DataRequest.file)).one() is not None


def test_links_that_cannot_be_signed(
    app: Flask, standin: StandinServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = script(app, standin, ALICE)
    alice.post(HERE, json={"requested_data": "extracts"})
    with app.app_context():
        take_steps(only_run(), works=False)

    def refuse(*_: object, **__: object) -> None:
        raise StorageProblem("no credentials")

    monkeypatch.setattr(Bucket, "url", refuse)
    assert alice.get(HERE).status_code == 503


def only_run() -> int:
    (run_id,) = db.session.scalars(select(Run.id)).all()
    db.session.remove()
    return run_id
