"""SWAP on pages: a volunteer's confusion matrix, and a subject's trajectory as a plot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from caesar_web.domain.rounding import in_words
from caesar_web.domain.swap import Tally
from caesar_web.domain.values import is_number
from caesar_web.store.timelines import Reduction

WIDTH, HEIGHT = 600, 200
LEFT, RIGHT, TOP, BOTTOM = 40, 590, 12, 172  # of the plot within its drawing
LEVELS = (0, 0.25, 0.5, 0.75, 1)

TypeNames = Mapping[str, str]  # of reducers, by their keys


class MatrixRow(NamedTuple):
    """What a volunteer said of training subjects of one kind."""

    kind: str
    said_positive: int
    said_negative: int
    right: str


@dataclass(frozen=True)
class MatrixShown:
    """A volunteer's confusion matrix, as one reduction has it."""

    reducer_key: str
    subgroup: str
    training: int
    rows: Sequence[MatrixRow]
    skill: str


class Point(NamedTuple):
    """The likelihood after so many answers, and where that is in the plot."""

    answers: int
    likelihood: str
    x: float
    y: float


@dataclass(frozen=True)
class TrajectoryShown:
    """How likely a subject is positive after each of its latest answers, as one reduction has it.

    `levels` are lines across the plot: what each is of, and its height.
    """

    reducer_key: str
    subgroup: str
    points: Sequence[Point]

    @property
    def line(self) -> str:
        return " ".join(f"{point.x},{point.y}" for point in self.points)

    @property
    def levels(self) -> list[tuple[float, float]]:
        return [(level, _height(level)) for level in LEVELS]

    @property
    def words(self) -> str:
        first, last = self.points[0], self.points[-1]
        return (
            f"Likelihood {first.likelihood} after {_answers(first.answers)}, "
            f"{last.likelihood} after {_answers(last.answers)}"
        )


def matrices(found: Collection[Reduction], types: TypeNames) -> list[MatrixShown]:
    """The confusion matrices among a volunteer's reductions."""
    shown = (
        _matrix(one, one.data)
        for one in found
        if types.get(one.reducer_key) == "swap_skill" and isinstance(one.data, dict)
    )
    return [one for one in shown if one]


def trajectories(found: Collection[Reduction], types: TypeNames) -> list[TrajectoryShown]:
    """The trajectories among a subject's reductions."""
    shown = (
        _trajectory(one, one.data)
        for one in found
        if types.get(one.reducer_key) == "swap" and isinstance(one.data, dict)
    )
    return [one for one in shown if one]


def _matrix(one: Reduction, data: Mapping[str, Any]) -> MatrixShown | None:
    names = (*Tally._fields, "p_positive", "p_negative", "skill")
    if not all(is_number(data.get(name)) for name in names):
        return None  # what a program has pushed in is whatever it is
    tally = Tally(*(data[name] for name in Tally._fields))
    rows = (
        MatrixRow(
            "positive", tally.true_positives, tally.false_negatives, in_words(data["p_positive"])
        ),
        MatrixRow(
            "negative", tally.false_positives, tally.true_negatives, in_words(data["p_negative"])
        ),
    )
    return MatrixShown(one.reducer_key, one.subgroup, sum(tally), rows, in_words(data["skill"]))


def _trajectory(one: Reduction, data: Mapping[str, Any]) -> TrajectoryShown | None:
    found, number = data.get("trajectory"), data.get("num_classifications")
    given = found if isinstance(found, list) else []
    likelihoods = [each for each in given if is_number(each) and 0 <= each <= 1]
    if not likelihoods or not isinstance(number, int):
        return None
    steps = max(1, len(likelihoods) - 1)
    points = [
        Point(
            number - len(likelihoods) + 1 + at,
            in_words(likelihood),
            round(LEFT + (RIGHT - LEFT) * at / steps, 1),
            _height(likelihood),
        )
        for at, likelihood in enumerate(likelihoods)
    ]
    return TrajectoryShown(one.reducer_key, one.subgroup, points)


def _height(likelihood: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * likelihood, 1)


def _answers(number: int) -> str:
    return f"{number} answer{'' if number == 1 else 's'}"
