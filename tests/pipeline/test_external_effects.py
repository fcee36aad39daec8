"""External effects: each reduction by itself, as who it is for, and no secret anywhere in clear."""

import logging
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from caesar_web.config import Config
from caesar_web.config_readers import new_key
from caesar_web.domain.options import MASK
from caesar_web.external.http import ExternalError, GuardedClient
from caesar_web.jobs import tasks
from caesar_web.store.activity import SubjectAction
from caesar_web.store.configuration import SubjectRuleEffect
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, START, make_event, make_workflow
from tests.pipeline.reading import rows, values
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer
from tests.store.dump import everything_kept

HOOK = "https://example.org/hook"
CALL: JSON = {"action": "external", "url": HOOK, "reducer_key": "seen"}
AUTH: JSON = {
    **CALL,
    "action": "external_with_basic_auth",
    "url": "https://eve:pa55word@example.org/hook",
    "username": "bob",
    "password": "s3cret",
}
SECRETS = ("s3cret", "pa55word", "eve:")
PAYLOAD = {"id": 1, "data": {"extracts": 1}}


class Sink:
    """Services elsewhere: what they are sent, and with which of `faults` they answer."""

    def __init__(self, *faults: Exception) -> None:
        self.sent: list[tuple[str, Any, tuple[str, str] | None]] = []
        self.signed_with: list[str | None] = []
        self._faults = list(faults)

    def post(
        self, url: str, body: Any, *, auth: tuple[str, str] | None = None, secret: str | None = None
    ) -> None:
        self.sent.append((url, body, auth))
        self.signed_with.append(secret)
        if self._faults:
            raise self._faults.pop(0)


@pytest.fixture
def config(config: Config) -> Config:
    return plain_config(database_url=config.database_url, action_attempts=2)


@pytest.fixture
def sink(app: Flask) -> Iterator[Sink]:
    yield serve(app, Sink())
    tasks.panoptes().close()


def serve(app: Flask, sink: Sink) -> Sink:
    app.extensions.setdefault("caesar_parts", {})[GuardedClient] = sink
    return sink


def decide(*effects: JSON, subjects: tuple[int, ...] = (1001,), payload: Any = PAYLOAD) -> None:
    """What a rule with these effects decides, with a payload as it was then."""
    with db.session.begin():
        make_workflow(
            db.session(),
            extractors_config={"survey": {"type": "survey"}},
            reducers_config={"seen": {"type": "count"}},
            rules_config=[{"if": ["const", True], "then": list(effects)}],
        )
    receive([make_event(id, subject=subject) for id, subject in enumerate(subjects, 1)])
    process()
    with db.session.begin():
        db.session.execute(update(SubjectAction).values(payload=payload))
    db.session.remove()


def make_due() -> None:
    with db.session.begin():
        db.session.execute(update(SubjectAction).values(not_before=START))
    db.session.remove()


def states() -> list[tuple[Any, ...]]:
    return rows(SubjectAction.status, SubjectAction.last_error, by=SubjectAction.id)


def test_each_subject_s_reduction_is_sent_by_itself(sink: Sink) -> None:
    decide(CALL, subjects=(1001, 1002, 1003))
    tasks.perform(100)
    assert sink.sent == [(HOOK, PAYLOAD, None)] * 3
    assert states() == [("completed", None)] * 3


@pytest.mark.parametrize(
    ("effect", "credentials"),
    [
        (AUTH, ("bob", "s3cret")),
        ({**CALL, "url": "https://eve:pa55word@example.org/hook"}, ("eve", "pa55word")),
    ],
)
def test_the_service_gets_the_secret_and_the_address_has_none(
    sink: Sink, effect: JSON, credentials: tuple[str, str]
) -> None:
    decide(effect)
    tasks.perform(100)
    assert sink.sent == [(HOOK, PAYLOAD, credentials)]
    assert states() == [("completed", None)]


@pytest.mark.parametrize(("effect", "credentials"), [(CALL, None), (AUTH, ("bob", "s3cret"))])
def test_a_shared_secret_signs_what_is_sent(sink: Sink, effect: JSON, credentials: Any) -> None:
    decide({**effect, "secret": "shared with them"})
    tasks.perform(100)
    assert (sink.sent, sink.signed_with) == ([(HOOK, PAYLOAD, credentials)], ["shared with them"])
    assert "shared with them" not in everything_kept()


@pytest.mark.parametrize(
    "fault",
    [
        ExternalError("The service answered with status 500", permanent=False, status=500),
        RuntimeError("https://eve:pa55word@example.org and s3cret"),
    ],
)
def test_nothing_that_is_kept_or_logged_has_the_secret_in_clear_b6(
    app: Flask, sink: Sink, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    failing = serve(app, Sink(fault))
    decide(AUTH)
    tasks.perform(100)
    assert failing.sent[0][2] == ("bob", "s3cret")
    ((status, last_error),) = states()
    assert (status, bool(last_error)) == ("pending", True)
    text = everything_kept()
    assert "https://********@example.org/hook" in text
    for secret in SECRETS:
        assert secret not in text
        assert secret not in caplog.text
    make_due()
    tasks.perform(100)
    assert states() == [("completed", None)]


def test_a_refusal_for_good_fails_and_others_are_tried_again(app: Flask, sink: Sink) -> None:
    gone = ExternalError("The service answered with status 410", permanent=True, status=410)
    busy = ExternalError("The service answered with status 503", permanent=False, status=503)
    failing = serve(app, Sink(gone, busy, busy))
    decide(CALL, subjects=(1001, 1002, 1003))
    for _ in range(2):
        tasks.perform(100)
        make_due()
    assert [status for status, _ in states()] == ["failed", "completed", "completed"]
    assert values(SubjectAction.last_error, by=SubjectAction.id)[0] == gone.message
    assert len(failing.sent) == 5


def test_without_a_reduction_nothing_is_sent(sink: Sink) -> None:
    decide(CALL, payload=None)
    tasks.perform(100)
    assert states() == [("failed", "the subject has no reduction of seen")]
    assert sink.sent == []


def test_a_secret_whose_key_is_missing_is_tried_again_with_it_b6(app: Flask, sink: Sink) -> None:
    decide(AUTH)
    mine: Config = app.extensions["caesar_config"]
    settings = {"database_url": mine.database_url, "action_attempts": 2}
    app.extensions["caesar_config"] = plain_config(**settings, encryption_keys=(new_key(),))
    tasks.perform(100)
    ((status, last_error),) = states()
    assert status == "pending"
    assert "ENCRYPTION_KEYS" in str(last_error)
    assert sink.sent == []
    both = (new_key(), *mine.encryption_keys)
    app.extensions["caesar_config"] = plain_config(**settings, encryption_keys=both)
    make_due()
    tasks.perform(100)
    assert sink.sent == [(HOOK, PAYLOAD, ("bob", "s3cret"))]


def test_a_mask_is_never_sent_as_a_password(sink: Sink) -> None:
    decide(AUTH)
    with db.session.begin():
        db.session.execute(update(SubjectAction).values(secrets=None))
    db.session.remove()
    tasks.perform(100)
    ((status, last_error),) = states()
    assert status == "failed"
    assert "give it again, and save" in str(last_error)
    assert sink.sent == []


def test_an_action_keeps_what_its_effect_was_when_it_was_decided(sink: Sink) -> None:
    decide(AUTH)
    with db.session.begin():
        db.session.execute(update(SubjectRuleEffect).values(secrets=None, config={}))
    db.session.remove()
    tasks.perform(100)
    assert sink.sent == [(HOOK, PAYLOAD, ("bob", "s3cret"))]


def test_a_real_service_gets_it_with_basic_auth(app: Flask, standin: StandinServer) -> None:
    config: Config = app.extensions["caesar_config"]
    app.extensions["caesar_config"] = plain_config(
        database_url=config.database_url, http_to_loopback=True, action_attempts=2
    )
    decide(AUTH, CALL, subjects=(1001,))
    _point_at(standin.url.replace("http://", f"http://{MASK}@") + "/hook/swap", AUTH)
    _point_at(standin.url + "/hook/failing?answer=failure", CALL)
    tasks.perform(100)
    tasks.perform(100)
    by_name = {hook["name"]: hook for hook in standin.hooks()}
    assert by_name["swap"]["json"] == PAYLOAD
    assert (
        by_name["swap"]["headers"]["Authorization"] == "Basic " + b64encode(b"bob:s3cret").decode()
    )
    assert "Authorization" not in by_name["failing"]["headers"]
    (first, second) = states()
    assert first == ("completed", None)
    assert second == ("pending", "127.0.0.1 answered with status 500")


def _point_at(url: str, effect: JSON) -> None:
    """As no https service runs here, and effects take no other address."""
    config = {**effect, "url": url} | ({"password": MASK} if "password" in effect else {})
    del config["action"]
    with db.session.begin():
        theirs = SubjectAction.effect_type == effect["action"]
        db.session.execute(update(SubjectAction).where(theirs).values(config=config))
    db.session.remove()
