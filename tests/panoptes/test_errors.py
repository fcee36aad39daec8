"""What the answers of Panoptes mean, as errors."""

import pytest

from caesar_web.panoptes.errors import MESSAGE_LIMIT, PanoptesError, refusal, seconds_to_wait

WEDNESDAY_NOON = 1_792_584_000.0  # 2026-10-21 12:00:00 UTC


@pytest.mark.parametrize("status", [400, 402, 403, 404, 405, 410, 412, 413, 415, 422, 428, 451])
def test_a_refused_request_stays_refused(status: int) -> None:
    assert refusal(status, b"", about="GET /api/x").permanent


@pytest.mark.parametrize(
    "status", [301, 302, 307, 401, 408, 409, 425, 429, 500, 501, 502, 503, 504, 520]
)
def test_trying_again_can_help(status: int) -> None:
    assert not refusal(status, b"", about="GET /api/x").permanent


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"errors":[{"message":"no such subject"}]}', "no such subject"),
        (b'{"errors":[{"message":"one"},{"message":" two "}]}', "one; two"),
        (b'{"errors":[{"message":{"level":"odd"}},"x",{"message":null}]}', '{"level": "odd"}'),
        (b'{"error":"invalid_client","error_description":"unknown client"}', "unknown client"),
        (b'{"error":"Invalid email or password."}', "Invalid email or password."),
    ],
)
def test_the_message_is_what_panoptes_says(body: bytes, message: str) -> None:
    error = refusal(422, body, about="GET /api/x")
    assert error.message == str(error) == message
    assert error.status == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>oh</html>",
        b"\xff",
        b"[1]",
        b"null",
        b'"text"',
        b"{}",
        b'{"errors":[]}',
        b'{"errors":[{"message":""}]}',
        b'{"errors":"text"}',
        b"[" * 100_000,
    ],
)
def test_without_a_message_the_request_and_the_status_are_named(body: bytes) -> None:
    error = refusal(502, body, about="POST /api/workflows/1/retired_subjects")
    expected = "Panoptes answered POST /api/workflows/1/retired_subjects with status 502"
    assert error.message == expected


def test_a_long_message_is_cut() -> None:
    body = b'{"errors":[{"message":"' + b"x" * 5000 + b'"}]}'
    assert refusal(422, body, about="GET /api/x").message == "x" * MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 21 Oct 2026 12:00:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("nan", None),
        ("soon", None),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, WEDNESDAY_NOON) == seconds


def test_the_wait_is_kept() -> None:
    assert refusal(429, b"", about="GET /api/x", retry_after=7.0).retry_after == 7.0
    assert PanoptesError("x", permanent=False).retry_after is None
