"""Performing actions: in bulk where the API of Panoptes takes lists, each with its own outcome.

Three steps, because no transaction waits for the network: the caller claims and commits, calls
`perform`, and records the outcomes in a transaction of their own.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from caesar_web.domain.hosts import host_of_effect
from caesar_web.domain.lights import FAILED, WELL
from caesar_web.pipeline import calls
from caesar_web.pipeline.calls import CallFailed, Means
from caesar_web.pipeline.gates import Hosts
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
    hosts: Hosts
    clock: Callable[[], datetime]
    begin_until: datetime
    is_frozen: Callable[[], bool]

    def may_begin(self, call: "_Call") -> bool:
        """Whether a call may still be begun: in time, not frozen, and to a host that works."""
        in_time = self.clock() <= self.begin_until
        return in_time and not self.hosts.is_left_alone(call.host) and not self.is_frozen()


@dataclass(frozen=True)
class _Call:
    """Claims that go out in one call, and what they share with others that are alike."""

    claims: list[Claim]
    host: str
    alike: str


def perform(
    means: Means,
    claims: Iterable[Claim],
    *,
    project_id: int,
    patience: Patience,
    hosts: Hosts,
    clock: Callable[[], datetime],
    begin_until: datetime,
    is_frozen: Callable[[], bool],
) -> list[Outcome]:
    """Carries out claimed actions, at most one of each target; gives every one's outcome.

    What it has not begun by `begin_until` it gives back, for its lease may end before the call,
    and so what waits for a host or is frozen. Hosts that fail have their turn last.
    """
    this = _Round(means, project_id, patience, hosts, clock, begin_until, is_frozen)
    waiting = list(_calls(claims, panoptes=means.panoptes.host))
    checked: dict[str, CallFailed | None] = {}
    outcomes: list[Outcome] = []
    while waiting:
        call = min(waiting, key=lambda one: hosts.in_a_row(one.host))
        waiting.remove(call)
        outcomes += _perform(this, call, checked)
    return outcomes


def retry_after(attempts: int, jitter: random.Random) -> timedelta:
    """How long to wait after so many attempts: doubling, up to a quarter of an hour, spread."""
    seconds = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=seconds * jitter.uniform(0.5, 1.5))


def _calls(claims: Iterable[Claim], *, panoptes: str) -> Iterator[_Call]:
    """The calls that carry out claims, in the order of the first of each."""
    alike: dict[str, list[Claim]] = {}
    for claim in claims:
        key = dump_json([claim.effect_type, claim.config, claim.target_owner])
        alike.setdefault(key, []).append(claim)
    for key, those in alike.items():
        first = those[0]
        host = host_of_effect(first.effect_type, first.config, panoptes=panoptes)
        one_by_one = first.effect_type in calls.ONE_BY_ONE
        for together in [[claim] for claim in those] if one_by_one else [those]:
            yield _Call(together, host, key)


def _perform(this: _Round, call: _Call, checked: dict[str, CallFailed | None]) -> list[Outcome]:
    """Checks the target, once for all that are alike, and then makes the call."""
    if not this.may_begin(call):
        return _given_back(this, call.claims)
    if call.alike not in checked:
        checked[call.alike] = _checked(this, call)
    if problem := checked[call.alike]:
        return [_refused(claim, problem, this) for claim in call.claims]
    if not this.may_begin(call):
        return _given_back(this, call.claims)
    return _attempt(this, call, call.claims)


def _checked(this: _Round, call: _Call) -> CallFailed | None:
    try:
        calls.check_target(this.means, call.claims[0])
    except CallFailed as problem:
        this.hosts.fared(call.host, problem.fared, problem.message)
        return problem
    return None


def _attempt(this: _Round, call: _Call, claims: list[Claim]) -> list[Outcome]:
    """One call; where it is refused for several targets, halves until the bad one stands alone."""
    try:
        calls.make(this.means, claims, project_id=this.project_id)
    except CallFailed as problem:
        this.hosts.fared(call.host, problem.fared, problem.message)
        if problem.permanent and len(claims) > 1:
            middle = len(claims) // 2
            return [*_half(this, call, claims[:middle]), *_half(this, call, claims[middle:])]
        return [_refused(claim, problem, this) for claim in claims]
    this.hosts.fared(call.host, WELL)
    now = this.clock()
    return [Outcome(claim.id, claim.attempts, "completed", None, now, now, now) for claim in claims]


def _half(this: _Round, call: _Call, claims: list[Claim]) -> list[Outcome]:
    may_begin = this.may_begin(call)
    return _attempt(this, call, claims) if may_begin else _given_back(this, claims)


def _refused(claim: Claim, problem: CallFailed, this: _Round) -> Outcome:
    now = this.clock()
    if this.hosts.trial and problem.fared == FAILED:  # it waits on, however long the host is away
        return _waiting(claim, now, problem.message)
    if problem.permanent or claim.attempts >= this.patience.attempts:
        return Outcome(claim.id, claim.attempts, "failed", problem.message, now, None, now)
    wait = retry_after(claim.attempts, this.patience.jitter)
    if problem.retry_after is not None:
        asked = min(problem.retry_after, LONGEST_RETRY_SECONDS)
        wait = max(wait, timedelta(seconds=asked))
    return Outcome(claim.id, claim.attempts, "pending", problem.message, now + wait, None, now)


def _given_back(this: _Round, claims: list[Claim]) -> list[Outcome]:
    now = this.clock()
    return [_waiting(claim, now) for claim in claims]


def _waiting(claim: Claim, now: datetime, error: str | None = None) -> Outcome:
    return Outcome(claim.id, claim.attempts, "pending", error, now, None, now, counts=False)
