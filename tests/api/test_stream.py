"""The ingest route: who may post, what is refused as a whole, and that each event stands alone."""

import base64
import io
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from caesar_web.api.stream import MOST_BYTES, MOST_EVENTS
from caesar_web.app import create_app
from caesar_web.config import Config
from caesar_web.jobs import queues
from caesar_web.standin.forwarding import forwarder
from caesar_web.store.db import db
from caesar_web.store.inbox import Classification, RejectedEvent, Subject
from caesar_web.store.results import Extract, SubjectReduction
from tests.factories import make_event, make_workflow
from tests.pages import in_thread, under_gunicorn
from tests.pipeline.steps import process
from tests.services import RedisServer

EXAMPLE = Path(__file__).parents[1] / "golden" / "kinesis_example.json"
WORKFLOW: dict[str, Any] = {"extractors_config": {"species": {"type": "survey"}}}

on_one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with db.session.begin():
        make_workflow(db.session(), **WORKFLOW)
    db.session.remove()
    yield app.test_client()
    db.session.remove()


def basic(username: str, password: str) -> dict[str, str]:
    pair = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


RIGHT = basic("kinesis", "the secret of the stream")


def post(client: FlaskClient, body: Any, headers: dict[str, str] | None = None) -> TestResponse:
    data = body if isinstance(body, bytes) else json.dumps(body)
    wanted = RIGHT if headers is None else headers
    return client.post("/kinesis", data=data, headers=wanted, content_type="application/json")


def kept(table: Any = Classification) -> list[int]:
    ids = list(db.session.scalars(select(table.id).order_by(table.id)))
    db.session.remove()
    return ids


def reasons() -> list[str]:
    found = db.session.scalars(select(RejectedEvent.reason).order_by(RejectedEvent.id))
    texts = list(found)
    db.session.remove()
    return texts


def message(response: TestResponse) -> str:
    assert response.content_type == "application/json; charset=utf-8"
    ((only,),) = [response.get_json()["errors"]]
    text: str = only["message"]
    return text


@on_one_database
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer eyJhbGciOiJSUzUxMiJ9.e30.c2ln"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic not base64!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"kinesis").decode()},
        basic("kinesis", "wrong"),
        basic("wrong", "the secret of the stream"),
        basic("kinesis", ""),
        basic("", ""),
        basic("Kinesis", "the secret of the stream"),
        basic("kinesis", "the secret of the stream "),
    ],
)
def test_b1_nobody_else_may_post(client: FlaskClient, headers: dict[str, str]) -> None:
    response = post(client, {"payload": [make_event(1)]}, headers)
    assert (response.status_code, response.data) == (401, b"")
    assert kept() == []


@on_one_database
@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_forwarder_may(client: FlaskClient, scheme: str) -> None:
    headers = {"Authorization": RIGHT["Authorization"].replace("Basic", scheme)}
    response = post(client, {"payload": [make_event(1)]}, headers)
    assert (response.status_code, response.data) == (204, b"")
    assert kept() == [1]


@on_one_database
def test_credentials_may_have_any_characters(config: Config) -> None:
    name, secret = "кинезис", "pässword: with 🦁"
    app = create_app(replace(config, stream_username=name, stream_password=secret))
    with app.app_context():
        assert post(app.test_client(), {"payload": []}, basic(name, secret)).status_code == 204
        assert post(app.test_client(), {"payload": []}, basic(name, "pass")).status_code == 401
        db.engine.dispose()


@on_one_database
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body is not JSON"),
        (b'{"payload": [', "the body is not JSON"),
        (b'{"payload": ["\xff"]}', "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "must be an object"),
        (b"null", "must be an object"),
        (b'"payload"', "must be an object"),
        (b"5", "must be an object"),
        (b"{}", "must be an object"),
        (b'{"payload": null}', "payload must be a list"),
        (b'{"payload": {"0": {}}}', "payload must be a list"),
        (b'{"payload": "text"}', "payload must be a list"),
    ],
)
def test_a_body_that_is_no_list_of_events_is_refused(
    client: FlaskClient, body: bytes, says: str
) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert says in message(response)


@on_one_database
def test_too_many_events_are_refused(client: FlaskClient) -> None:
    response = post(client, {"payload": [{}] * (MOST_EVENTS + 1)})
    assert response.status_code == 413
    assert "10000 events, not 10001" in message(response)
    assert reasons() == []


@on_one_database
def test_as_many_events_as_may_be_are_taken(client: FlaskClient) -> None:
    assert post(client, {"payload": [{"source": "talk"}] * MOST_EVENTS}).status_code == 204


@on_one_database
def test_a_long_body_is_refused(client: FlaskClient) -> None:
    response = post(client, b'{"payload": ["' + b"x" * MOST_BYTES + b'"]}')
    assert response.status_code == 413
    assert f"{MOST_BYTES} bytes" in message(response)


@on_one_database
def test_a_body_of_the_longest_length_is_taken(client: FlaskClient) -> None:
    body = b'{"payload": []}'
    assert post(client, body + b" " * (MOST_BYTES - len(body))).status_code == 204


@on_one_database
def test_a_long_body_that_does_not_tell_its_length_is_refused(client: FlaskClient) -> None:
    def send(size: int) -> tuple[str, bytes]:
        body = b'{"payload": []}'.ljust(size)
        environ = EnvironBuilder(
            path="/kinesis", method="POST", headers=[*RIGHT.items()]
        ).get_environ()
        environ |= {"wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}
        environ |= {"HTTP_TRANSFER_ENCODING": "chunked"}
        environ.pop("CONTENT_LENGTH", None)
        answer, status, _ = run_wsgi_app(client.application, environ)
        return status, b"".join(answer)

    assert send(MOST_BYTES) == ("204 NO CONTENT", b"")
    status, answer = send(MOST_BYTES + 1)
    assert status == "413 REQUEST ENTITY TOO LARGE"
    assert f"{MOST_BYTES} bytes".encode() in answer


def test_the_event_of_the_real_stream_is_taken_and_processed(app: Flask) -> None:
    with db.session.begin():
        make_workflow(
            db.session(),
            338,
            project_id=593,
            extractors_config={
                "species": {"type": "survey"},
                "camera": {
                    "type": "pluck_field",
                    "field_map": {"name": "$.subject.metadata.camera"},
                },
            },
            reducers_config={"counts": {"type": "stats", "filters": {"extractor_keys": "species"}}},
        )
    db.session.remove()
    assert post(app.test_client(), EXAMPLE.read_bytes()).status_code == 204
    assert process(338) == 1
    extracts = db.session.scalars(select(Extract).order_by(Extract.extractor_key)).all()
    assert [(one.extractor_key, one.data) for one in extracts] == [
        ("camera", {"name": "D73"}),
        ("species", {"VHCL": 1}),
    ]
    assert {(one.classification_id, one.subject_id, one.user_id) for one in extracts} == {
        (15563067, 802881, 1234)
    }
    assert extracts[0].workflow_version == "1045.89"
    (reduction,) = db.session.scalars(select(SubjectReduction)).all()
    assert (reduction.reducer_key, reduction.data) == ("counts", {"VHCL": 1})
    db.session.remove()


def told(number: int, **data: Any) -> dict[str, Any]:
    """An event with other members of its data, its id among them."""
    event = make_event(number)
    event["data"] |= data
    return event


def odd(id: int, value: str) -> str:
    """An event in whose annotations stands a piece of JSON text, such as orjson cannot read."""
    event = make_event(id, annotations=[{"task": "T0", "value": "VALUE"}])
    return json.dumps(event).replace('"VALUE"', value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "is not a finite number"),
        ("-Infinity", "is not a finite number"),
        ("1e999", "is not a finite number"),
        ("9" * 400, "is too large a number"),
        ("9" * 5000, "is not a finite number"),
        (r'"a\u0000b"', "holds a NUL character"),
        (r'"\ud800"', "holds half of a surrogate pair"),
        ("[" * 150 + "]" * 150, "is nested more than 100 deep"),
        ("[" * 700 + "]" * 700, "is nested more than 100 deep"),
    ],
)
def test_an_odd_value_leaves_the_other_events(client: FlaskClient, value: str, reason: str) -> None:
    events = [odd(1, '"fine"'), odd(2, value), odd(3, "12345678901234567890123")]
    response = post(client, f'{{"payload": [{",".join(events)}]}}'.encode())
    assert response.status_code == 204
    assert kept() == [1, 3]
    (given,) = reasons()
    assert reason in given


def test_odd_values_elsewhere_leave_the_other_events(client: FlaskClient) -> None:
    def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
        return {name: value for name, value in event.items() if name not in names}

    bad: list[Any] = [
        None,
        5,
        "text",
        [],
        {"source": "panoptes", "type": "classification"},
        told(11, id="0"),
        told(11, id="99999999999999999999"),
        told(11, id=1.5),
        told(11, id="¹²"),
        told(11, created_at="yesterday"),
        make_event(11, created_at=None),
        make_event(11, links={"workflow": "100", "project": "10", "subjects": []}),
        make_event(11, links={"workflow": "100", "project": "10"}),
        make_event(11, links={"workflow": "100", "project": "77", "subjects": ["1"]}),
        make_event(11, links={"workflow": None}),
        make_event(11, links="text"),
        make_event(11, metadata=[1]),
        make_event(11, metadata={"a\0b": 1}),
        make_event(11, subject_metadata={"text": "\udfff"}),
        {**make_event(11), "linked": {"subjects": [{"metadata": {}}]}},
        {**make_event(11), "linked": "text"},
    ]
    other = [{"source": "talk"}, {}, {**make_event(11), "type": "comment"}]
    good = [make_event(1), without(make_event(2), "linked"), make_event(3, workflow_version=None)]
    events = [event for pair in zip([*good, *other], bad, strict=False) for event in pair]
    events += bad[len(events) // 2 :]
    assert post(client, {"payload": events}).status_code == 204
    assert kept() == [1, 2, 3]
    assert len(reasons()) == len(bad)


def test_an_address_is_never_kept(client: FlaskClient) -> None:
    bad = make_event(2, created_at="never")
    post(client, {"payload": [make_event(1, metadata={"user_ip": "203.0.113.7"}), bad]})
    for table in ("classifications", "subjects", "rejected_events"):
        rows = db.session.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608  # our names
        assert rows
        assert "203.0.113.7" not in str(rows)
    db.session.remove()


def test_what_came_in_is_rung_for(
    client: FlaskClient, app: Flask, redis_of_session: RedisServer
) -> None:
    redis_url = redis_of_session.url
    queues.connection(redis_url).flushall()
    app.extensions["caesar_config"] = replace(app.extensions["caesar_config"], redis_url=redis_url)
    assert post(client, {"payload": [make_event(1)]}).status_code == 204
    assert queues.sizes(redis_url, [queues.CLASSIFICATIONS]) == {queues.CLASSIFICATIONS: 1}
    assert post(client, {"payload": [make_event(1)]}).status_code == 204  # nothing new
    assert queues.sizes(redis_url, [queues.CLASSIFICATIONS]) == {queues.CLASSIFICATIONS: 1}
    queues.connection(redis_url).close()


def test_without_redis_the_events_are_taken_all_the_same(client: FlaskClient) -> None:
    assert queues.sizes("unix:///nowhere/redis.sock", [queues.CLASSIFICATIONS]) is None
    assert post(client, {"payload": [make_event(1)]}).status_code == 204
    assert kept() == [1]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://postgres@/none?host=/nowhere&port=1",
        "sqlite:////nowhere/caesar.db",
    ],
)
def test_a_database_that_is_away_is_not_the_events_fault(config: Config, url: str) -> None:
    app = create_app(replace(config, database_url=url))
    client = app.test_client()
    for response in (
        post(client, {"payload": [make_event(1)]}),
        client.get("/workflows/100"),
        client.get("/"),
    ):
        assert response.status_code == 503
        assert response.content_type == "application/json; charset=utf-8"
        assert response.get_json() == {"status": 503, "error": "Service Unavailable"}


@on_one_database
def test_a_refused_request_keeps_nothing_and_can_be_sent_again(
    client: FlaskClient, app: Flask
) -> None:
    db.session.execute(text("ALTER TABLE classifications RENAME TO away"))
    db.session.commit()
    db.session.remove()
    events = [make_event(1), told(2, id="none")]
    assert post(client, {"payload": events}).status_code == 503
    db.session.execute(text("ALTER TABLE away RENAME TO classifications"))
    db.session.commit()
    assert (kept(), kept(Subject), reasons()) == ([], [], [])
    assert post(client, {"payload": events}).status_code == 204
    assert (kept(), kept(Subject), len(reasons())) == ([1], [1], 1)


def batch(*events: dict[str, Any]) -> dict[str, Any]:
    datas = [base64.b64encode(json.dumps(event).encode()).decode() for event in events]
    return {
        "Records": [
            {"eventID": str(at), "kinesis": {"data": data}} for at, data in enumerate(datas)
        ]
    }


def test_the_lambda_function_posts_to_the_route(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = make_event(3, subject=5)
    two["data"]["links"]["subjects"] = ["5", "6"]
    two["linked"]["subjects"].append({"id": "6", "metadata": {"side": "b"}})
    none = make_event(2)
    none["data"]["links"]["subjects"] = []
    del none["linked"]["subjects"]
    with in_thread(app) as url:
        monkeypatch.setenv("CAESAR_URL", url)
        monkeypatch.setenv("KINESIS_STREAM_USERNAME", "kinesis")
        monkeypatch.setenv("KINESIS_STREAM_PASSWORD", "the secret of the stream")
        forwarder().lambda_handler(batch(make_event(1, user=None), none, two), None)
        monkeypatch.setenv("KINESIS_STREAM_PASSWORD", "another")
        with pytest.raises(requests.HTTPError, match="answered 401"):
            forwarder().lambda_handler(batch(make_event(4)), None)
    rows = db.session.execute(
        select(Classification.id, Classification.subject_id, Classification.user_id).order_by("id")
    )
    assert [tuple(row) for row in rows] == [(1, 1, None), (3, 5, None)]
    db.session.remove()
    assert kept(Subject) == [1, 5, 6]
    assert reasons() == ["data.links.subjects names no subject"]


def of_the_stream(id: int, *subject_ids: str, user: str | None) -> dict[str, Any]:
    """The real event, of other subjects and of somebody else; without what is not linked then."""
    event: dict[str, Any] = json.loads(EXAMPLE.read_bytes())["payload"][0]
    (subject,) = event["linked"].pop("subjects")
    event["data"] |= {"id": str(id)}
    event["data"]["links"] |= {"user": user, "subjects": list(subject_ids)}
    if user is None:
        del event["linked"]["users"]
    if subject_ids:
        event["linked"]["subjects"] = [{**subject, "id": each} for each in subject_ids]
        event["linked"]["subjects"][-1]["metadata"] = None
    return event


@on_one_database
def test_the_lambda_function_posts_every_shape_of_the_real_stream(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with db.session.begin():
        make_workflow(db.session(), 338, project_id=593, **WORKFLOW)
    db.session.remove()
    events = [
        of_the_stream(1, "70", user=None),
        of_the_stream(2, user="5"),
        of_the_stream(3, "71", "72", user="5"),
        {**of_the_stream(4, "73", user="5"), "type": "comment"},
    ]
    with in_thread(app) as url:
        monkeypatch.setenv("CAESAR_URL", url)
        monkeypatch.setenv("KINESIS_STREAM_USERNAME", "kinesis")
        monkeypatch.setenv("KINESIS_STREAM_PASSWORD", "the secret of the stream")
        forwarder().lambda_handler(batch(*events), None)
    assert process(338) == 2
    found = db.session.scalars(select(Extract).order_by(Extract.classification_id)).all()
    assert [(one.classification_id, one.subject_id, one.user_id) for one in found] == [
        (1, 70, None),
        (3, 71, 5),
    ]
    db.session.remove()
    assert kept(Subject) == [70, 71, 72]
    assert reasons() == ["data.links.subjects names no subject"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_under_gunicorn(client: FlaskClient, config: Config, tmp_path: Path) -> None:
    with under_gunicorn(config, tmp_path / "log") as url:

        def send(body: Any, **options: Any) -> int:
            with requests.Session() as session:
                return session.post(f"{url}/kinesis", data=body, timeout=60, **options).status_code

        events = json.dumps({"payload": [make_event(1)]}).encode()
        assert send(events) == 401
        assert send(events, headers=RIGHT) == 204
        assert send(iter([events[:10], events[10:]]), headers=RIGHT) == 204
        assert send(b'{"payload": 1}', headers=RIGHT) == 400
        assert _first_line_for_endless_chunks(url) == "HTTP/1.1 413 REQUEST ENTITY TOO LARGE"
        forwarder().post_events(
            [make_event(2)], url, config.stream_username, config.stream_password
        )
    assert kept() == [1, 2]


def _first_line_for_endless_chunks(url: str) -> str:
    """The answer to a body without Content-Length that is longer than may be."""
    parts = urlsplit(url)
    head = f"POST /kinesis HTTP/1.1\r\nHost: {parts.netloc}\r\nTransfer-Encoding: chunked\r\n"
    head += f"Authorization: {RIGHT['Authorization']}\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as one:
        one.sendall(head.encode())
        try:
            for _ in range(18):
                one.sendall(chunk)
            one.sendall(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it need not read to the end
        return one.makefile("rb").readline().decode().strip()
