"""Lights: the state for outcomes, and the health of many."""

from datetime import UTC, datetime

import pytest

from caesar_web.domain.lights import ALL_WELL, NOTHING_YET, Light, health, light_of, unusable

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcomes", "has_worked", "state", "words"),
    [
        ("", False, "none", "nothing yet"),
        ("", True, "well", "well"),
        (".", False, "well", "well"),
        ("x", True, "all", "the only one failed"),
        ("xx", False, "all", "all of the last 2 failed"),
        (".x", False, "some", "1 of the last 2 failed"),
        ("x" * 99 + ".", False, "some", "99 of the last 100 failed"),
    ],
)
def test_the_state_of_outcomes(outcomes: str, has_worked: bool, state: str, words: str) -> None:
    light = light_of(outcomes, has_worked=has_worked)
    assert (light.state, light.words) == (state, words)
    assert light.is_failing == ("x" in outcomes)


def test_errors_are_told_only_while_something_fails() -> None:
    assert light_of("x.", last_error="no", since=NOON, failures=7) == Light(
        "some", "1 of the last 2 failed", "no", NOON, 7
    )
    assert light_of("..", last_error="no", since=None, failures=7) == ALL_WELL
    assert unusable("no such type") == Light("all", "cannot be used", "no such type")


@pytest.mark.parametrize(
    ("lights", "state", "words"),
    [
        ([], "none", "nothing yet"),
        ([NOTHING_YET], "none", "nothing yet"),
        ([NOTHING_YET, ALL_WELL], "well", "all well"),
        ([light_of(".x"), ALL_WELL], "some", "1 part fails"),
        ([light_of(".x"), light_of("x"), NOTHING_YET], "all", "2 parts fail"),
    ],
)
def test_health_is_the_worst_light(lights: list[Light], state: str, words: str) -> None:
    assert (health(lights).state, health(lights).words) == (state, words)
