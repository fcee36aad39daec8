"""Texts of subjects for their pages: from where they come, how much of them, and how they fail."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from caesar_web.access import media_hosts
from caesar_web.access.subject_texts import (
    AWAY,
    ELSEWHERE,
    MOST_BYTES,
    MOST_CHARACTERS,
    NO_TEXT,
    TOO_MANY,
    SubjectText,
    texts_of,
)
from caesar_web.access.subjects import Location
from tests.api.test_reads import NO_OTHER_DATABASE
from tests.panoptes.scripted import Reply, Scripted, scripted_server
from tests.people import PassingTime
from tests.standin.server import StandinServer

pytestmark = NO_OTHER_DATABASE


def texts(app: Flask, *urls: str, mime: str = "text/plain") -> list[SubjectText]:
    """The texts at these addresses, as one request finds them."""
    with app.test_request_context():
        return [*texts_of([Location(mime, url) for url in urls]).values()]


@contextmanager
def serving(app: Flask, *replies: Reply) -> Iterator[Scripted]:
    """A stand-in that answers so, and with the last of it from then on."""
    waiting: list[Reply] = [*replies]
    config = app.extensions["caesar_config"]
    with scripted_server(lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]) as server:
        app.extensions["caesar_config"] = replace(config, panoptes_url=server.url)
        yield server
    app.extensions["caesar_config"] = config


def read(app: Flask, body: bytes) -> SubjectText:
    with serving(app, Reply(200, body)) as server:
        (found,) = texts(app, f"{server.url}/media/1.txt")
    return found


def test_a_text_of_the_stand_in(app: Flask, standin: StandinServer) -> None:
    url = f"{standin.url}/media/3001.txt"
    (found,) = texts(app, url)
    assert found.text.startswith("Page 3001, as a machine has read it.\n\n")
    assert (found.is_cut, found.problem) == (False, None)


def test_it_is_remembered_for_a_minute(
    app: Flask, standin: StandinServer, clock: PassingTime
) -> None:
    url = f"{standin.url}/media/3001.txt"
    assert texts(app, url) == texts(app, url)
    assert len(standin.log("^/media/3001.txt$")) == 1
    clock.ahead = timedelta(seconds=61)
    texts(app, url)
    assert len(standin.log("^/media/3001.txt$")) == 2


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", ""),
        ("\ufeffüber <b>".encode(), "über <b>"),
        (b"a\r\nb\rc\td", "a\nb\nc\td"),
        (b"a\x1b[31mb\x7f", "a\ufffd[31mb\ufffd"),
        (b"caf\xe9", "caf\ufffd"),
    ],
)
def test_what_a_text_may_hold(app: Flask, body: bytes, text: str) -> None:
    assert read(app, body) == SubjectText(text)


def test_what_is_no_text(app: Flask) -> None:
    assert read(app, b"GIF\0\1") == SubjectText(problem=NO_TEXT)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"a" * MOST_CHARACTERS, SubjectText("a" * MOST_CHARACTERS)),
        (b"a" * (MOST_CHARACTERS + 1), SubjectText("a" * MOST_CHARACTERS, is_cut=True)),
        (b"a" * 3_000_000, SubjectText("a" * MOST_CHARACTERS, is_cut=True)),
        (
            "\U0001f981".encode() * (MOST_CHARACTERS + 1),
            SubjectText("\U0001f981" * MOST_CHARACTERS, is_cut=True),
        ),
        (b"\r\n" * MOST_BYTES, SubjectText("\n" * MOST_CHARACTERS, is_cut=True)),
    ],
    ids=["as long as may be", "a character more", "very long", "wide characters", "lines"],
)
def test_only_the_beginning_of_a_long_text(app: Flask, body: bytes, shown: SubjectText) -> None:
    assert read(app, body) == shown


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, b"secret"),
        Reply(500, b"secret"),
        Reply(302, b"", {"Location": "http://127.0.0.1:1/"}),
        Reply(200, b"half", {"Content-Length": "10"}),
    ],
    ids=["absent", "broken", "elsewhere", "half of it"],
)
def test_what_cannot_be_read_is_said_and_soon_tried_again(
    app: Flask, clock: PassingTime, reply: Reply
) -> None:
    with serving(app, reply, Reply(200, b"here")) as server:
        url = f"{server.url}/media/1.txt"
        assert texts(app, url) == texts(app, url) == [SubjectText(problem=AWAY)]
        clock.ahead = timedelta(seconds=11)
        assert texts(app, url) == [SubjectText("here")]
        assert len(server.seen) == 2


def test_a_host_that_is_away_is_waited_for_once(app: Flask) -> None:
    with serving(app, Reply(200, b"half", {"Content-Length": "10"})) as server:
        found = texts(app, *(f"{server.url}/media/{number}.txt" for number in range(3)))
        assert found == [SubjectText(problem=AWAY)] * 3
        assert len(server.seen) == 1


def test_only_the_first_few_are_fetched(app: Flask) -> None:
    with serving(app, Reply(200, b"here")) as server:
        found = texts(app, *(f"{server.url}/media/{number}.txt" for number in range(5)))
        assert found == [SubjectText("here")] * 3 + [SubjectText(problem=TOO_MANY)] * 2
        assert len(server.seen) == 3


@pytest.mark.parametrize(
    ("mime", "is_shown"),
    [("text/plain", True), ("application/json", True), ("text/html", False), ("image/png", False)],
)
def test_which_kinds_are_shown(app: Flask, mime: str, is_shown: bool) -> None:
    with serving(app, Reply(200, {"flux": [1, 2]})) as server:
        found = texts(app, f"{server.url}/media/1", mime=mime)
        assert found == [SubjectText('{"flux": [1, 2]}')] * is_shown
        assert len(server.seen) == is_shown


TRUSTED = (
    "https://panoptes-uploads.zooniverse.org/production/subject_location/a.txt",
    "https://panoptes-uploads-staging.zooniverse.org:443/a.txt",
    "https://data.zooniverse.org/a.txt",
)
OTHER = (
    "https://example.org/a.txt",
    "https://zooniverse.org/a.txt",
    "https://evilzooniverse.org/a.txt",
    "https://zooniverse.org.example.org/a.txt",
    "https://me:secret@data.zooniverse.org/a.txt",
    "https://data.zooniverse.org:8443/a.txt",
    "https://data.zooniverse.org:x/a.txt",
    "http://data.zooniverse.org/a.txt",
    "http://127.0.0.1:1/a.txt",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/a.txt",
)


@pytest.mark.parametrize("url", TRUSTED)
def test_which_hosts_are_trusted(app: Flask, url: str) -> None:
    with app.test_request_context():
        assert media_hosts.is_trusted(url)


@pytest.mark.parametrize("url", OTHER)
def test_other_hosts_are_never_called(
    app: Flask, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    called: Sequence[str] = []
    monkeypatch.setattr("caesar_web.access.parts.swift_guarded", lambda: called)
    assert texts(app, url) == [SubjectText(problem=ELSEWHERE)]


def test_the_stand_in_is_trusted_in_development_only(app: Flask, standin: StandinServer) -> None:
    config = app.extensions["caesar_config"]
    app.extensions["caesar_config"] = replace(config, environment="production")
    url = f"{standin.url}/media/3001.txt"
    assert texts(app, url) == [SubjectText(problem=ELSEWHERE)]
    assert standin.log("^/media") == []
