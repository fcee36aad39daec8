"""Filters: which classifications, and which of their extracts, a reducer sees."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from caesar_web.domain.classification import Group
from caesar_web.domain.options import Option, Unreadable, choice, read_options, texts, whole_number
from caesar_web.domain.values import Problem, is_blank

Pair = tuple[int, int]


@dataclass(frozen=True)
class Filters:
    """The filters of one reducer, in the words of its configuration."""

    start: int = 0
    end: int = -1
    extractor_keys: tuple[str, ...] = ()
    empty_extracts: str = "keep_all"
    repeated_classifications: str = "keep_first"
    training_behavior: str = "ignore_training"

    @property
    def only_appends(self) -> bool:
        """Whether a classification that comes last never changes what was let through before."""
        return self.repeated_classifications != "keep_last" and self.start >= 0 and self.end >= -1

    def without_order(self) -> "Filters":
        """For running mode, where only what is new is seen: range and keep_last make no sense."""
        repeats = self.repeated_classifications
        repeats = "keep_first" if repeats == "keep_last" else repeats
        return replace(self, start=0, end=-1, repeated_classifications=repeats)

    def select(self, groups: Iterable[Group], training: Collection[int]) -> list[Group]:
        """What is let through of all the groups of one subgroup, in their order."""
        sieve = Sieve(self, training)
        groups = list(groups)
        if self.repeated_classifications == "keep_last":
            groups = _last_of_each(groups)
        admitted = [kept for group in groups if (kept := sieve.admit(group))]
        if self.only_appends:
            return admitted
        return [group for at, group in enumerate(admitted) if self._in_range(at, len(admitted))]

    def _in_range(self, at: int, length: int) -> bool:
        start = self.start + length if self.start < 0 else self.start
        end = self.end + length if self.end < 0 else self.end
        return 0 <= start <= at <= end

    def in_open_range(self, at: int) -> bool:
        """The range of filters that only append, for the group number `at` of any length."""
        return self.start <= at and (self.end == -1 or at <= self.end)


class Sieve:
    """Lets the groups of one subgroup through one at a time, in their order."""

    def __init__(
        self, filters: Filters, training: Collection[int], *, seen: Iterable[Pair] = ()
    ) -> None:
        self._filters = filters
        self._training = training
        self._seen = set(seen)
        self._admitted = 0

    def admit(self, group: Group) -> Group | None:
        """What is left of the group; None: nothing."""
        kept = self._without_repeat(group)
        kept = kept and self._of_extractors(kept)
        kept = kept and self._without_empty(kept)
        kept = kept and self._of_training(kept)
        if kept is None:
            return None
        self._admitted += 1
        if self._filters.only_appends and not self._filters.in_open_range(self._admitted - 1):
            return None
        return kept

    def _without_repeat(self, group: Group) -> Group | None:
        if group.user_id is None or self._filters.repeated_classifications != "keep_first":
            return group
        pair = (group.user_id, group.subject_id)
        if pair in self._seen and not group.continued:
            return None
        self._seen.add(pair)
        return group

    def _of_extractors(self, group: Group) -> Group | None:
        keys = self._filters.extractor_keys
        if not keys or all(one.extractor_key in keys for one in group.extracts):
            return group
        return _narrowed(group, lambda one: one.extractor_key in keys)

    def _without_empty(self, group: Group) -> Group | None:
        if self._filters.empty_extracts == "keep_all":
            return group
        return _narrowed(group, lambda one: not is_blank(one.data))

    def _of_training(self, group: Group) -> Group | None:
        wanted = self._filters.training_behavior
        if wanted == "ignore_training":
            return group
        is_training = group.subject_id in self._training
        return group if is_training == (wanted == "training_only") else None


def _narrowed(group: Group, wanted: Any) -> Group | None:
    extracts = tuple(extract for extract in group.extracts if wanted(extract))
    if not extracts:
        return None
    return Group(group.at, group.classification_id, extracts, group.continued)


def _last_of_each(groups: list[Group]) -> list[Group]:
    last = {(group.user_id, group.subject_id): group for group in groups}
    return [
        group
        for group in groups
        if group.user_id is None or last[group.user_id, group.subject_id] is group
    ]


def is_training(metadata: Mapping[str, Any] | None) -> bool:
    """Whether a subject's metadata mark it as one whose answer is known."""
    marked = (metadata or {}).get("#training_subject")
    return marked is True or (isinstance(marked, str) and marked.strip().lower() == "true")


def read_filters(config: Any, *, place: str, problems: list[Problem]) -> Filters:
    """The filters of a reducer's configuration; what is wrong is added to `problems`."""
    values = read_options(_OPTIONS, config or {}, place=place, problems=problems)
    if not values:
        return Filters()
    start, end = values.pop("from"), values.pop("to")
    return Filters(start=start, end=end, **values)


def _repeats(value: Any) -> str:
    return str(choice("keep_first", "keep_last", "keep_all")(value))


def _extractor_keys(value: Any) -> tuple[str, ...]:
    try:
        return texts(value)
    except Unreadable:
        raise Unreadable("must be an extractor's key or a list of them") from None


_OPTIONS = (
    Option("from", whole_number, default=0),
    Option("to", whole_number, default=-1),
    Option("extractor_keys", _extractor_keys, default=()),
    Option("empty_extracts", choice("keep_all", "ignore_empty"), default="keep_all"),
    Option("repeated_classifications", _repeats, default="keep_first"),
    Option(
        "training_behavior",
        choice("ignore_training", "training_only", "experiment_only"),
        default="ignore_training",
    ),
)
