"""Performing actions in Panoptes: in bulk where its API takes lists, each with its own outcome.

Three steps, because no transaction waits for the network: the caller claims and commits, calls
`perform`, and records the outcomes in a transaction of their own.
"""

import logging
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caesar_web.panoptes.client import Panoptes
from caesar_web.panoptes.errors import PanoptesError
from caesar_web.store.action_statements import Claim, Outcome
from caesar_web.store.db import dump_json

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 900.0
ONE_BY_ONE = ("promote_user",)  # Panoptes takes no list of them

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How often an action is tried, and with which randomness retries are spread."""

    attempts: int
    jitter: random.Random


def perform(
    panoptes: Panoptes,
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
    outcomes: list[Outcome] = []
    for claims_alike in _alike(claims):
        if (now := clock()) > begin_until:
            outcomes += [_given_back(claim, now) for claim in claims_alike]
            continue
        first = claims_alike[0]
        call = _call(panoptes, first, project_id)
        if call is None:
            message = f"this version does not perform {first.effect_type}"
            outcomes += [_failed(claim, message, clock()) for claim in claims_alike]
        else:
            outcomes += _attempt(call, claims_alike, patience, clock)
    return outcomes


def retry_after(attempts: int, jitter: random.Random) -> timedelta:
    """How long to wait after so many attempts: doubling, up to a quarter of an hour, spread."""
    seconds = min(FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 20), LONGEST_RETRY_SECONDS)
    return timedelta(seconds=seconds * jitter.uniform(0.5, 1.5))


def _alike(claims: Iterable[Claim]) -> list[list[Claim]]:
    """Claims that one call can carry out, in the order of the first of each."""
    alike: dict[tuple[str, str, int | None], list[Claim]] = {}
    for claim in claims:
        alone = claim.target_id if claim.effect_type in ONE_BY_ONE else None
        alike.setdefault((claim.effect_type, dump_json(claim.config), alone), []).append(claim)
    return list(alike.values())


def _call(
    panoptes: Panoptes, claim: Claim, project_id: int
) -> Callable[[Sequence[int]], object] | None:
    """The call for an effect, over the ids of its targets."""
    config = claim.config
    calls: dict[str, Callable[[Sequence[int]], object]] = {
        "retire_subject": lambda ids: panoptes.retire(
            claim.workflow_id, ids, reason=config.get("reason", "other")
        ),
        "add_subject_to_set": lambda ids: panoptes.add_to_subject_set(
            config["subject_set_id"], ids
        ),
        "add_subject_to_collection": lambda ids: panoptes.add_to_collection(
            config["collection_id"], ids
        ),
        "promote_user": lambda ids: [
            panoptes.promote(id, project_id=project_id, workflow_id=config["workflow_id"])
            for id in ids
        ],
    }
    return calls.get(claim.effect_type)


def _attempt(
    call: Callable[[Sequence[int]], object],
    claims: list[Claim],
    patience: Patience,
    clock: Callable[[], datetime],
) -> list[Outcome]:
    """One call; where it is refused for several targets, halves until the bad one stands alone."""
    try:
        call([claim.target_id for claim in claims])
    except PanoptesError as problem:
        if problem.permanent and len(claims) > 1:
            middle = len(claims) // 2
            return [
                *_attempt(call, claims[:middle], patience, clock),
                *_attempt(call, claims[middle:], patience, clock),
            ]
        return [_refused(claim, problem, patience, clock()) for claim in claims]
    except Exception as fault:  # ours: it must not keep the other actions back
        log.exception("could not perform %s", claims[0].effect_type)
        trouble = PanoptesError(f"{type(fault).__name__}: {fault}", permanent=False)
        return [_refused(claim, trouble, patience, clock()) for claim in claims]
    now = clock()
    return [Outcome(claim.id, claim.attempts, "completed", None, now, now, now) for claim in claims]


def _refused(claim: Claim, problem: PanoptesError, patience: Patience, now: datetime) -> Outcome:
    if problem.permanent or claim.attempts >= patience.attempts:
        return _failed(claim, problem.message, now)
    wait = retry_after(claim.attempts, patience.jitter)
    if problem.retry_after is not None:
        asked = min(problem.retry_after, LONGEST_RETRY_SECONDS)
        wait = max(wait, timedelta(seconds=asked))
    return Outcome(claim.id, claim.attempts, "pending", problem.message, now + wait, None, now)


def _given_back(claim: Claim, now: datetime) -> Outcome:
    return Outcome(claim.id, claim.attempts, "pending", None, now, None, now)


def _failed(claim: Claim, message: str, now: datetime) -> Outcome:
    return Outcome(claim.id, claim.attempts, "failed", message, now, None, now)
