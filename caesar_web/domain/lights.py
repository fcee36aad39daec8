"""Lights: how parts of a configuration have fared lately, in words."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

WELL, FAILED = ".", "x"
OUTCOMES_KEPT = 100
DISCARDED = "discarded by "  # so begins the error of an action that somebody gave up

State = Literal["well", "some", "all", "none"]


@dataclass(frozen=True)
class Light:
    """How something has fared: green well, yellow where some failed, red where all did, or grey.

    `failures` counts all that ever failed, and not only the latest.
    """

    state: State
    words: str
    last_error: str | None = None
    since: datetime | None = None
    failures: int = 0

    @property
    def is_failing(self) -> bool:
        return self.state in ("some", "all")


NOTHING_YET = Light("none", "nothing yet")
ALL_WELL = Light("well", "well")


def light_of(
    outcomes: str,
    *,
    last_error: str | None = None,
    since: datetime | None = None,
    failures: int = 0,
    has_worked: bool = False,
) -> Light:
    """The light for the latest outcomes, newest last; `has_worked` where only failures are kept."""
    failed = outcomes.count(FAILED)
    if not failed:
        return ALL_WELL if outcomes or has_worked else NOTHING_YET
    state: State = "all" if failed == len(outcomes) else "some"
    return Light(state, _counted(failed, len(outcomes)), last_error, since, failures)


def light_of_host(
    outcomes: str,
    *,
    is_held: bool,
    last_error: str | None = None,
    since: datetime | None = None,
    failures: int = 0,
) -> Light:
    """The light of a host, which is red while calls to it are held back, and only then."""
    light = light_of(outcomes, last_error=last_error, since=since, failures=failures)
    if is_held:
        in_a_row = len(outcomes) - len(outcomes.rstrip(FAILED))
        return replace(light, state="all", words=f"the last {in_a_row} calls failed")
    return replace(light, state="some") if light.is_failing else light


def unusable(message: str) -> Light:
    """The light of something that is configured in a way that does not work."""
    return Light("all", "cannot be used", message)


def health(lights: Iterable[Light], *, of: str = "part") -> Light:
    """The worst of them, and how many fail; `of` says what they are lights of."""
    lights = list(lights)
    failing = [light for light in lights if light.is_failing]
    if failing:
        is_red = any(light.state == "all" for light in failing)
        words = f"1 {of} fails" if len(failing) == 1 else f"{len(failing)} {of}s fail"
        return Light("all" if is_red else "some", words)
    if any(light.state == "well" for light in lights):
        return Light("well", "all well")
    return NOTHING_YET


def _counted(failed: int, of: int) -> str:
    if failed < of:
        return f"{failed} of the last {of} failed"
    return "the only one failed" if of == 1 else f"all of the last {of} failed"
