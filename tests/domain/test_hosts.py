"""The hosts that effects call, and the gate before each of them."""

from datetime import UTC, datetime, timedelta

import pytest

from caesar_web.domain.gates import LONGEST_COOL_OFF, Gate, after, cool_off
from caesar_web.domain.hosts import ELSEWHERE, host_of, host_of_effect
from caesar_web.domain.lights import light_of_host

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.org/hook?a=1", "example.org"),
        ("https://********@example.org:443/hook", "example.org"),
        ("https://example.org:8443/", "example.org:8443"),
        ("http://127.0.0.1/", "127.0.0.1:80"),
        ("http://127.0.0.1:3001", "127.0.0.1:3001"),
        ("https://[2001:DB8::1]:8443/", "[2001:db8::1]:8443"),
        ("https://example.org:nonsense/", ""),
        ("https://[::1/", ""),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert host_of(url) == host


def test_the_host_of_an_effect() -> None:
    assert set(ELSEWHERE) == {"external", "external_with_basic_auth"}
    url = {"url": "https://example.org/hook"}
    assert host_of_effect("external", url, panoptes="panoptes") == "example.org"
    assert host_of_effect("external", {}, panoptes="panoptes") == ""
    assert host_of_effect("retire_subject", url, panoptes="panoptes") == "panoptes"


@pytest.mark.parametrize(
    ("outcomes", "seconds"),
    [
        ("", None),
        ("xx", None),
        ("xx.x", None),
        (".xxx", 5),
        ("xxxx", 10),
        ("xxxxxx", 40),
        ("xxxxxxx", 60),
        ("x" * 300, 60),
        ("x" * 300 + ".", None),
    ],
)
def test_three_failures_in_a_row_shut_the_gate_and_more_of_them_for_longer(
    outcomes: str, seconds: int | None
) -> None:
    gate = Gate()
    for outcome in outcomes:
        gate = after(gate, outcome, now=NOON)
    assert gate == after(Gate(), outcomes, now=NOON)
    assert gate.held_until == (None if seconds is None else NOON + timedelta(seconds=seconds))
    assert len(gate.outcomes) <= 100


def test_a_gate_is_half_open_when_the_cool_off_is_over() -> None:
    gate = after(Gate(), "xxx", now=NOON)
    states = [gate.state(NOON + timedelta(seconds=after)) for after in (0, 4, 5, 500)]
    assert states == ["held", "held", "half-open", "half-open"]
    assert Gate("xx").state(NOON) == "open"
    assert after(gate, "", now=NOON) == gate
    assert max(map(cool_off, range(200))) == LONGEST_COOL_OFF


@pytest.mark.parametrize(
    ("outcomes", "is_held", "state", "words"),
    [
        ("", False, "none", "nothing yet"),
        (".x" * 2, False, "some", "2 of the last 4 failed"),
        ("xx", False, "some", "all of the last 2 failed"),
        (".xxx", True, "all", "the last 3 calls failed"),
    ],
)
def test_a_host_is_red_only_while_it_is_held(
    outcomes: str, is_held: bool, state: str, words: str
) -> None:
    light = light_of_host(outcomes, is_held=is_held, last_error="away", since=NOON, failures=4)
    assert (light.state, light.words) == (state, words)
