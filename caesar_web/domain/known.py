"""What is known of the data that a condition looks at: the configuration, and a sample."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from caesar_web.domain.filters import Filters
from caesar_web.domain.grouping import DEFAULT_SUBGROUP, Grouping
from caesar_web.domain.scope import ReductionScope
from caesar_web.domain.swap import Tally
from caesar_web.domain.values import kind_of

MOST_SUBJECTS = 500
MOST_KEYS = 500
MOST_VALUES = 100  # different ones of one key
LONGEST_TEXT = 200
DEEPEST = 3

_FIELDS = {
    "consensus": frozenset({"most_likely", "num_votes", "agreement"}),
    "count": frozenset({"classifications", "extracts"}),
    "unique_count": frozenset({""}),
    "votes": frozenset({"people", "total_votes", "top_answer", "top_votes", "margin", "agreement"}),
    "swap": frozenset({"likelihood", "num_classifications", "seen_by_expert"}),
    "swap_skill": frozenset({"training", *Tally._fields, "p_positive", "p_negative", "skill"}),
}
_OBJECTS = {"votes": ("votes", "consecutive"), "swap": ("trajectory",)}  # no single values
_NUMBERS = {*_FIELDS, "stats", "summary_stats"}
_OTHERS = {
    ("consensus", "most_likely"): "text",
    ("votes", "top_answer"): "text",
    ("swap", "seen_by_expert"): "true/false",
}


@dataclass(frozen=True)
class Seen:
    """What one key gave in the sample: how often each kind of value, and how often which value.

    Objects, lists, very long texts and rare values beyond the limit are in `kinds` only.
    """

    kinds: Mapping[str, int]
    values: tuple[tuple[Any, int], ...] = ()

    @property
    def count(self) -> int:
        """In how many of the sampled subjects it was found."""
        return sum(self.kinds.values())


@dataclass(frozen=True)
class KnownReducer:
    """A reducer as it is configured."""

    type: str
    options: Mapping[str, Any] = field(default_factory=dict)
    filters: Filters = field(default_factory=Filters)
    grouping: Grouping = field(default_factory=Grouping)

    @property
    def fields(self) -> frozenset[str] | None:
        """All the fields that its reductions can have ("" for a bare value), where that is sure."""
        if self.type == "summary_stats":
            return frozenset(self.options.get("operations", ())) or None
        return _FIELDS.get(self.type)

    def has(self, name: str) -> bool:
        """Whether its reductions can have a field, as far as that is sure."""
        is_within = name.partition(".")[0] in _OBJECTS.get(self.type, ())
        return self.fields is None or name in self.fields or is_within

    @property
    def extractor_keys(self) -> frozenset[str]:
        """The extractors that it names."""
        grouped_by = self.grouping.extractor_key
        return frozenset(self.filters.extractor_keys) | ({grouped_by} if grouped_by else set())

    def kind(self, name: str) -> str | None:
        """The kind of value that a field has, where that is sure."""
        number = "a number" if self.type in _NUMBERS else None
        return _OTHERS.get((self.type, name), number)


@dataclass(frozen=True)
class Known:
    """What is known where a condition is written; None stands for what was not asked.

    `reducers` are those whose reductions the rule can see, so of its own topic. `filled` says how
    often in the sample a reduction had entries. `is_whole` is false where the sample had more keys
    than are kept.
    """

    sampled: int = 0
    seen: Mapping[str, Seen] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)
    subgroups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_whole: bool = True
    reducers: Mapping[str, KnownReducer] | None = None
    extractors: frozenset[str] | None = None
    is_for_users: bool = False

    @property
    def targets(self) -> str:
        """What was sampled, in words."""
        return "users" if self.is_for_users else "subjects"


def observe(samples: Iterable[ReductionScope]) -> Known:
    """What the first of these subjects or users have; configuration is for the caller to add."""
    scopes = list(islice(samples, MOST_SUBJECTS))
    # One more than are kept shows that there are more.
    keys = dict.fromkeys(key for scope in scopes for key in islice(_keys(scope), MOST_KEYS + 1))
    found = {key: _seen(scope.find(key) for scope in scopes) for key in islice(keys, MOST_KEYS)}
    subgroups: defaultdict[str, set[str]] = defaultdict(set)
    for scope in scopes:
        for reducer, named in islice(scope.reductions.items(), MOST_KEYS):
            subgroups[reducer] |= set(islice(named, MOST_VALUES)) - {DEFAULT_SUBGROUP}
    return Known(
        sampled=len(scopes),
        seen={key: seen for key, seen in found.items() if seen.count},
        filled=Counter(key for scope in scopes for key in _reductions(scope) if scope.entries(key)),
        subgroups={reducer: tuple(sorted(names)) for reducer, names in subgroups.items() if names},
        is_whole=len(keys) <= MOST_KEYS,
    )


def _keys(scope: ReductionScope) -> Iterator[str]:
    """All the keys that may find something here."""
    yield "subject.zooniverse_subject_id"
    yield from _fields("subject.", scope.metadata, 1)
    for reduction, data in _reductions(scope).items():
        yield reduction
        yield from _fields(f"{reduction}.", data, 1)


def _reductions(scope: ReductionScope) -> dict[str, Any]:
    """The data of each reduction, by the key that finds it."""
    return {
        reducer if name == DEFAULT_SUBGROUP else f"{reducer}[{name}]": data
        for reducer, subgroups in scope.reductions.items()
        for name, data in subgroups.items()
    }


def _fields(prefix: str, data: Any, depth: int) -> Iterator[str]:
    for name, value in data.items() if isinstance(data, Mapping) else ():
        yield f"{prefix}{name}"
        if depth < DEEPEST:
            yield from _fields(f"{prefix}{name}.", value, depth + 1)


def _seen(values: Iterable[Any]) -> Seen:
    found = [value for value in values if value is not None]
    kept = Counter((type(value), value) for value in found if _is_short(value))  # 1 is not True
    return Seen(
        dict(Counter(map(kind_of, found))),
        tuple((value, count) for (_, value), count in kept.most_common(MOST_VALUES)),
    )


def _is_short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT
    return isinstance(value, int | float)
