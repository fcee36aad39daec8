"""Offers: what can be made of one task, each explained and complete in itself."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from caesar_web.domain.blank_answers import blank_answer, human_answer, likely_answer, reason_of
from caesar_web.domain.offers_of_marks import marks_of
from caesar_web.domain.recipe_parameters import Parameter
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.renaming import Members, renamed
from caesar_web.domain.tasks import Answer, Task
from caesar_web.domain.unreadable_tasks import can_be_left_empty
from caesar_web.domain.values import InvalidConfiguration, Problem

# What many teams settle on; whoever accepts an offer can change it.
FIRST_PEOPLE = 3
PEOPLE = 5
VIEWS = 15

# A rule that never cuts off what may still be found comes before one that may.
_BEST_FIRST = ("first_say_blank", "drew_nothing", "agree", "first_say", "one_says", "seen")

_CHOSEN = ("single", "multiple", "dropdown", "survey")
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SUMMARY = ("count", "mean", "median")

Values = Mapping[str, Any]
Said = Callable[[Values], str]


@dataclass(frozen=True)
class Offer:
    """One thing to tick, and why; its `document` has all that it takes.

    `key` is the extractor's, the reducer's or the recipe's, and `values` are a recipe's.
    `make` makes the recipe's offer anew with other values. `answers` are those that it can be
    about. Of recipes the one with the lowest `rank` is the best.
    """

    name: str
    key: str
    why: str
    document: Members
    is_ticked: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[[Mapping[str, Any]], "Offer"] | None = field(default=None, compare=False)
    answers: tuple[Answer, ...] = ()
    rank: int = 0

    @property
    def numbers(self) -> list[Parameter]:
        """The values that people may want to be other numbers."""
        parameters = RECIPES[self.key].parameters if self.make else ()
        return [one for one in parameters if one.name in self.values and "number" in one.kind]

    def with_values(self, given: Mapping[str, Any]) -> "Offer":
        """The offer with other values. Raises InvalidConfiguration, as recipes do."""
        if self.make is None or not given:
            return self
        if self.answers and given.get("answer") not in (None, *(one.value for one in self.answers)):
            raise InvalidConfiguration([Problem("answer", "must be an answer of the task")])
        read = RECIPES[self.key].read({**self.values, **given})
        return replace(
            self.make({name: read[name] for name in self.values}), is_ticked=self.is_ticked
        )


def extractor_offers(task: Task, key: str) -> Iterator[Offer]:
    """The extractors of a task; `key` is what their keys are made of."""
    words = _words(task)
    if task.kind in _CHOSEN:
        document = _made("agree", _asked(task), key)
        yield _extractor(document, f"Reads what each person answers to {words}.", is_ticked=True)
    if task.kind == "slider":
        why = f"Reads the number that each person gives for {words}."
        yield _extractor(_slider(task, key), why, is_ticked=True)
    if can_be_left_empty(task):
        document = _made("drew_nothing", {"task_key": task.key}, key)
        why = f"Reads whether a person leaves {words} empty."
        yield _extractor(document, why, is_ticked=True)
    for marks in marks_of(task, key, words):
        yield _extractor(marks.document, marks.why_extracted)


def reducer_offers(task: Task, key: str) -> Iterator[Offer]:
    """The reducers of a task, each with the extractor that it looks at."""
    words = _words(task)
    if task.kind in _CHOSEN:
        counts = _made("some_say_the_same", _asked(task), key)
        why = f"Adds up how often each answer to {words} is given to a subject."
        yield _reducer(counts, why, is_ticked=True)
        consensus = _made("agree", _asked(task), key)
        why = f"Finds the answer to {words} that most people give, and how large their share is."
        yield _reducer(consensus, why)
    if task.kind == "slider":
        why = f"Works out the mean and the median of what people give for {words}."
        yield _reducer(_slider(task, key), why, is_ticked=True)
    if can_be_left_empty(task):
        blanks = _made("drew_nothing", {"task_key": task.key}, key)
        yield _reducer(blanks, f"Counts how many people leave {words} empty.", is_ticked=True)
    for marks in marks_of(task, key, words):
        yield _reducer(marks.document, marks.why_reduced)


def recipe_offers(task: Task, key: str) -> Iterator[Offer]:
    """The recipes that fit a task, with values from its own answers."""
    words = _words(task)
    if can_be_left_empty(task):
        values: dict[str, Any] = {"people": PEOPLE, "task_key": task.key, "reason": "blank"}
        yield _recipe(
            "drew_nothing",
            values,
            lambda given: f"Retire a subject as blank once {_leave(given['people'], words)}.",
            key,
        )
    if task.kind not in _CHOSEN:
        return
    if likely := blank_answer(task) or (likely_answer(task) if task.kind == "single" else None):
        yield _first_say(task, key, FIRST_PEOPLE, likely.value)
    values = {"people": PEOPLE, **_asked(task), "reason": "consensus"}
    yield _recipe(
        "agree",
        values,
        lambda given: f"Retire a subject once {_give(given['people'])} the same answer to {words}.",
        key,
    )
    if human := human_answer(task):
        values = {"answer": human.value, **_asked(task), "reason": "human"}
        why = f"Retire a subject as human as soon as one person answers “{human.label}” to {words}."
        yield _recipe("one_says", values, lambda _: why, key)


def offers_of_any_task() -> tuple[Offer, Offer, Offer]:
    """An extractor, a reducer and a recipe that need nothing of the tasks."""
    values = {"views": VIEWS, "reason": "classification_count"}
    seen = _recipe(
        "seen",
        values,
        lambda given: (
            f"Retire a subject once {_have(given['views'])} classified it, whatever they say."
        ),
    )
    return (
        _extractor(seen.document, "Reads who has classified a subject."),
        _reducer(seen.document, "Counts how many people have classified a subject."),
        seen,
    )


def _first_say(task: Task, key: str, people: int, value: str) -> Offer:
    """For any answer of the task; what it says is the reason to retire the subject."""
    answer = next(one for one in task.answers if one.value == value)
    reason = reason_of(answer)
    values = {"people": people, "answer": value, **_asked(task), "reason": reason or "consensus"}

    def said(given: Values) -> str:
        because = f" as {reason.replace('_', ' ')}" if reason else ""
        says = f"{_answer(given['people'])} “{answer.label}” to {_words(task)}"
        return f"Retire a subject{because} once {says}."

    return replace(
        _recipe("first_say", values, said, key),
        make=lambda given: _first_say(task, key, given["people"], given["answer"]),
        answers=task.answers,
        rank=_BEST_FIRST.index("first_say_blank" if reason else "first_say"),
    )


def _leave(people: int, words: str) -> str:
    return (
        f"1 person leaves {words} empty" if people == 1 else f"{people} people leave {words} empty"
    )


def _answer(people: int) -> str:
    return "the first person answers" if people == 1 else f"the first {people} people all answer"


def _give(people: int) -> str:
    return "1 person gives exactly" if people == 1 else f"{people} people give exactly"


def _have(people: int) -> str:
    return "1 person has" if people == 1 else f"{people} people have"


def _extractor(document: Members, why: str, *, is_ticked: bool = False) -> Offer:
    (key,) = document["extractors_config"]
    members = {"extractors_config": document["extractors_config"]}
    return Offer(f"extractor:{key}", key, why, members, is_ticked)


def _reducer(document: Members, why: str, *, is_ticked: bool = False) -> Offer:
    (key,) = document["reducers_config"]
    members = {name: document[name] for name in ("extractors_config", "reducers_config")}
    return Offer(f"reducer:{key}", key, why, members, is_ticked)


def _recipe(recipe: str, values: Values, said: Said, key: str = "") -> Offer:
    """Without a key of a task it needs nothing of one."""
    document = _made(recipe, values, key) if key else RECIPES[recipe].build(values)
    name = f"recipe:{recipe}:{key}" if key else f"recipe:{recipe}"

    def make(given: Values) -> Offer:
        return _recipe(recipe, given, said, key)

    rank = _BEST_FIRST.index(recipe)
    return Offer(name, recipe, said(values), document, values=values, make=make, rank=rank)


def _made(recipe: str, values: Values, key: str) -> dict[str, Any]:
    """What a recipe makes, with keys of the task's own: what several offers need is the same."""
    built = RECIPES[recipe].build(values)
    return renamed(
        built,
        extractors={"answers": key, "blank": f"{key}_blank"},
        reducers={name: f"{key}_{name}" for name in built["reducers_config"]},
    )


def _slider(task: Task, key: str) -> dict[str, Any]:
    """No recipe is about numbers that people give."""
    is_plain = _PLAIN_NAME.fullmatch(task.key)
    step = f".{task.key}" if is_plain else f"[{json.dumps(task.key, ensure_ascii=False)}]"
    field_map = {"value": f"$.annotations{step}[0].value"}
    pluck = {"type": "pluck_field", "field_map": field_map, "if_missing": "reject"}
    summary = {
        "type": "summary_stats",
        "summarize_field": f"{key}.value",
        "operations": list(_SUMMARY),
        "filters": {"extractor_keys": [key]},
    }
    return {"extractors_config": {key: pluck}, "reducers_config": {f"{key}_summary": summary}}


def _asked(task: Task) -> dict[str, Any]:
    kind = "survey" if task.kind == "survey" else "question"
    return {"task_type": kind, "task_key": task.key}


def _words(task: Task) -> str:
    """The task as people know it."""
    if task.question:
        return f"“{task.question}” ({task.key})"
    return f"the {task.kind if task.kind == 'survey' else 'task'} {task.key}"
