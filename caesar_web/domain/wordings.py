"""Wordings: what answers were called that a configuration refers to, and what became of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from caesar_web.domain.conditions import Node
from caesar_web.domain.known import Known, KnownReducer
from caesar_web.domain.spots import Spot
from caesar_web.domain.tasks import Task

_ASKING = ("question", "survey")  # extractors whose fields are answers
_LEADING = {"consensus": "most_likely", "votes": "top_answer"}
_OF_ANSWERS = ("votes", "consecutive")  # fields of votes that have answers as fields
_TOGETHER = "+"  # between choices that are one leading answer

Wordings = Mapping[str, Mapping[str, str]]  # labels by task and answer


class AnswerReference(NamedTuple):
    """An answer of a task, as its number or choice."""

    task_key: str
    value: str


@dataclass(frozen=True)
class Reworded:
    """An answer that is called something else than it was, or is not there any more."""

    task_key: str
    value: str
    before: str
    now: str | None
    is_choice: bool = False
    moved_to: str | None = None

    @property
    def sentence(self) -> str:
        noun = "choice" if self.is_choice else "answer"
        now = "is not there any more" if self.now is None else f"is “{self.now}” now"
        moved = "" if self.moved_to is None else f"; “{self.before}” is {noun} {self.moved_to}"
        was = f"{self.task_key} {noun} {self.value} was “{self.before}” when this was saved"
        return f"{was} and {now}{moved}."


@dataclass(frozen=True)
class Configured:
    """What refers to answers: extractors (type and options), reducers and conditions."""

    extractors: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    reducers: Mapping[str, KnownReducer] = field(default_factory=dict)
    conditions: Sequence[Node] = ()


def referred(configured: Configured) -> set[AnswerReference]:
    """The answers to which rules and reducers refer, also those that no task has."""
    known = Known(reducers=configured.reducers)
    found = {
        AnswerReference(task_key, value)
        for condition in configured.conditions
        for spot in Spot(condition, known).everywhere()
        for reducer, value in _of_spot(spot)
        for task_key in _tasks_of(reducer, configured)
    }
    return found | {
        one for each in configured.reducers.values() for one in _named(each, configured)
    }


def remembered(references: Iterable[AnswerReference], tasks: Sequence[Task]) -> dict[str, Any]:
    """What the answers are called now, of those that there are."""
    labels = _labels(tasks)
    kept: dict[str, dict[str, str]] = {}
    for key, value in sorted(references):
        if value in labels.get(key, {}):
            kept.setdefault(key, {})[value] = labels[key][value]
    return kept


def carried_on(
    before: Wordings, references: Iterable[AnswerReference], tasks: Sequence[Task]
) -> dict[str, Any]:
    """What is remembered after a change: to what is still referred keeps its earlier name."""
    wanted = set(references)
    kept = remembered(wanted, tasks)
    for key, labels in before.items():
        for value, label in labels.items():
            if (key, value) in wanted:
                kept.setdefault(key, {})[value] = label
    return kept


def reworded(before: Wordings, tasks: Sequence[Task]) -> list[Reworded]:
    """What is called something else now. Tasks that are gone are told elsewhere."""
    by_key = {task.key: task for task in tasks}
    found = []
    for key, labels in before.items():
        now = _labels(tasks).get(key, {})
        for value, label in labels.items():
            if key in by_key and now.get(value) != label:
                moved = next((other for other, name in now.items() if name == label), None)
                is_choice = by_key[key].kind == "survey"
                found.append(Reworded(key, value, label, now.get(value), is_choice, moved))
    return found


def _labels(tasks: Sequence[Task]) -> Wordings:
    return {task.key: {one.value: one.label for one in task.answers} for task in tasks}


def _of_spot(spot: Spot) -> Iterator[tuple[KnownReducer, str]]:
    """The answers that stand at a spot, each with the reducer that has it."""
    if spot.operator == "lookup" and not spot.in_entry:
        yield from _counted(spot)
    if spot.operator != "eq":
        return
    texts = [one.node.arguments[0] for one in spot.operands if one.operator == "const"]
    for operand in spot.operands:
        reducer = _compared(operand) if operand.operator == "lookup" else None
        for text in texts:
            if reducer is not None and isinstance(text, str):
                yield from ((reducer, one) for one in {text, *text.split(_TOGETHER)})


def _counted(lookup: Spot) -> Iterator[tuple[KnownReducer, str]]:
    """The answer that a lookup counts."""
    reducer, field = lookup.reducer, lookup.split_key.field
    if reducer is not None and reducer.type == "votes":
        first, _, field = field.partition(".")
        if first in _OF_ANSWERS and field:
            yield reducer, field
    elif reducer is not None and reducer.type == "stats":
        yield reducer, field


def _compared(lookup: Spot) -> KnownReducer | None:
    """The reducer whose answer a lookup gives as text."""
    if not lookup.in_entry:
        leading = _LEADING.get(lookup.reducer.type) if lookup.reducer else None
        return lookup.reducer if lookup.split_key.field == leading else None
    around = lookup.parent
    while around is not None and around.operator not in ("any", "all"):
        around = around.parent
    if around is None or around.in_entry or lookup.key != "key" or around.reducer is None:
        return None
    is_of_votes = around.reducer.type == "votes" and around.split_key.field in _OF_ANSWERS
    return around.reducer if around.reducer.type == "stats" or is_of_votes else None


def _tasks_of(reducer: KnownReducer, configured: Configured) -> list[str]:
    keys = reducer.filters.extractor_keys or tuple(configured.extractors)
    return [task for key in keys if (task := _task_of(key, configured))]


def _task_of(extractor_key: str, configured: Configured) -> str | None:
    type_name, options = configured.extractors.get(extractor_key, ("", {}))
    return str(options.get("task_key") or "T0") if type_name in _ASKING else None


def _named(reducer: KnownReducer, configured: Configured) -> Iterator[AnswerReference]:
    """The answers that a reducer names itself: what it summarizes, and what it groups by."""
    key, _, summarized = str(reducer.options.get("summarize_field") or "").partition(".")
    for extractor_key, value in ((key, summarized), _grouped(reducer)):
        task = _task_of(extractor_key, configured)
        if task and value:
            yield AnswerReference(task, value)
    for name in ("answers", "positive", "negative"):
        for value in reducer.options.get(name) or ():
            yield from (AnswerReference(task, value) for task in _tasks_of(reducer, configured))


def _grouped(reducer: KnownReducer) -> tuple[str, str]:
    return reducer.grouping.extractor_key or "", reducer.grouping.field
