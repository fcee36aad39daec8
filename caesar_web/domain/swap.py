"""SWAP: what a volunteer's answers are worth, and how likely a subject is positive after them.

The Space Warps Analysis Pipeline: Marshall et al. 2016, MNRAS 455, 1171.
"""

import math
from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from caesar_web.domain.classification import Group

LEAST = 1e-9  # probability of anything
MOST_EVENTS = 100  # training classifications of a volunteer that are remembered one by one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Position: TypeAlias = tuple[int, int]  # microseconds of UTC, and the id of a classification


class Matrix(NamedTuple):
    """A confusion matrix, of which these two probabilities say all.

    `positive` is P("positive" | positive) and `negative` is P("negative" | negative); what is
    missing to 1 are the probabilities of saying the opposite.
    """

    positive: float
    negative: float


class Initial(NamedTuple):
    """The matrix of somebody of whom nothing is known, and for how many classifications it counts.

    That is for so many of positive and so many of negative subjects.
    """

    matrix: Matrix
    weight: float


class Tally(NamedTuple):
    """How often a volunteer said what of training subjects."""

    true_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0
    false_positives: int = 0

    def plus(self, gold: bool, said: bool, number: int = 1) -> "Tally":
        """With one more (or fewer) of a subject that is positive or not; never below 0."""
        right, wrong = _OF_GOLD[gold]
        name = right if said == gold else wrong
        return self._replace(**{name: max(0, getattr(self, name) + number)})


_OF_GOLD = {
    True: ("true_positives", "false_negatives"),
    False: ("true_negatives", "false_positives"),
}


class Event(NamedTuple):
    """One training classification: when, which, whether the subject is positive, what was said."""

    at: int
    id: int
    gold: bool
    said: bool


@dataclass
class Skill:
    """A volunteer's training: all of it summed up, the newest of it one by one in their order."""

    tally: Tally = field(default_factory=Tally)
    events: list[Event] = field(default_factory=list)

    def learn(self, event: Event) -> None:
        """Takes in a training classification, also one that comes late."""
        self.tally = self.tally.plus(event.gold, event.said)
        insort(self.events, event)
        del self.events[:-MOST_EVENTS]


def before(tally: Tally, newest_first: Iterable[Event], position: Position) -> Tally:
    """A volunteer's tally as it was before a classification, by (classification_at, id).

    Before the oldest event that is remembered it is what it was just before that one.
    """
    for event in newest_first:
        if (event.at, event.id) < position:
            break
        tally = tally.plus(event.gold, event.said, -1)
    return tally


def position_of(at: datetime, id: int) -> Position:
    """Where a classification stands among all others, in numbers that JSON keeps exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1), id


def estimated(tally: Tally, initial: Initial) -> Matrix:
    """The matrix of a volunteer: the share of right answers of all that they gave in training.

    For both kinds of subjects p = (weight * initial + right) / (weight + all): the estimate of
    Marshall et al. 2016, N(right) / N(all), with the initial matrix as if it had been seen before.
    """
    rights = (tally.true_positives, tally.true_negatives)
    wrongs = (tally.false_negatives, tally.false_positives)
    shares = (
        (initial.weight * first + right) / (initial.weight + right + wrong)
        for first, right, wrong in zip(initial.matrix, rights, wrongs, strict=True)
    )
    # Rounding must never make anybody certain, whatever the counts.
    return Matrix(*(min(max(share, LEAST), 1 - LEAST) for share in shares))


def evidence(matrix: Matrix, said: bool) -> float:
    """By how much an answer changes the log odds (base e) of a subject's being positive.

    Bayes' rule as in Marshall et al. 2016: where p is the probability before an answer C,
    p' = p P(C | positive) / (p P(C | positive) + (1 - p) P(C | negative)). In log odds that adds
    log P(C | positive) - log P(C | negative).
    """
    if said:
        return math.log(matrix.positive) - math.log1p(-matrix.negative)
    return math.log1p(-matrix.positive) - math.log(matrix.negative)


def log_odds(probability: float) -> float:
    """log(p / (1 - p)), base e, of a probability between 0 and 1."""
    return math.log(probability) - math.log1p(-probability)


def probability(log_odds: float) -> float:
    """The probability with these log odds; the inverse of `log_odds`."""
    if log_odds >= 0:  # of two ways to write it the one that cannot overflow
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)


def information(matrix: Matrix) -> float:
    """What one answer tells of a subject that may as well be positive as negative, in bits.

    The mutual information of answer and truth, by which Marshall et al. 2016 measure skill: 0 for
    somebody who guesses, 1 for somebody who is always right (or always wrong).
    """
    says_positive = (matrix.positive + 1 - matrix.negative) / 2
    known = (_entropy(matrix.positive) + _entropy(matrix.negative)) / 2
    return max(0.0, _entropy(says_positive) - known)


def _entropy(probability: float) -> float:
    shares = (probability, 1 - probability)
    return -sum(share * math.log2(share) for share in shares if share > 0)


def is_positive(
    labels: Sequence[str], positive: Sequence[str], negative: Sequence[str]
) -> bool | None:
    """What labels say: positive where any is; negative where any is, or where all others are.

    Without `negative` all others are. None: neither.
    """
    if any(label in positive for label in labels):
        return True
    return False if not negative or any(label in negative for label in labels) else None


def gold_of(group: Group) -> Any:
    """What is known of the subject: the field `gold` of any extract; None where nothing is."""
    golds = (one.data["gold"] for one in group.extracts if _has_gold(one.data))
    return next((gold for gold in golds if gold is not None), None)


def said_of(group: Group, positive: Sequence[str], negative: Sequence[str]) -> bool | None:
    """What a volunteer says of the subject; None where that is neither, or nothing is asked."""
    asked = [one for one in group.extracts if not _has_gold(one.data)]
    answers = [answer for one in asked for answer in one.answers]
    return is_positive(answers, positive, negative) if asked else None


def _has_gold(data: Any) -> bool:
    return isinstance(data, Mapping) and "gold" in data
