"""How far a run is: rate, time left, the bar, and the words for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from caesar_web.domain.run_progress import (
    Progress,
    bar,
    in_words,
    lasting,
    rate,
    seconds_left,
    unit,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUNNING = Progress(
    "subjects", 12_400, 40_000, True, "running", "feed", NOON, 0, NOON + timedelta(minutes=40)
)


def test_the_rate_and_the_time_that_is_left() -> None:
    assert rate(RUNNING) == 310
    assert seconds_left(RUNNING) == pytest.approx(27_600 / 310 * 60)
    assert in_words(RUNNING) == "12,400 of about 40,000 subjects · 310/min · about 1 h 30 left"


def test_the_first_step_makes_no_run_faster_than_it_may_be() -> None:
    soon = replace(RUNNING, done=20, progressed_at=NOON + timedelta(seconds=1), limit=60)
    assert rate(soon) == 60


def test_a_run_that_was_taken_up_again_counts_from_there() -> None:
    later = NOON + timedelta(days=3)
    resumed = replace(
        RUNNING, begun_at=later, begun_with=12_400, progressed_at=later + timedelta(minutes=10)
    )
    assert rate(resumed) is None
    assert rate(replace(resumed, done=12_500)) == 10


@pytest.mark.parametrize(
    "over",
    [
        {"begun_at": None},
        {"done": 0},
        {"progressed_at": NOON + timedelta(milliseconds=500)},
        {"progressed_at": NOON - timedelta(minutes=1)},
    ],
)
def test_no_rate_while_nobody_can_say(over: dict[str, object]) -> None:
    fresh = replace(RUNNING, **over)  # type: ignore[arg-type]  # as the cases name them
    assert (rate(fresh), seconds_left(fresh)) == (None, None)
    assert "/min" not in in_words(fresh)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, (12_400, 40_000)),
        ({"total": None}, None),
        ({"total": 0}, None),
        ({"phase": "list"}, None),
        ({"done": 40_000, "phase": "drain"}, (39_600, 40_000)),
        ({"done": 50_000}, (39_600, 40_000)),
        ({"status": "failed"}, (12_400, 40_000)),
        ({"status": "finished", "total": None}, (1, 1)),
        ({"done": 0, "total": 1}, (0, 1)),
        ({"done": 1, "total": 1}, (0, 1)),
    ],
)
def test_the_bar(over: dict[str, object], expected: tuple[int, int] | None) -> None:
    assert bar(replace(RUNNING, **over)) == expected  # type: ignore[arg-type]  # as named


def test_the_bar_never_goes_back_and_is_full_only_at_the_end() -> None:
    steps = [replace(RUNNING, phase="list", done=0)]
    steps += [replace(RUNNING, done=done) for done in range(0, 40_001, 400)]
    steps += [replace(RUNNING, done=40_000, total=40_000, phase="drain")]
    shares = [found.value / found.most for one in steps if (found := bar(one))]
    assert shares == sorted(shares)
    assert shares[-1] < 1


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (
            {"phase": "list", "done": 0},
            "0 of about 40,000 subjects · counting what there is to do",
        ),
        (
            {"phase": "drain", "done": 40_000, "is_estimate": False},
            "40,000 of 40,000 subjects · waiting until all that it brought is processed",
        ),
        ({"total": None, "unit": "classifications"}, "12,400 classifications · 310/min"),
        ({"status": "finished", "done": 40_000}, "40,000 subjects"),
        ({"status": "failed"}, "12,400 of about 40,000 subjects"),
        ({"done": 8}, "8 of about 40,000 subjects · less than 1/min · about 139 days left"),
        ({"total": 1, "done": 0, "is_estimate": False}, "0 of 1 subject"),
        ({"status": "lost"}, "12,400 of about 40,000 subjects"),
    ],
)
def test_words(over: dict[str, object], words: str) -> None:
    assert in_words(replace(RUNNING, **over)) == words  # type: ignore[arg-type]  # as named


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "less than a minute"),
        (60, "about 1 min"),
        (59 * 60, "about 59 min"),
        (60 * 60, "about 1 h"),
        (89 * 60, "about 1 h 30"),
        (118 * 60, "about 2 h"),
        (47 * 3600, "about 47 h"),
        (72 * 3600, "about 3 days"),
    ],
)
def test_how_long(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_one_of_them() -> None:
    assert unit("subjects", 1) == "subject"
    assert unit("subjects and volunteers", 1) == "subject or volunteer"
    assert unit("subjects", 0) == "subjects"
