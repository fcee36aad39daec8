"""Performing actions: in bulk where the API of Panoptes takes lists, each with its own outcome.

Three steps, because no transaction waits for the network: the caller claims and commits, calls
`perform`, and records the outcomes in a transaction of their own.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from caesar_web.pipeline import calls
from caesar_web.pipeline.calls import CallFailed, Means
from caesar_web.store.action_statements import Claim, Outcome
from caesar_web.store.db import dump_json

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 900.0


@dataclass(frozen=True)
class Patience:
    """How often an action is tried, and with which randomness retries are spread."""

    attempts: int
    jitter: random.Random


@dataclass(frozen=True)
class _Round:
    """What the actions of one round share."""

    means: Means
    project_id: int
    patience: Patience
    clock: Callable[[], datetime]
    begin_until: datetime

    def is_over(self) -> bool:
        """Whether nothing may be begun any more."""
        return self.clock() > self.begin_until


def perform(
    means: Means,
    claims: Iterable[Claim],
    *,
    project_id: int,
    patience: Patience,
    clock: Callable[[], datetime],
    begin_until: datetime,
) -> list[Outcome]:
    """Carries out claimed actions, at most one of each target; gives every one's outcome.

    What it has not begun by `begin_until` it gives back, for its lease may end before the call.
    """
    this = _Round(means, project_id, patience, clock, begin_until)
    return [outcome for alike in _alike(claims) for outcome in _perform_alike(this, alike)]


def retry_after(attempts: int, jitter: random.Random) -> timedelta:
    """How long to wait after so many attempts: doubling, up to a quarter of an hour, spread."""
    seconds = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=seconds * jitter.uniform(0.5, 1.5))


def _alike(claims: Iterable[Claim]) -> list[list[Claim]]:
    """Claims that one call could carry out, in the order of the first of each."""
    alike: dict[str, list[Claim]] = {}
    for claim in claims:
        key = dump_json([claim.effect_type, claim.config, claim.target_owner])
        alike.setdefault(key, []).append(claim)
    return list(alike.values())


def _perform_alike(this: _Round, claims: list[Claim]) -> list[Outcome]:
    """Checks the target that they have in common, and then makes the calls."""
    if this.is_over():
        return _given_back(this, claims)
    try:
        calls.check_target(this.means, claims[0])
    except CallFailed as problem:
        return [_refused(claim, problem, this) for claim in claims]
    one_by_one = claims[0].effect_type in calls.ONE_BY_ONE
    batches = [[claim] for claim in claims] if one_by_one else [claims]
    outcomes: list[Outcome] = []
    for batch in batches:
        outcomes += _given_back(this, batch) if this.is_over() else _attempt(this, batch)
    return outcomes


def _attempt(this: _Round, claims: list[Claim]) -> list[Outcome]:
    """One call; where it is refused for several targets, halves until the bad one stands alone."""
    try:
        calls.make(this.means, claims, project_id=this.project_id)
    except CallFailed as problem:
        if problem.permanent and len(claims) > 1:
            middle = len(claims) // 2
            return [*_attempt(this, claims[:middle]), *_attempt(this, claims[middle:])]
        return [_refused(claim, problem, this) for claim in claims]
    now = this.clock()
    return [Outcome(claim.id, claim.attempts, "completed", None, now, now, now) for claim in claims]


def _refused(claim: Claim, problem: CallFailed, this: _Round) -> Outcome:
    now = this.clock()
    if problem.permanent or claim.attempts >= this.patience.attempts:
        return Outcome(claim.id, claim.attempts, "failed", problem.message, now, None, now)
    wait = retry_after(claim.attempts, this.patience.jitter)
    if problem.retry_after is not None:
        asked = min(problem.retry_after, LONGEST_RETRY_SECONDS)
        wait = max(wait, timedelta(seconds=asked))
    return Outcome(claim.id, claim.attempts, "pending", problem.message, now + wait, None, now)


def _given_back(this: _Round, claims: list[Claim]) -> list[Outcome]:
    now = this.clock()
    return [Outcome(claim.id, claim.attempts, "pending", None, now, None, now) for claim in claims]
