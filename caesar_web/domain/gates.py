"""Gates: when calls to a host are held back because it fails, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from caesar_web.domain.lights import FAILED, OUTCOMES_KEPT

FAILURES_TO_SHUT = 3
FIRST_COOL_OFF = timedelta(seconds=5)
LONGEST_COOL_OFF = timedelta(seconds=60)

State = Literal["open", "held", "half-open"]


@dataclass(frozen=True)
class Gate:
    """What is known of a host: how the latest calls went, newest last, and until when it is held.

    After that moment a single call may try it; until one succeeds, the gate does not open.
    """

    outcomes: str = ""
    held_until: datetime | None = None

    @property
    def is_shut(self) -> bool:
        return self.held_until is not None

    @property
    def in_a_row(self) -> int:
        """How many of the latest calls have failed one after the other."""
        return len(self.outcomes) - len(self.outcomes.rstrip(FAILED))

    def state(self, now: datetime) -> State:
        if self.held_until is None:
            return "open"
        return "held" if self.held_until > now else "half-open"


def after(gate: Gate, outcomes: str, *, now: datetime) -> Gate:
    """The gate once these calls were made: one that went well opens it, failures shut it."""
    if not outcomes:
        return gate
    noted = Gate((gate.outcomes + outcomes)[-OUTCOMES_KEPT:])
    if noted.in_a_row < FAILURES_TO_SHUT:
        return noted
    return Gate(noted.outcomes, now + cool_off(noted.in_a_row))


def cool_off(in_a_row: int) -> timedelta:
    """How long a host is left alone after so many failures: doubling, up to a minute."""
    doublings = min(max(0, in_a_row - FAILURES_TO_SHUT), 10)
    return min(FIRST_COOL_OFF * (1 << doublings), LONGEST_COOL_OFF)
