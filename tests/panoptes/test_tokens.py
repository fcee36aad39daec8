"""The service account's token, over HTTP against a scripted server and with a clock of our own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from caesar_web.panoptes.errors import PanoptesError
from caesar_web.panoptes.tokens import ServiceTokens
from tests.panoptes.scripted import Reply, Scripted, Seen, TokenDesk, scripted_server

START = 1_800_000_000.0
SECRET = "the-secret"


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time


@contextmanager
def desk(**over: Any) -> Iterator[tuple[ServiceTokens, Clock, Scripted]]:
    clock = Clock()
    with scripted_server(TokenDesk(**over)) as server:
        yield ServiceTokens(server.url + "/", "caesar", SECRET, now=clock), clock, server


def test_it_asks_with_the_credentials_in_the_form_and_no_scope() -> None:
    with desk() as (tokens, _, server):
        assert tokens.get() == "token-1"
    (request,) = server.seen
    assert (request.method, request.path, dict(request.query)) == ("POST", "/oauth/token", {})
    assert request.form == {
        "grant_type": ["client_credentials"],
        "client_id": ["caesar"],
        "client_secret": [SECRET],
    }
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    ("over", "good_for"),
    [
        ({"expires_in": 7200}, 7140),
        ({"expires_in": 7200, "created_at": int(START)}, 7140),
        ({"expires_in": "7200"}, 7140),
        # Handed out before and handed out again.
        ({"expires_in": 7200, "created_at": int(START) - 7000}, 140),
        # Its clock is far from ours: then only the lifetime counts.
        ({"expires_in": 7200, "created_at": int(START) + 9000}, 7140),
        ({"expires_in": 7200, "created_at": int(START) - 90000}, 7140),
        # A short one is used for half of its life, and not asked for again and again.
        ({"expires_in": 30}, 15),
    ],
)
def test_it_is_renewed_before_it_expires(over: dict[str, Any], good_for: int) -> None:
    with desk(**over) as (tokens, clock, server):
        assert tokens.get() == "token-1"
        clock.time = START + good_for - 1
        assert tokens.get() == "token-1"
        clock.time = START + good_for
        assert tokens.get() == "token-2"
        assert tokens.get() == "token-2"
    assert len(server.seen) == 2


def test_a_token_without_an_end_is_kept() -> None:
    with desk(expires_in=None) as (tokens, clock, _):
        tokens.get()
        clock.time += 1e9
        assert tokens.get() == "token-1"


def test_a_refused_token_is_not_handed_out_again() -> None:
    with desk() as (tokens, _, server):
        tokens.refuse(tokens.get())
        assert tokens.get() == "token-2"
        tokens.refuse("token-1")  # late news from another thread
        assert tokens.get() == "token-2"
    assert len(server.seen) == 2


def test_threads_share_one_request() -> None:
    everybody = threading.Barrier(8)
    with desk() as (tokens, _, server), ThreadPoolExecutor(8) as threads:

        def together(_: int) -> str:
            everybody.wait(10)
            return tokens.get()

        assert set(threads.map(together, range(8))) == {"token-1"}
    assert len(server.seen) == 1


def failure(reply: Reply) -> PanoptesError:
    with (
        scripted_server(lambda seen: reply) as server,
        pytest.raises(PanoptesError) as caught,
    ):
        ServiceTokens(server.url, "caesar", SECRET).get()
    assert len(server.seen) == 1
    assert SECRET not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            Reply(401, {"error": "invalid_client", "error_description": "Client unknown."}),
            "Failed to obtain access token: Client unknown.",
        ),
        (
            Reply(401, {"error": "invalid_grant", "error_description": "No."}),
            "Failed to obtain access token: No.",
        ),
        (
            Reply(422),
            "Failed to obtain access token: Panoptes answered POST /oauth/token with status 422",
        ),
        (
            Reply(503, b"<html>"),
            "Failed to obtain access token: Panoptes answered POST /oauth/token with status 503",
        ),
        (
            Reply(302, headers={"Location": "/elsewhere"}),
            "Failed to obtain access token: Panoptes answered POST /oauth/token with status 302",
        ),
    ],
)
def test_a_refusal(reply: Reply, message: str) -> None:
    error = failure(reply)
    assert (error.message, error.permanent) == (message, False)
    assert error.status == reply.status


def test_a_wait_is_passed_on() -> None:
    assert failure(Reply(503, headers={"Retry-After": "9"})).retry_after == 9.0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        {},
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "two words"},
        {"access_token": "line\nbreak"},
        {"access_token": "x", "expires_in": "soon"},
        {"access_token": "x", "expires_in": [1]},
        b'{"access_token": "x", "expires_in": 1e400}',
        b"[" * 100_000,
        {"error": "server_error"},
    ],
)
def test_an_answer_without_a_token_is_a_failure(body: Any) -> None:
    error = failure(Reply(200, body))
    assert error.message.startswith("Failed to obtain access token: ")
    assert not error.permanent


def test_after_a_failure_it_asks_again() -> None:
    replies = iter([Reply(500), Reply(body={"access_token": "later", "expires_in": 60})])
    with scripted_server(lambda seen: next(replies)) as server:
        tokens = ServiceTokens(server.url, "caesar", SECRET)
        with pytest.raises(PanoptesError):
            tokens.get()
        assert tokens.get() == "later"


def test_a_server_that_never_answers() -> None:
    over = threading.Event()

    def never(seen: Seen) -> Reply:
        over.wait(30)
        return Reply()

    with scripted_server(never) as server:
        with pytest.raises(PanoptesError) as caught:
            ServiceTokens(server.url, "caesar", SECRET, timeout=(5, 0.1)).get()
        over.set()
    assert caught.value.message.endswith("Panoptes did not answer POST /oauth/token in time")
    assert (caught.value.permanent, caught.value.status) == (False, None)
