"""The steps of a reduction: subgroups, what each filter took out and why, and the result."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from caesar_web.domain.classification import Extract, Group, grouped
from caesar_web.domain.filters import Filters, Reason
from caesar_web.domain.folds import NOTHING, Reduced, stored_object
from caesar_web.domain.grouping import Grouping, GroupingFailed
from caesar_web.domain.series import DefaultSeries, Reducer, RunningSeries


@dataclass(frozen=True)
class Fallen:
    """Extracts of one classification that one filter took out, and why in plain words."""

    reason: Reason
    words: str
    extracts: tuple[Extract, ...]


@dataclass(frozen=True)
class Unplaced:
    """A classification that belongs to no subgroup, and why."""

    group: Group
    words: str


@dataclass(frozen=True)
class SubgroupSteps:
    """One subgroup: what came in, what fell out filter by filter, what was kept, the result.

    `left_out` says how many values could not be added; `is_made_elsewhere` that the result came
    from a service, the aggregation library or a script, or is still to come.
    """

    name: str
    groups: tuple[Group, ...]
    fallen: tuple[Fallen, ...]
    kept: tuple[Extract, ...]
    reduced: Reduced = NOTHING
    is_made_elsewhere: bool = False

    @property
    def data(self) -> Any:
        return self.reduced.data

    @property
    def left_out(self) -> int:
        kept = stored_object(self.reduced.store)
        numbers = (kept.get("left_out"), kept.get("skipped"))
        return sum(number for number in numbers if isinstance(number, int))


@dataclass(frozen=True)
class Steps:
    """How the extracts of one subject or user become reductions, or the error that stops them.

    `bounded_to` is the number of newest extracts that were looked at, where there are more.
    """

    subgroups: tuple[SubgroupSteps, ...] = ()
    unplaced: tuple[Unplaced, ...] = ()
    error: str | None = None
    bounded_to: int | None = None


@dataclass
class _Course:
    """What the filters tell while they are at work."""

    filters: Filters
    fallen: list[Fallen] = field(default_factory=list)

    def tell(self, reason: Reason, before: Group, after: Group | None) -> None:
        left = {extract.id for extract in after.extracts} if after else set()
        gone = tuple(extract for extract in before.extracts if extract.id not in left)
        self.fallen.append(Fallen(reason, _words(reason, self.filters), gone))


def explain(
    reducer: Reducer, extracts: Iterable[Extract], *, training: Collection[int] = ()
) -> Steps:
    """What a reducer makes of the extracts of one subject or user, all of them from nothing.

    In running mode that is what it makes of them when they come in this order; `training` names
    the subjects whose answers are known.
    """
    groups = grouped(extracts)
    course = _Course(reducer.filters.without_order() if reducer.is_running else reducer.filters)
    placed, unplaced = _placed(reducer.grouping, groups)
    results: dict[str, Reduced] = {}
    error = None
    try:
        results = _results(reducer, groups, course, training)
    except GroupingFailed as problem:
        error = str(problem)
    if not reducer.is_running:
        for members in placed.values():
            course.filters.select(members, training, tell=course.tell)
    steps = (
        _subgroup(name, members, course.fallen, results.get(name, NOTHING))
        for name, members in sorted(placed.items())
    )
    return Steps(tuple(steps), tuple(unplaced), error)


def with_results(steps: Steps, came: Mapping[str, Any]) -> Steps:
    """The steps of a reducer whose data are made elsewhere, with what came for each subgroup."""
    subgroups = (
        replace(one, reduced=Reduced(came.get(one.name), None), is_made_elsewhere=True)
        for one in steps.subgroups
    )
    return replace(steps, subgroups=tuple(subgroups))


def _placed(
    grouping: Grouping, groups: Iterable[Group]
) -> tuple[dict[str, list[Group]], list[Unplaced]]:
    placed: dict[str, list[Group]] = {}
    unplaced = []
    for group in groups:
        try:
            name = grouping.subgroup(group)
        except GroupingFailed as problem:
            unplaced.append(Unplaced(group, str(problem)))
            continue
        if name is None:
            field_name = f"{grouping.extractor_key}.{grouping.field}"
            unplaced.append(Unplaced(group, f"it has no {field_name}"))
        else:
            placed.setdefault(name, []).append(group)
    return placed, unplaced


def _results(
    reducer: Reducer, groups: list[Group], course: _Course, training: Collection[int]
) -> dict[str, Reduced]:
    """What the engine makes of them. In default mode raises GroupingFailed."""
    if not groups:
        return {}
    if not reducer.is_running:
        default = DefaultSeries(reducer, groups[:-1], training=training)
        default.arrive(groups[-1])
        return default.results
    running = RunningSeries(reducer, {}, (), training=training, tell=course.tell)
    for group in groups:
        try:
            running.arrive(group)
        except GroupingFailed:  # in running mode it stops no other
            continue
    return running.results


def _subgroup(
    name: str, members: list[Group], fallen: Iterable[Fallen], reduced: Reduced
) -> SubgroupSteps:
    ids = {extract.id for group in members for extract in group.extracts}
    own = tuple(one for one in fallen if one.extracts[0].id in ids)
    gone = {extract.id for one in own for extract in one.extracts}
    kept = (extract for group in members for extract in group.extracts if extract.id not in gone)
    return SubgroupSteps(name, tuple(members), own, tuple(kept), reduced)


def _words(reason: Reason, filters: Filters) -> str:
    if reason == "repeat":
        is_first = filters.repeated_classifications == "keep_first"
        return f"{'a later' if is_first else 'an earlier'} classification of the same volunteer"
    if reason == "training":
        wants_training = filters.training_behavior == "training_only"
        return "not a training subject" if wants_training else "a training subject"
    if reason == "range":
        return f"outside {_place(filters.start)} to {_place(filters.end)}"
    return {"extractor": "not one of the extractors", "empty": "empty"}[reason]


def _place(number: int) -> str:
    """A place in the order of time, counted as in the configuration: from 0, or from the end."""
    if number >= 0:
        return str(number)
    return "the last" if number == -1 else f"{-number} from the end"
