"""Near misses: which other thresholds in a condition would change how many of a sample match."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any

from caesar_web.domain.condition_edits import replaced
from caesar_web.domain.conditions import Node, parse, write
from caesar_web.domain.dry_run import Sample, judged
from caesar_web.domain.known import Known
from caesar_web.domain.rounding import Number, exact, in_words, shortest
from caesar_web.domain.scope import EntryScope, ReductionScope, Scope
from caesar_web.domain.spots import ORDERINGS, Spot
from caesar_web.domain.values import is_number, whole_text_number

MOST_NEAR_MISSES = 5
MOST_THRESHOLDS = 10  # of one condition
MOST_EVALUATIONS = 400  # in one direction from one threshold
LARGEST = 10**15

_SIGNS = {"lt": "<", "lte": "≤", "gt": ">", "gte": "≥"}
_TURNED = {"lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
Crossing = tuple[Number, int]  # a value, and the place in the sample of who has it


@dataclass(frozen=True)
class NearMiss:
    """How many more of the sample (or fewer) would match with another number in one place.

    `path` leads to the constant in the condition.
    """

    path: tuple[int, ...]
    old: Number
    new: Number
    difference: int
    sentence: str


@dataclass(frozen=True)
class _Threshold:
    """A lookup that is compared with a number, read with the lookup on the left."""

    lookup: Spot
    constant: Spot
    operator: str

    @property
    def number(self) -> Number:
        number: Number = self.constant.node.arguments[0]
        return number

    def values(self, scope: ReductionScope, *, with_fallback: bool) -> Iterator[Number]:
        """The numbers that the lookup has for one subject or user, one for each entry."""
        key, fallback = self.lookup.node.arguments
        for place in self._places(scope):
            found = place.find(key)
            value = fallback if found is None and with_fallback else found
            number = whole_text_number(value) if isinstance(value, str) else value
            if number is not None and _is_usual(number):
                yield number

    def _places(self, scope: ReductionScope) -> Iterator[Scope]:
        around = self.lookup.parent if self.lookup.in_entry else None
        while around and around.operator not in ("any", "all"):
            around = around.parent
        if around is None:
            yield scope
        elif not around.in_entry:  # in another one there are no entries
            yield from (EntryScope(*entry) for entry in scope.entries(around.key).items())


def near_misses(
    condition: Node, samples: Sequence[Sample], *, in_time: Callable[[], bool] = lambda: True
) -> list[NearMiss]:
    """The nearest thresholds that make a difference, until `in_time` says that it takes too long.

    Each comparison of one lookup with one number gives up to two: a lower and a higher number.
    """
    found = (
        near
        for threshold in _thresholds(condition)
        for crossings in _crossings(threshold, samples)
        if (near := _nearest(condition, threshold, crossings, samples, in_time))
    )
    return list(islice(found, MOST_NEAR_MISSES))


def extremes(condition: Node, samples: Sequence[Sample]) -> list[str]:
    """The highest or lowest values seen where the condition compares them with a number."""
    thresholds = list(_thresholds(condition))
    words: dict[str, None] = {}
    for threshold in thresholds:
        wants_more = threshold.operator in ("gt", "gte")
        what = "value" if len(thresholds) == 1 else f"value of {threshold.lookup.key}"
        seen = {v for _, scope in samples for v in threshold.values(scope, with_fallback=False)}
        if not seen:
            words[f"No {what} was seen."] = None
        elif wants_more:
            words[f"Highest {what} seen is {in_words(max(seen))}."] = None
        else:
            words[f"Lowest {what} seen is {in_words(min(seen))}."] = None
    return list(words)[:MOST_NEAR_MISSES]


def _thresholds(condition: Node) -> Iterator[_Threshold]:
    found = (_threshold(spot) for spot in Spot(condition, Known()).everywhere())
    return islice((one for one in found if one), MOST_THRESHOLDS)


def _threshold(spot: Spot) -> _Threshold | None:
    if spot.operator not in ORDERINGS or len(spot.operands) != 2:
        return None
    left, right = spot.operands
    operator = spot.operator
    if left.operator == "const":
        left, right, operator = right, left, _TURNED[operator]
    if left.operator != "lookup" or right.operator != "const":
        return None
    return _Threshold(left, right, operator) if _is_usual(right.node.arguments[0]) else None


def _is_usual(value: Any) -> bool:
    """Of larger numbers the next one cannot always be told apart or stored."""
    return is_number(value) and abs(value) < LARGEST


def _crossings(threshold: _Threshold, samples: Sequence[Sample]) -> Iterator[list[Crossing]]:
    """The values that a lower number meets, nearest first, and those that a higher one meets."""
    values = sorted(
        (value, at)
        for at, (_, scope) in enumerate(samples)
        for value in set(threshold.values(scope, with_fallback=True))
    )
    cut = bisect_left if threshold.operator in ("gte", "lt") else bisect_right
    at = cut(values, threshold.number, key=lambda crossing: crossing[0])
    yield values[:at][::-1]
    yield values[at:]


def _nearest(
    condition: Node,
    threshold: _Threshold,
    crossings: Iterable[Crossing],
    samples: Sequence[Sample],
    in_time: Callable[[], bool],
) -> NearMiss | None:
    """Only who has a value between the two numbers can come to another outcome."""
    groups = [
        (value, [at for _, at in members])
        for value, members in groupby(crossings, key=lambda crossing: crossing[0])
    ]
    changed: dict[int, int] = {}
    left = MOST_EVALUATIONS
    for (value, members), following in zip(groups, [*groups[1:], None], strict=False):
        left -= 2 * len(members)
        new = _meeting(value, following and following[0], threshold)
        if new is None or left < 0 or not in_time():
            return None
        other = _with_number(condition, threshold, new)
        for at in members:
            changed[at] = _matches(other, samples[at]) - _matches(condition, samples[at])
        if difference := sum(changed.values()):
            return _near_miss(threshold, new, difference)
    return None


def _meeting(value: Number, following: Number | None, threshold: _Threshold) -> Number | None:
    """A number near by with which this value comes to the other side, but not `following`."""
    nearest = _nearest_meeting(value, following, threshold)
    if nearest is None:
        return None

    def fits(number: Number) -> bool:
        """No value but this one may come to the other side, or the count would not be true."""
        is_upper = _is_upper(value, threshold, threshold.number)
        return _is_upper(value, threshold, number) is not is_upper and (
            following is None or _is_upper(following, threshold, number) is is_upper
        )

    return shortest(nearest, fits, steps=(nearest - threshold.number) / 10)


def _nearest_meeting(
    value: Number, following: Number | None, threshold: _Threshold
) -> Number | None:
    is_lower = not _is_upper(value, threshold, threshold.number)
    if is_lower is not _cuts_after(threshold):
        return value
    if value == int(value):
        beyond = value - 1 if is_lower else value + 1
        if following is None or abs(following - value) >= 1:
            return beyond
    return following


def _is_upper(value: Number, threshold: _Threshold, number: Number) -> bool:
    """Whether a value would stand on the side of the higher ones, were this the number."""
    return value > number or (value == number and not _cuts_after(threshold))


def _cuts_after(threshold: _Threshold) -> bool:
    """Whether a value that is equal to the number stands on the side of the lower ones."""
    return threshold.operator in ("gt", "lte")


def _with_number(condition: Node, threshold: _Threshold, number: Number) -> Node:
    return parse(replaced(write(condition), threshold.constant.path, ["const", number]))


def _matches(condition: Node, sample: Sample) -> int:
    return judged(condition, *sample).verdict == "matches"


def _near_miss(threshold: _Threshold, new: Number, difference: int) -> NearMiss:
    sign, old = _SIGNS[threshold.operator], threshold.number
    more = "more" if difference > 0 else "fewer"
    sentence = (
        f"{abs(difference)} {more} would match if {threshold.lookup.key}"
        f" {sign} {exact(old)} were {sign} {exact(new)}."
    )
    return NearMiss(threshold.constant.path, old, new, difference, sentence)
