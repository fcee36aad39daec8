"""Alarms: what the owner of a workflow should look at, found in what was seen of it lately."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from caesar_web.domain.lights import Light
from caesar_web.domain.tasks import Task
from caesar_web.domain.values import as_text

MOST_SEEN = 500  # newest extracts that are looked at
ENOUGH = 100  # extracts that say something of how a workflow usually is
LATELY = timedelta(days=1)
A_WEEK = timedelta(days=7)
AT_REST = timedelta(days=30)  # whatever was silent for longer has come to its end
STRAY = 3  # fewer unknown answers may be of people who began before a task was changed
FAILURES = 3  # in a row, before a light that is red is told
LONGEST_ERROR = 500
MOST_NAMED = 5
_ASKING = ("question", "survey")  # extractors whose fields are answers
_UNANSWERED = as_text(None)


class Alarm(NamedTuple):
    """What is wrong: its kind, with what (a part, host or answer), and a sentence about it."""

    kind: str
    name: str
    message: str


class SeenExtract(NamedTuple):
    """An extract of a classification, as it was made."""

    extractor_key: str
    data: Any
    created_at: datetime


@dataclass(frozen=True)
class SeenRule:
    """A rule that is in use: `place` says which, as pages count them."""

    name: str
    place: str
    changed_at: datetime
    has_fired: bool


@dataclass(frozen=True)
class SeenLight:
    """The light of a part or host; `what` says which part, in words."""

    name: str
    what: str
    light: Light
    in_a_row: int


@dataclass(frozen=True)
class Seen:
    """A workflow as it fares now. `tasks` is None where Panoptes does not say.

    `extracts` are the newest, the newest first; `extractors` are types and options by key;
    `takes_part` is whether volunteers are asked at all, `waits` whether work waits here.
    """

    extracts: Sequence[SeenExtract]
    extractors: Mapping[str, tuple[str, Mapping[str, Any]]]
    rules: Sequence[SeenRule]
    lights: Sequence[SeenLight]
    tasks: Sequence[Task] | None
    takes_part: bool = True
    waits: bool = False


def alarms(seen: Seen, *, now: datetime) -> list[Alarm]:
    """All that is wrong now. An alarm whose cause is gone is simply not among them."""
    return [
        *_red(seen),
        *_unknown(seen, now - LATELY),
        *_never_fired(seen, now - A_WEEK),
        *_silent(seen, now),
    ]


def _red(seen: Seen) -> Iterator[Alarm]:
    for one in seen.lights:
        if one.light.state == "all" and one.in_a_row >= FAILURES:
            error = (one.light.last_error or "")[:LONGEST_ERROR]
            told = f" The last error: {error}" if error else ""
            yield Alarm("red_light", one.name, f"{one.what} fails: {one.light.words}.{told}")


def _unknown(seen: Seen, since: datetime) -> Iterator[Alarm]:
    """Answers, or whole tasks, that the workflow does not have as it is now."""
    if seen.tasks is None:
        return
    by_key = {task.key: task for task in seen.tasks}
    for key, (type_name, options) in seen.extractors.items():
        if type_name not in _ASKING:
            continue
        task = by_key.get(str(options.get("task_key") or "T0"))
        known = {one.value for one in task.answers} if task else set()
        known |= {_UNANSWERED, str(options.get("nothing_here_choice") or _UNANSWERED)}
        counts = _counted(seen, key, since)
        strange = [value for value in sorted(counts) if value not in known]
        if sum(counts[value] for value in strange) >= STRAY:
            yield Alarm("unknown_answer", key, _not_there(key, options, task, strange))


def _counted(seen: Seen, key: str, since: datetime) -> Counter[str]:
    """How many extracts have each answer."""
    return Counter(
        value
        for one in seen.extracts
        if one.extractor_key == key and one.created_at >= since and isinstance(one.data, dict)
        for value in one.data
    )


def _not_there(
    key: str, options: Mapping[str, Any], task: Task | None, strange: Sequence[str]
) -> str:
    task_key = options.get("task_key") or "T0"
    if task is None:
        return (
            f"Extractor {key} gets answers to task {task_key}, which the workflow in Zooniverse"
            " does not have now."
        )
    named = ", ".join(value[:40] for value in strange[:MOST_NAMED])
    more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
    return (
        f"Extractor {key} gets answers that task {task_key} in Zooniverse does not have now:"
        f" {named}{more}."
    )


def _never_fired(seen: Seen, since: datetime) -> Iterator[Alarm]:
    for rule in seen.rules:
        later = sum(one.created_at > rule.changed_at for one in seen.extracts)
        if rule.changed_at <= since and not rule.has_fired and later >= ENOUGH:
            yield Alarm(
                "never_fired",
                rule.name,
                f"{rule.place} has never done anything, although more than a week has passed and"
                f" {ENOUGH} extracts or more came in since it was changed.",
            )


def _silent(seen: Seen, now: datetime) -> Iterator[Alarm]:
    if not seen.extracts or not seen.takes_part or seen.waits:
        return
    last = seen.extracts[0].created_at
    before = sum(one.created_at > last - A_WEEK for one in seen.extracts)
    if LATELY < now - last < AT_REST and before >= ENOUGH:
        yield Alarm(
            "silent",
            "stream",
            f"No classification has come in since {last:%d %B %Y, %H:%M} UTC; in the week before"
            f" there were {'at least ' if before == MOST_SEEN else ''}{before} extracts.",
        )
