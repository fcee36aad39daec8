"""Filters: which classifications, and which of their extracts, a reducer sees."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from caesar_web.domain.classification import Extract, Group
from caesar_web.domain.options import Option, Unreadable, choice, read_options, texts, whole_number
from caesar_web.domain.values import Problem, is_blank

Pair = tuple[int, int]
Reason = Literal["repeat", "extractor", "empty", "training", "range"]
Narrow = Callable[["Sieve", Group], Group | None]
Stage = tuple[Reason, Narrow]
Tell = Callable[[Reason, Group, Group | None], None]  # a group, and what a filter left of it


@dataclass(frozen=True)
class Filters:
    """The filters of one reducer, in the words of its configuration."""

    start: int = 0
    end: int = -1
    extractor_keys: tuple[str, ...] = ()
    empty_extracts: str = "keep_all"
    repeated_classifications: str = "keep_first"
    training_behavior: str = "ignore_training"

    @cached_property
    def only_appends(self) -> bool:
        """Whether a classification that comes last never changes what was let through before."""
        return self.repeated_classifications != "keep_last" and self.start >= 0 and self.end >= -1

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """What can take anything from one group after another, in order."""
        in_sieve: dict[Reason, tuple[Narrow, bool]] = {
            "repeat": (Sieve._without_repeat, self.repeated_classifications == "keep_first"),
            "extractor": (Sieve._of_extractors, bool(self.extractor_keys)),
            "empty": (Sieve._without_empty, self.empty_extracts != "keep_all"),
            "training": (Sieve._of_training, self.training_behavior != "ignore_training"),
            "range": (Sieve._of_range, self.only_appends and (self.start, self.end) != (0, -1)),
        }
        return tuple((reason, narrow) for reason, (narrow, used) in in_sieve.items() if used)

    def without_order(self) -> "Filters":
        """For running mode, where only what is new is seen: range and keep_last make no sense."""
        repeats = self.repeated_classifications
        repeats = "keep_first" if repeats == "keep_last" else repeats
        return replace(self, start=0, end=-1, repeated_classifications=repeats)

    def select(
        self, groups: Iterable[Group], training: Collection[int], *, tell: Tell | None = None
    ) -> list[Group]:
        """What is let through of all the groups of one subgroup, in their order.

        `tell` hears of each group that loses extracts, as it does in `Sieve`.
        """
        sieve = Sieve(self, training, tell=tell)
        groups = list(groups)
        if self.repeated_classifications == "keep_last":
            groups = _told("repeat", groups, _last_of_each(groups), tell)
        admitted = [kept for group in groups if (kept := sieve.admit(group))]
        if self.only_appends:
            return admitted
        length = len(admitted)
        in_range = [group for at, group in enumerate(admitted) if self._in_range(at, length)]
        return _told("range", admitted, in_range, tell)

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
        self,
        filters: Filters,
        training: Collection[int],
        *,
        seen: Iterable[Pair] = (),
        tell: Tell | None = None,
    ) -> None:
        self._filters = filters
        self._training = training
        self._seen = set(seen)
        self._tell = tell
        self._admitted = 0

    def admit(self, group: Group) -> Group | None:
        """What is left of the group; None: nothing."""
        kept = group
        for reason, narrow in self._filters.stages:
            left = narrow(self, kept)
            if left is not kept and self._tell:
                self._tell(reason, kept, left)
            if left is None:
                return None
            kept = left
        return kept

    def _without_repeat(self, group: Group) -> Group | None:
        user_id = group.user_id
        if user_id is None:
            return group
        pair = (user_id, group.subject_id)
        if pair in self._seen and not group.continued:
            return None
        self._seen.add(pair)
        return group

    def _of_extractors(self, group: Group) -> Group | None:
        keys = self._filters.extractor_keys
        return _narrowed(group, [one for one in group.extracts if one.extractor_key in keys])

    def _without_empty(self, group: Group) -> Group | None:
        return _narrowed(group, [one for one in group.extracts if not is_blank(one.data)])

    def _of_training(self, group: Group) -> Group | None:
        is_training = group.subject_id in self._training
        wants_training = self._filters.training_behavior == "training_only"
        return group if is_training == wants_training else None

    def _of_range(self, group: Group) -> Group | None:
        self._admitted += 1
        return group if self._filters.in_open_range(self._admitted - 1) else None


def _narrowed(group: Group, kept: list[Extract]) -> Group | None:
    if len(kept) == len(group.extracts):
        return group
    if not kept:
        return None
    return Group(group.at, group.classification_id, tuple(kept), group.continued)


def _last_of_each(groups: list[Group]) -> list[Group]:
    last = {(group.user_id, group.subject_id): group for group in groups}
    return [
        group
        for group in groups
        if group.user_id is None or last[group.user_id, group.subject_id] is group
    ]


def _told(reason: Reason, groups: list[Group], left: list[Group], tell: Tell | None) -> list[Group]:
    if tell:
        positions = {group.position for group in left}
        for group in groups:
            if group.position not in positions:
                tell(reason, group, None)
    return left


def is_training(metadata: Mapping[str, Any] | None) -> bool:
    """Whether a subject's metadata mark it as one whose answer is known."""
    marked = (metadata or {}).get("#training_subject")
    return marked is True or (isinstance(marked, str) and marked.strip().lower() == "true")


def read_filters(config: Any, *, place: str, problems: list[Problem]) -> Filters:
    """The filters of a reducer's configuration; what is wrong is added to `problems`."""
    values = read_options(FILTER_OPTIONS, config or {}, place=place, problems=problems)
    if not values:
        return Filters()
    start, end = values.pop("from"), values.pop("to")
    return Filters(start=start, end=end, **values)


def _extractor_keys(value: Any) -> tuple[str, ...]:
    try:
        return texts(value)
    except Unreadable:
        raise Unreadable("must be an extractor's key or a list of them") from None


def _chosen(name: str, default: str, label: str, help: str, choices: Mapping[str, str]) -> Option:
    return Option(
        name,
        choice(*choices),
        default=default,
        kind="choice",
        label=label,
        help=help,
        example=default,
        choices=choices,
    )


FILTER_OPTIONS = (
    _chosen(
        "repeated_classifications",
        "keep_first",
        "The same volunteer again",
        "Which classification counts if somebody sees the same subject more than once.",
        {
            "keep_first": "only the first one counts",
            "keep_last": "only the last one counts",
            "keep_all": "all of them count",
        },
    ),
    Option(
        "extractor_keys",
        _extractor_keys,
        default=(),
        kind="extractors",
        label="Extractors",
        help="Whose extracts it looks at. None chosen: those of all extractors.",
        example="T0",
    ),
    _chosen(
        "empty_extracts",
        "keep_all",
        "Empty extracts",
        "Whether extracts without any data count.",
        {"keep_all": "they count", "ignore_empty": "they are left out"},
    ),
    _chosen(
        "training_behavior",
        "ignore_training",
        "Training subjects",
        "Whether it matters that a subject’s answer is known.",
        {
            "ignore_training": "all subjects count, training or not",
            "training_only": "only training subjects count",
            "experiment_only": "training subjects are left out",
        },
    ),
    Option(
        "from",
        whole_number,
        default=0,
        kind="whole number",
        label="From classification",
        help="The first that counts, in order of time. 0 is the first; -1 is the last.",
        example="0",
    ),
    Option(
        "to",
        whole_number,
        default=-1,
        kind="whole number",
        label="To classification",
        help="The last that counts, itself included. -1 is the last of all.",
        example="4 for the first five",
    ),
)
