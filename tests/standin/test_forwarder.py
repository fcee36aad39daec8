"""The Lambda function against a real HTTP server: what it sends, keeps, drops and raises."""

import base64
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from caesar_web.standin.forwarding import forwarder, post_events

CREDENTIALS = ("kinesis", "pass:wörd")


@dataclass
class Ingest:
    """A server that notes what it gets; `answers` are its next statuses, then 204."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def payloads(self) -> list[list[Any]]:
        return [json.loads(body)["payload"] for _, _, body in self.requests]


@contextmanager
def serving() -> Iterator[Ingest]:
    ingest = Ingest()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ingest.requests.append((self.path, dict(self.headers), body))
            self.send_response(ingest.answers.pop(0) if ingest.answers else 204)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    ingest.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield ingest
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def ingest(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ingest]:
    with serving() as started:
        monkeypatch.setenv("CAESAR_URL", started.url)
        monkeypatch.setenv("KINESIS_STREAM_USERNAME", CREDENTIALS[0])
        monkeypatch.setenv("KINESIS_STREAM_PASSWORD", CREDENTIALS[1])
        yield started


def made(id: int, **changed: Any) -> dict[str, Any]:
    event = {"source": "panoptes", "type": "classification", "data": {"id": str(id)}}
    return event | changed


def kinesis(*contents: bytes) -> dict[str, Any]:
    return {
        "Records": [
            {
                "eventID": f"shardId-000000000000:{number}",
                "eventSource": "aws:kinesis",
                "kinesis": {"data": base64.b64encode(content).decode(), "partitionKey": "100-1"},
            }
            for number, content in enumerate(contents)
        ]
    }


def as_bytes(*events: Any) -> list[bytes]:
    return [json.dumps(event).encode() for event in events]


def test_the_classifications_of_a_batch_go_out_in_one_post(ingest: Ingest) -> None:
    events = [made(1), made(2, linked={"subjects": [{"metadata": {"näme": "löwe 🦁"}}]})]
    forwarder().lambda_handler(kinesis(*as_bytes(*events)), None)
    ((path, headers, _),) = ingest.requests
    assert path == "/kinesis"
    assert headers["Content-Type"] == "application/json"
    basic = base64.b64decode(headers["Authorization"].removeprefix("Basic "))
    assert basic.decode() == ":".join(CREDENTIALS)
    assert ingest.payloads == [events]


def test_only_classifications_of_panoptes_are_forwarded(ingest: Ingest) -> None:
    others: list[Any] = [
        made(1, source="talk"),
        made(2, type="comment"),
        {"data": {}},
        [],
        "text",
        None,
        5,
    ]
    forwarder().lambda_handler(kinesis(*as_bytes(*others[:4], made(3), *others[4:])), None)
    assert ingest.payloads == [[made(3)]]


def test_nothing_is_posted_when_nothing_remains(ingest: Ingest) -> None:
    forwarder().lambda_handler(kinesis(*as_bytes(made(1, type="comment"))), None)
    forwarder().lambda_handler({"Records": []}, None)
    assert ingest.requests == []


def test_a_record_that_is_not_json_is_logged_without_its_content_and_dropped(
    ingest: Ingest, caplog: pytest.LogCaptureFixture
) -> None:
    batch = kinesis(b'{"data": "203.0.113.9"', b"\xff\xfe\x00secret", *as_bytes(made(1)), b"")
    batch["Records"][1]["kinesis"]["data"] = "not base64!"
    with caplog.at_level(logging.ERROR):
        forwarder().lambda_handler(batch, None)
    assert ingest.payloads == [[made(1)]]
    assert [number for number in range(4) if f"000000000000:{number}" in caplog.text] == [0, 1, 3]
    assert "203.0.113.9" not in caplog.text


@pytest.mark.parametrize("status", [301, 302, 400, 401, 413, 500, 503])
def test_every_answer_but_success_raises_so_that_aws_retries(ingest: Ingest, status: int) -> None:
    ingest.answers = [status]
    with pytest.raises(requests.HTTPError, match=f"/kinesis answered {status}"):
        forwarder().lambda_handler(kinesis(*as_bytes(made(1))), None)
    assert [path for path, _, _ in ingest.requests] == ["/kinesis"]  # no redirect was followed


def test_a_server_that_is_away_raises() -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(requests.ConnectionError):
        post_events([made(1)], url, *CREDENTIALS)


def test_timeouts_are_set_below_the_limit_of_the_function() -> None:
    seen: list[Any] = []

    class Session(requests.Session):
        def request(self, *args: Any, **options: Any) -> requests.Response:
            seen.append(options["timeout"])
            response = requests.Response()
            response.status_code = 204
            return response

    with Session() as session:
        post_events([made(1)], "http://127.0.0.1:1", *CREDENTIALS, session)
    ((connect, read),) = seen
    assert 0 < connect + read < 60


def test_more_events_than_a_request_may_hold_are_split(ingest: Ingest) -> None:
    events = [made(number) for number in range(10_001)]
    post_events(events, ingest.url + "/", *CREDENTIALS)
    assert [len(payload) for payload in ingest.payloads] == [10_000, 1]
    assert [event for payload in ingest.payloads for event in payload] == events


def test_more_bytes_than_a_request_may_hold_are_split(ingest: Ingest) -> None:
    events = [made(number, data={"text": "ü" * 350_000}) for number in range(9)]  # 2.1 MB each
    post_events(events, ingest.url, *CREDENTIALS)
    assert len(ingest.requests) == 2
    assert all(len(body) <= 16_000_000 for _, _, body in ingest.requests)
    assert [event for payload in ingest.payloads for event in payload] == events


def test_a_failure_in_the_middle_of_a_split_stops_it(ingest: Ingest) -> None:
    ingest.answers = [204, 503]
    events = [made(number, data={"text": "x" * 8_000_000}) for number in range(3)]
    with pytest.raises(requests.HTTPError):
        post_events(events, ingest.url, *CREDENTIALS)
    assert len(ingest.requests) == 2


@given(st.lists(st.text('aé\n"🦁\ud800', max_size=40)), st.integers(1, 5), st.integers(40, 200))
def test_limits_hold_wherever_they_lie(texts: list[str], most: int, size: int) -> None:
    module = forwarder()
    events = [{"text": text} for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_EVENTS", most)
        patch.setattr(module, "MOST_BYTES", size)
        bodies = list(module._bodies(events))
    payloads = [json.loads(body)["payload"] for body in bodies]
    assert [event for payload in payloads for event in payload] == events
    for body, payload in zip(bodies, payloads, strict=True):
        assert 1 <= len(payload) <= most
        assert len(payload) == 1 or len(body) <= size + len(module.OPENING + module.CLOSING)
