"""Dry runs: what a condition says of sampled subjects or users, and what a change to it changes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from caesar_web.domain.conditions import Node
from caesar_web.domain.evaluation import EvaluationError, evaluate, holds
from caesar_web.domain.scope import ReductionScope

Sample = tuple[int, ReductionScope]
Verdict = Literal["matches", "does not match", "cannot be evaluated"]
Change = Literal["newly matches", "no longer matches", "same", "now fails"]


@dataclass(frozen=True)
class Outcome:
    """What a condition says of one subject or user; the error where it has no value."""

    target_id: int
    verdict: Verdict
    error: str | None = None


@dataclass(frozen=True)
class DryRun:
    """What a condition says of a sample, in the sample's order."""

    outcomes: tuple[Outcome, ...] = ()

    @property
    def matching(self) -> int:
        return self._number("matches")

    @property
    def failing(self) -> int:
        """Of how many it cannot be evaluated."""
        return self._number("cannot be evaluated")

    @property
    def total(self) -> int:
        return len(self.outcomes)

    @property
    def share(self) -> float:
        """The part that matches, from 0 to 1."""
        return self.matching / self.total if self.outcomes else 0.0

    def _number(self, verdict: Verdict) -> int:
        return sum(outcome.verdict == verdict for outcome in self.outcomes)


@dataclass(frozen=True)
class Compared:
    """One target under a condition and under the one that is live."""

    target_id: int
    change: Change
    outcome: Outcome
    live: Outcome


def dry_run(condition: Node, samples: Iterable[Sample]) -> DryRun:
    """Evaluates a condition for each subject or user of a sample."""
    return DryRun(tuple(judged(condition, target_id, scope) for target_id, scope in samples))


def judged(condition: Node, target_id: int, scope: ReductionScope) -> Outcome:
    """What a condition says of one subject or user."""
    try:
        matches = holds(evaluate(condition, scope))
    except EvaluationError as problem:
        return Outcome(target_id, "cannot be evaluated", str(problem))
    return Outcome(target_id, "matches" if matches else "does not match")


def compared(outcomes: Iterable[Outcome], live_outcomes: Iterable[Outcome]) -> tuple[Compared, ...]:
    """What changes for each target that both conditions were evaluated for."""
    live = {outcome.target_id: outcome for outcome in live_outcomes}
    return tuple(
        Compared(one.target_id, _change(one, live[one.target_id]), one, live[one.target_id])
        for one in outcomes
        if one.target_id in live
    )


def changes(rows: Iterable[Compared]) -> Counter[Change]:
    """How many targets there are of each change."""
    return Counter(row.change for row in rows)


def _change(outcome: Outcome, live: Outcome) -> Change:
    verdict, before = outcome.verdict, live.verdict
    if verdict == "cannot be evaluated":
        return "same" if before == verdict else "now fails"
    if (verdict == "matches") == (before == "matches"):
        return "same"
    return "newly matches" if verdict == "matches" else "no longer matches"
