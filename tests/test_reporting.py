"""Errors that are reported to Sentry, here to a server of our own, and what never leaves."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from caesar_web import reporting
from caesar_web.config import InvalidSetting
from caesar_web.core import ROOT
from tests.conftest import plain_config
from tests.factories import make_event
from tests.jobs.running import eventually
from tests.pages import settings_of, under_gunicorn

ANSWER = "a volunteer's answer"
UNUSED = "sqlite:////nowhere/caesar.db"
SECRET = "the secret of the stream"
FAILS = f"""
import logging, os
from caesar_web import logs, reporting
from caesar_web.config import load

config = load(os.environ)
reporting.begin(config)

def look(answer):
    request = {{"password": os.environ["KINESIS_STREAM_PASSWORD"]}}
    return request[answer]

def turn():
    try:
        look("{ANSWER}")
    except KeyError as problem:
        raise OSError(5, "the disk is full") from problem

log = logging.getLogger("caesar_web.of_tests")
log.warning("this is no error: %s", "{ANSWER}")
with logs.bound(workflow=12, job="abc"):
    try:
        turn()
    except OSError:
        log.exception("a turn of workflow %s failed", 12)
    try:
        look("{ANSWER}")
    except KeyError:
        log.exception("it failed")
"""


class Sentry:
    """A server that takes events as Sentry does."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in the envelopes: a header, then for each part a header and the part."""
        found = []
        for body in list(self.bodies):
            lines = body.splitlines()
            for header, part in zip(lines[1::2], lines[2::2], strict=True):
                if json.loads(header)["type"] == "event":
                    found.append(json.loads(part))
        return found


@pytest.fixture
def sentry() -> Iterator[tuple[Sentry, str]]:
    with listening() as listens:
        yield listens


@contextmanager
def listening() -> Iterator[tuple[Sentry, str]]:
    """The server, and the DSN under which it is known."""
    sentry = Sentry()

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            sentry.bodies.append((gzip.decompress(body) if is_packed else body).decode())
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield sentry, f"http://public-key@127.0.0.1:{server.server_port}/1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_error_is_reported_without_what_it_quotes(
    sentry: tuple[Sentry, str], tmp_path: Path
) -> None:
    taken, dsn = sentry
    config = plain_config(home=tmp_path, database_url=UNUSED, sentry_dsn=dsn, commit_id="abc1")
    run = subprocess.run(
        [sys.executable, "-c", FAILS],
        env={**settings_of(config), "no_proxy": "*"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    full, short = taken.events
    assert (full["release"], full["environment"], full["level"]) == ("abc1", "development", "error")
    assert full["logentry"] == {"message": "a turn of workflow 12 failed"}
    assert full["tags"] == {"workflow": 12, "job": "abc"}
    values = full["exception"]["values"]
    assert [(one["type"], one["value"]) for one in values] == [
        ("KeyError", ""),
        ("OSError", "[Errno 5] the disk is full"),
    ]
    frames = [frame for one in values for frame in one["stacktrace"]["frames"]]
    assert {"look", "turn"} <= {frame["function"] for frame in frames}
    assert not [frame for frame in frames if "vars" in frame]
    assert [one["value"] for one in short["exception"]["values"]] == [""]
    for event in (full, short):
        assert event.keys() <= {*reporting.SENT, "tags"}
    for body in taken.bodies:
        assert ANSWER not in body
        assert SECRET not in body


def test_the_web_server_reports_no_requests(sentry: tuple[Sentry, str], tmp_path: Path) -> None:
    taken, dsn = sentry
    away = "sqlite:////nowhere/caesar.db"
    config = plain_config(database_url=away, home=tmp_path / "home", sentry_dsn=dsn)
    with under_gunicorn(config, tmp_path / "log") as url, requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{url}/kinesis?key=in-the-address",
            json={"payload": [make_event(1, choice=ANSWER)]},
            auth=(config.stream_username, config.stream_password),
            headers={"X-Request-Id": "the-request", "Cookie": "caesar_session=in-the-cookie"},
            timeout=10,
        )
        assert answer.status_code == 503
        eventually(lambda: taken.events)
    (event,) = taken.events
    assert event["tags"] == {"request": "the-request"}
    assert event["logentry"]["message"].startswith("the database is away: ")
    assert "request" not in event
    assert "user" not in event
    (body,) = taken.bodies
    for private in (ANSWER, SECRET, "in-the-address", "in-the-cookie", "203.0.113.7"):
        assert private not in body


def test_without_a_dsn_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    reporting.begin(plain_config())


def test_without_the_package_the_start_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(InvalidSetting, match=r"^SENTRY_DSN: .*pip install 'caesar-web\[sentry\]'"):
        reporting.begin(plain_config(sentry_dsn="https://key@sentry.example.org/1"))


def test_a_dsn_that_is_none_is_refused_and_not_shown(tmp_path: Path) -> None:
    config = plain_config(home=tmp_path, database_url=UNUSED, sentry_dsn="its-key-and-no-more")
    run = subprocess.run(
        [sys.executable, "-m", "caesar_web", "scheduler"],
        env=settings_of(config),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stderr == "SENTRY_DSN: must be a DSN as Sentry gives it\n"
