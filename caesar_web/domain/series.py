"""A series: the reductions of one reducer over one subject or user, step by step.

`arrive` takes one classification at a time, as if it had come alone; what has come before is not
reduced again where the new one comes last and the filters only append.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from caesar_web.domain.classification import Extract, Group
from caesar_web.domain.filters import Filters, Pair, Sieve, Tell
from caesar_web.domain.folds import NOTHING, Reduced
from caesar_web.domain.grouping import Grouping, GroupingFailed
from caesar_web.domain.reducers import ReducerType

TOPICS = ("reduce_by_subject", "reduce_by_user")
MODES = ("default_reduction", "running_reduction")


@dataclass(frozen=True)
class Reducer:
    """A configured reducer of a workflow or project.

    What came within its `gaps` is never counted in running mode. Its `secrets` are sealed.
    """

    id: int
    key: str
    type: ReducerType
    options: Mapping[str, Any]
    filters: Filters = field(default_factory=Filters)
    grouping: Grouping = field(default_factory=Grouping)
    topic: str = "reduce_by_subject"
    is_running: bool = False
    relevant_keys: tuple[str, ...] = ()
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    secrets: str | None = field(default=None, repr=False)


def keys_that_matter(reducers: Iterable[Reducer]) -> set[str] | None:
    """The extractors whose extracts any of them looks at; None: all.

    Of other extracts only that there are any matters, as a volunteer who comes again is told by it.
    """
    keys: set[str] = set()
    for reducer in reducers:
        if reducer.grouping.is_used or not reducer.filters.extractor_keys:
            return None
        keys.update(reducer.filters.extractor_keys)
    return keys


class Series(Protocol):
    """What both modes offer; `results` holds the subgroups reduced so far, by name."""

    results: dict[str, Reduced]

    def arrive(self, group: Group) -> set[str]:
        """Takes in a classification with all its extracts; gives the subgroups that it touched.

        Raises GroupingFailed.
        """


class DefaultSeries:
    """Default mode: starts from nothing and goes through everything that has come before."""

    def __init__(
        self, reducer: Reducer, history: Iterable[Group], *, training: Collection[int] = ()
    ) -> None:
        self.results: dict[str, Reduced] = {}
        self._reducer = reducer
        self._training = training
        self._waiting = list(history)
        self._subgroups: dict[str, _Subgroup] = {}
        self._subgroup_of: dict[int, str] = {}

    def arrive(self, group: Group) -> set[str]:
        """A classification with the id of an earlier one takes its place."""
        # Kept until all of them have a subgroup: one that lacks it fails every later reduction.
        self._waiting = [*_without(self._waiting, group), group]
        placed = [(one, self._subgroup_name(one)) for one in self._waiting]
        self._waiting = []
        touched: set[str] = set()
        for one, name in placed:
            self._place(one, name, touched)
        for name in touched:
            self.results[name] = self._subgroups[name].result()
        return touched

    def _subgroup_name(self, group: Group) -> str | None:
        return self._reducer.grouping.subgroup(group) if group.extracts else None

    def _place(self, group: Group, name: str | None, touched: set[str]) -> None:
        """Puts a classification where it belongs now; adds the subgroups that change by it."""
        before = self._subgroup_of.pop(group.classification_id or 0, None)
        if before is not None:
            self._subgroups[before].remove(group)
            touched.add(before)
        if name is not None:
            if name not in self._subgroups:
                self._subgroups[name] = _Subgroup(self._reducer, self._training)
            self._subgroups[name].add(group)
            touched.add(name)
            if group.classification_id is not None:
                self._subgroup_of[group.classification_id] = name


class _Subgroup:
    """The classifications of one subgroup in order, and the fold over those let through."""

    def __init__(self, reducer: Reducer, training: Collection[int]) -> None:
        self._folding, self._options = reducer.type.fold, reducer.options
        self._filters = reducer.filters
        self._training = training
        self._groups: list[Group] = []
        self._is_stale = False
        self._restart()

    def add(self, group: Group) -> None:
        comes_last = not self._groups or self._groups[-1].position < group.position
        if comes_last:
            self._groups.append(group)
        else:
            insort(self._groups, group, key=lambda one: one.position)
        if comes_last and self._filters.only_appends and not self._is_stale:
            self._fold(self._sieve.admit(group))
        else:
            self._is_stale = True

    def remove(self, group: Group) -> None:
        self._groups = _without(self._groups, group)
        self._is_stale = True

    def result(self) -> Reduced:
        if self._is_stale:
            self._restart()
            if self._filters.only_appends:
                for group in self._groups:
                    self._fold(self._sieve.admit(group))
            else:
                for group in self._filters.select(self._groups, self._training):
                    self._fold(group)
        if not self._any_let_through:
            return NOTHING
        return self._folding.result(self._options, self._state)

    def _restart(self) -> None:
        self._sieve = Sieve(self._filters, self._training)
        self._state = self._folding.resume(self._options, NOTHING)
        self._any_let_through = False
        self._is_stale = False

    def _fold(self, group: Group | None) -> None:
        if group is not None:
            self._state = self._folding.add(self._options, self._state, group)
            self._any_let_through = True


class Counted(NamedTuple):
    """One extract that a running reduction has counted; it must never count it again."""

    subgroup: str
    classification_id: int | None
    extract_id: int
    extractor_key: str
    user_id: int | None
    subject_id: int

    @property
    def identity(self) -> tuple[object, ...]:
        """An extract that was taken away and made again has another id, but is still the same."""
        if self.classification_id is None:
            return (self.extract_id,)
        return (self.classification_id, self.extractor_key)


class RunningSeries:
    """Running mode: goes on from what is stored and counts every extract once."""

    def __init__(
        self,
        reducer: Reducer,
        stored: Mapping[str, Reduced],
        counted: Iterable[Counted],
        *,
        history: Iterable[Group] = (),
        training: Collection[int] = (),
        tell: Tell | None = None,
    ) -> None:
        self.results: dict[str, Reduced] = {}
        self.newly_counted: list[Counted] = []
        self._reducer = reducer
        self._filters = reducer.filters.without_order()
        self._training = training
        self._tell = tell
        self._stored = stored
        self._waiting = list(history)
        self._states: dict[str, Any] = {}
        self._counted: set[tuple[object, ...]] = set()
        self._seen: dict[str, set[Pair]] = {}
        for one in counted:
            self._remember(one)

    def arrive(self, group: Group) -> set[str]:
        """What has been counted before, here or in an earlier series, is left out."""
        waiting = _without(self._waiting, group)
        self._waiting = []
        touched = {name for one in waiting if (name := self._count_if_placed(one)) is not None}
        name = self._count(group)
        return touched if name is None else touched | {name}

    def _count_if_placed(self, group: Group) -> str | None:
        """An earlier one that lacks its subgroup failed when it arrived; it stops no later one.

        A subgroup that is stored has counted all that came before; one that was empty so far is
        not stored, and begins again.
        """
        try:
            if self._reducer.grouping.subgroup(group) in self._stored:
                return None
            return self._count(group)
        except GroupingFailed:
            return None

    def _count(self, group: Group) -> str | None:
        fresh = self._fresh(group)
        name = self._reducer.grouping.subgroup(group) if fresh else None
        if name is None:
            return None
        is_continued = len(fresh) < len(group.extracts)
        candidate = group._replace(extracts=fresh, continued=is_continued)
        seen = self._seen.get(name, ())
        sieve = Sieve(self._filters, self._training, seen=seen, tell=self._tell)
        admitted = sieve.admit(candidate)
        if admitted is None:
            return None
        fold, options = self._reducer.type.fold, self._reducer.options
        if name not in self._states:
            self._states[name] = fold.resume(options, self._stored.get(name, NOTHING))
        self._states[name] = fold.add(options, self._states[name], admitted)
        self.results[name] = fold.result(options, self._states[name])
        for extract in admitted.extracts:
            self.newly_counted.append(_counted(name, extract))
            self._remember(self.newly_counted[-1])
        return name

    def _fresh(self, group: Group) -> tuple[Extract, ...]:
        return tuple(
            extract
            for extract in group.extracts
            if _counted("", extract).identity not in self._counted
        )

    def _remember(self, one: Counted) -> None:
        self._counted.add(one.identity)
        if one.user_id is not None:
            self._seen.setdefault(one.subgroup, set()).add((one.user_id, one.subject_id))


def _counted(subgroup: str, extract: Extract) -> Counted:
    return Counted(
        subgroup,
        extract.classification_id,
        extract.id,
        extract.extractor_key,
        extract.user_id,
        extract.subject_id,
    )


def _without(groups: list[Group], group: Group) -> list[Group]:
    """The groups but for an earlier version of the same classification."""
    id = group.classification_id
    return [one for one in groups if id is None or one.classification_id != id]
