"""What owners are alarmed of: each kind with what just brings it about, and what just does not."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caesar_web.domain.alarms import Alarm, Seen, SeenExtract, SeenLight, SeenRule, alarms
from caesar_web.domain.lights import light_of
from caesar_web.domain.tasks import Answer, Task

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YES_OR_NO = Task("T0", "single", answers=(Answer("0", "Yes"), Answer("1", "No")))
T0: Mapping[str, Any] = {"a": ("question", {})}


def extracts(number: int, answer: str = "0", *, ago: timedelta = HOUR) -> list[SeenExtract]:
    return [SeenExtract("a", {answer: 1}, NOW - ago)] * number


def found(seen: Sequence[SeenExtract] = (), **what: Any) -> list[Alarm]:
    seen_of: dict[str, Any] = {"extractors": {}, "rules": (), "lights": (), "tasks": ()}
    return alarms(Seen(seen, **{**seen_of, **what}), now=NOW)


def kinds(seen: Sequence[SeenExtract] = (), **what: Any) -> list[str]:
    return [one.kind for one in found(seen, **what)]


def test_nothing_seen_is_nothing_wrong() -> None:
    assert found() == []


# Lights


@pytest.mark.parametrize(
    ("outcomes", "alarmed"), [("xxx", True), ("xx", False), (".xxx", False), ("", False)]
)
def test_a_red_light_is_told_after_three_failures(outcomes: str, alarmed: bool) -> None:
    in_a_row = len(outcomes) - len(outcomes.rstrip("x"))
    light = SeenLight("reducer:1", "Reducer n", light_of(outcomes, last_error="No."), in_a_row)
    told = Alarm("red_light", "reducer:1", "Reducer n fails: all of the last 3 failed.")
    message = f"{told.message} The last error: No."
    assert found(lights=[light]) == ([told._replace(message=message)] if alarmed else [])


def test_long_errors_are_cut() -> None:
    light = SeenLight("host:a", "a", light_of("xxx", last_error="y" * 10_000), 3)
    (alarm,) = found(lights=[light])
    assert len(alarm.message) < 600


# Answers that are not there


@pytest.mark.parametrize(
    ("seen", "tasks", "alarmed"),
    [
        (extracts(3, "2"), [YES_OR_NO], True),
        (extracts(2, "2"), [YES_OR_NO], False),
        (extracts(3, "1"), [YES_OR_NO], False),
        (extracts(3, "2", ago=2 * DAY), [YES_OR_NO], False),
        (extracts(3, "0"), [], True),
        (extracts(3, "0"), None, False),
    ],
    ids=["gone", "strays", "there", "long ago", "no such task", "Panoptes is away"],
)
def test_answers_that_the_workflow_does_not_have(
    seen: list[SeenExtract], tasks: Sequence[Task] | None, alarmed: bool
) -> None:
    assert kinds(seen, extractors=T0, tasks=tasks) == (["unknown_answer"] if alarmed else [])


def test_it_says_which_answers_of_which_task() -> None:
    seen = [each for n in range(2, 9) for each in extracts(1, str(n))]
    (gone,) = found(seen, extractors=T0, tasks=[YES_OR_NO])
    assert gone.name == "a"
    assert gone.message == (
        "Extractor a gets answers that task T0 in Zooniverse does not have now: 2, 3, 4, 5, 6"
        " and 2 more."
    )
    (task,) = found(seen, extractors={"a": ("question", {"task_key": "T9"})}, tasks=[YES_OR_NO])
    assert "to task T9, which the workflow in Zooniverse does not have now." in task.message


def test_what_is_not_an_answer_is_not_strange() -> None:
    nothing = {"nothing_here_choice": "NTHNGHR"}
    seen = [*extracts(3, "NTHNGHR"), *extracts(3, ""), SeenExtract("a", None, NOW)]
    survey = Task("T0", "survey", answers=(Answer("LN", "Lion"),))
    strange = kinds(seen, extractors={"a": ("survey", nothing)}, tasks=[survey])
    assert strange == []
    assert kinds(extracts(9, "x"), extractors={"a": ("pluck_field", {})}, tasks=[survey]) == []


# Rules that never fired


@pytest.mark.parametrize(
    ("days", "later", "has_fired", "alarmed"),
    [(7, 100, False, True), (7, 100, True, False), (7, 99, False, False), (6, 100, False, False)],
)
def test_a_rule_that_never_fired(days: int, later: int, has_fired: bool, alarmed: bool) -> None:
    rule = SeenRule("subject_rule:1", "Rule 1", NOW - days * DAY, has_fired)
    seen = [*extracts(later), *extracts(50, ago=20 * DAY)]
    assert kinds(seen, rules=[rule]) == (["never_fired"] if alarmed else [])


# Silence


@pytest.mark.parametrize(
    ("seen", "more", "alarmed"),
    [
        (extracts(100, ago=25 * HOUR), {}, True),
        (extracts(100, ago=24 * HOUR), {}, False),
        (extracts(99, ago=25 * HOUR), {}, False),
        (extracts(100, ago=30 * DAY), {}, False),
        ([*extracts(99, ago=2 * DAY), *extracts(50, ago=9 * DAY)], {}, False),
        (extracts(100, ago=25 * HOUR), {"takes_part": False}, False),
        (extracts(100, ago=25 * HOUR), {"waits": True}, False),
    ],
    ids=["silent", "a day", "few", "at rest", "few in a week", "finished", "it waits here"],
)
def test_a_stream_that_has_gone_silent(
    seen: list[SeenExtract], more: dict[str, bool], alarmed: bool
) -> None:
    assert kinds(seen, **more) == (["silent"] if alarmed else [])


def test_silence_says_since_when() -> None:
    (silent,) = found(extracts(500, ago=25 * HOUR))
    assert "since 28 November 2026, 11:00 UTC" in silent.message
    assert "at least 500 extracts" in silent.message
