"""How far a run is: its rate, how long it still takes, its bar, and all of that in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

LEAST_SECONDS = 1.0  # before a rate means anything
FULLEST = 0.99  # of the bar of a run that is not over

COUNTING, DRAINING = "list", "drain"  # phases in which the numbers say little
_PHASES = {
    COUNTING: "counting what there is to do",
    DRAINING: "waiting until all that it brought is processed",
}


@dataclass(frozen=True)
class Progress:
    """What is stored of a run's progress; it was begun, or taken up again, with some done."""

    unit: str
    done: int
    total: int | None
    is_estimate: bool
    status: str
    phase: str | None
    begun_at: datetime | None
    begun_with: int
    progressed_at: datetime
    limit: int | None = None  # of what it may do in a minute

    @property
    def is_moving(self) -> bool:
        return self.status in ("running", "stopping")


class Bar(NamedTuple):
    """So much of so much."""

    value: int
    most: int


def rate(progress: Progress) -> float | None:
    """How much a run does in a minute, on average; None while nobody can say."""
    if progress.begun_at is None:
        return None
    seconds = (progress.progressed_at - progress.begun_at).total_seconds()
    more = progress.done - progress.begun_with
    if more <= 0 or seconds < LEAST_SECONDS:
        return None
    return min(more * 60 / seconds, progress.limit or float("inf"))


def seconds_left(progress: Progress) -> float | None:
    """How long the run still takes at its rate; None while nobody can say."""
    per_minute = rate(progress)
    if not per_minute or not progress.total or progress.phase in _PHASES:
        return None
    left = progress.total - progress.done
    return left * 60 / per_minute if left > 0 else None


def bar(progress: Progress) -> Bar | None:
    """What the bar shows; None while counting. It is full only when the run is finished."""
    if progress.status == "finished":
        return Bar(1, 1)
    if not progress.total or progress.phase == COUNTING:
        return None
    fullest = int(progress.total * FULLEST)
    return Bar(min(progress.done, fullest), progress.total)


def in_words(progress: Progress) -> str:
    """As people read it: how much, how fast, and how long it still takes."""
    return " · ".join(_parts(progress))


def _parts(progress: Progress) -> Iterator[str]:
    yield _how_much(progress)
    if progress.is_moving and progress.phase in _PHASES:
        yield _PHASES[progress.phase]
    if progress.is_moving and progress.phase != DRAINING and (per_minute := rate(progress)):
        yield f"{round(per_minute):,}/min" if per_minute >= 1 else "less than 1/min"
    if progress.is_moving and (seconds := seconds_left(progress)):
        yield f"{lasting(seconds)} left"


def _how_much(progress: Progress) -> str:
    if progress.total is None or progress.status == "finished":
        return f"{progress.done:,} {unit(progress.unit, progress.done)}"
    about = "about " if progress.is_estimate else ""
    words = unit(progress.unit, progress.total)
    return f"{progress.done:,} of {about}{progress.total:,} {words}"


def unit(words: str, number: int) -> str:
    """What a run counts, for such a number of them."""
    if number != 1:
        return words
    return " or ".join(word.removesuffix("s") for word in words.split(" and "))


def lasting(seconds: float) -> str:
    """A length of time as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(round(minutes, -1), 60)
    if hours < 48:
        return f"about {hours} h {rest}" if rest else f"about {hours} h"
    return f"about {round(hours / 24)} days"
