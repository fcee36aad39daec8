"""The summary_stats reducer: statistics of one field, all of which can go on from their store."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from caesar_web.domain.classification import Group
from caesar_web.domain.folds import Options, Reduced, stored_object, stored_pairs
from caesar_web.domain.options import Option, Unreadable, text, texts
from caesar_web.domain.values import bounded, is_number, whole_text_number


@dataclass
class Tally:
    """What is known of the values so far; `frequencies` only where median or mode are asked for.

    `squares` is the sum of squared differences from the mean, kept by Welford's method.
    """

    count: int = 0
    skipped: int = 0
    sum: float = 0.0
    product: float = 1.0
    running_mean: float = 0.0
    squares: float = 0.0
    min: float | None = None
    max: float | None = None
    first: float | None = None
    frequencies: dict[float, int] = field(default_factory=dict)

    def add(self, value: float, *, with_frequencies: bool) -> None:
        self.count += 1
        self.sum = bounded(self.sum + value)
        self.product = bounded(self.product * value)
        difference = bounded(value - self.running_mean)
        self.running_mean = bounded(self.running_mean + difference / self.count)
        self.squares = bounded(self.squares + difference * bounded(value - self.running_mean))
        self.min = value if self.min is None else min(self.min, value)
        self.max = value if self.max is None else max(self.max, value)
        self.first = value if self.first is None else self.first
        if with_frequencies:
            self.frequencies[value] = self.frequencies.get(value, 0) + 1


def _variance(tally: Tally) -> float | None:
    """Of a sample, as today: divided by one less than the count; null below two values."""
    return tally.squares / (tally.count - 1) if tally.count > 1 else None


def _stdev(tally: Tally) -> float | None:
    variance = _variance(tally)
    return None if variance is None else math.sqrt(variance)


def _median(tally: Tally) -> float:
    lower = _value_at(tally, (tally.count - 1) // 2)
    upper = _value_at(tally, tally.count // 2)
    return lower / 2 + upper / 2 if lower != upper else lower


def _value_at(tally: Tally, rank: int) -> float:
    passed = 0
    for value in sorted(tally.frequencies):
        passed += tally.frequencies[value]
        if passed > rank:
            return value
    return math.nan  # not reached: rank is below count


def _mode(tally: Tally) -> float:
    most = max(tally.frequencies.values())
    return min(value for value, count in tally.frequencies.items() if count == most)


OPERATIONS: dict[str, Callable[[Tally], float | None]] = {
    "count": lambda tally: tally.count,
    "min": lambda tally: tally.min,
    "max": lambda tally: tally.max,
    "sum": lambda tally: tally.sum,
    "product": lambda tally: tally.product,
    "mean": lambda tally: tally.sum / tally.count,
    "sse": lambda tally: tally.squares,
    "variance": _variance,
    "stdev": _stdev,
    "first": lambda tally: tally.first,
    "median": _median,
    "mode": _mode,
}


class SummaryStats:
    """Statistics of the numbers in one field; absent, blank and non-numeric values are skipped."""

    def resume(self, options: Options, stored: Reduced) -> Tally:
        kept = stored_object(stored.store)
        pairs = stored_pairs(kept.pop("frequencies", None))
        known = {one.name for one in fields(Tally)}
        numbers = {name: kept[name] for name in kept if name in known and is_number(kept[name])}
        return Tally(**numbers, frequencies={float(value): count for value, count in pairs})

    def add(self, options: Options, state: Tally, group: Group) -> Tally:
        with_frequencies = not {"median", "mode"}.isdisjoint(options["operations"])
        for value in _values(options["summarize_field"], group):
            number = _number(value)
            if number is None:
                state.skipped += 1
            else:
                state.add(number, with_frequencies=with_frequencies)
        return state

    def result(self, options: Options, state: Tally) -> Reduced:
        store = asdict(state)
        store["frequencies"] = [[value, count] for value, count in state.frequencies.items()]
        return Reduced({name: _result(name, state) for name in options["operations"]}, store)


def _result(operation: str, tally: Tally) -> float | None:
    if tally.count == 0:
        return 0 if operation == "count" else None
    return OPERATIONS[operation](tally)


def _values(summarize_field: str, group: Group) -> Iterator[Any]:
    """The field's value in each extract that is meant, None where it is absent."""
    extractor_key, dot, name = summarize_field.partition(".")
    for extract in group.extracts:
        if not dot or extract.extractor_key == extractor_key:
            data = extract.data if isinstance(extract.data, dict) else {}
            yield data.get(name if dot else summarize_field)


def _number(value: Any) -> float | None:
    number = whole_text_number(value) if isinstance(value, str) else value
    return float(bounded(number)) if number is not None and is_number(number) else None


def _summarize_field(value: Any) -> str:
    extractor_key, dot, name = text(value).partition(".")
    if dot and not (extractor_key and name):
        raise Unreadable("must be a field, or an extractor and a field: extractor.field")
    return str(value)


def _operations(value: Any) -> tuple[str, ...]:
    operations = tuple(dict.fromkeys(texts(value)))
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown or not operations:
        raise Unreadable(f"must be one or several of: {', '.join(OPERATIONS)}")
    return operations


OPERATION_WORDS = {
    "count": "count: how many values",
    "min": "min: the smallest",
    "max": "max: the largest",
    "sum": "sum",
    "product": "product",
    "mean": "mean: the average",
    "sse": "sse: the sum of squared differences from the mean",
    "variance": "variance",
    "stdev": "stdev: the standard deviation",
    "first": "first: the value that came first",
    "median": "median: the value in the middle",
    "mode": "mode: the most frequent",
}
SUMMARY_OPTIONS = (
    Option(
        "summarize_field",
        _summarize_field,
        required=True,
        kind="extractor and field",
        label="Field",
        help="Whose numbers it takes: a field, or an extractor and a field. What is no number is"
        " skipped.",
        example="slider.value",
    ),
    Option(
        "operations",
        _operations,
        required=True,
        kind="choices",
        label="Statistics",
        help="One or several.",
        example="mean",
        choices=OPERATION_WORDS,
    ),
)
