"""Tasks: what a workflow asks of people, read from whatever Panoptes has of it."""

import html
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from caesar_web.domain.values import Unstorable, check_storable

Kind: TypeAlias = Literal[
    "single",
    "multiple",
    "survey",
    "drawing",
    "text",
    "combo",
    "slider",
    "dropdown",
    "transcription",
    "unknown",
]
Strings: TypeAlias = Mapping[str, Any]  # labels by their place: "tasks.T0.question"

LONGEST_LABEL = 80
_LONGEST_READ = 2000

_KINDS: dict[str, Kind] = {
    "single": "single",
    "multiple": "multiple",
    "survey": "survey",
    "drawing": "drawing",
    "text": "text",
    "combo": "combo",
    "slider": "slider",
    "dropdown": "dropdown",
    "dropdown-simple": "dropdown",
    "transcription": "transcription",
}
_MARKUP = (
    (re.compile(r"</?[A-Za-z][^<>]*>"), " "),
    (re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)"), r"\1"),  # an image's description, a link's text
    (re.compile(r"\*{2,}|`+|~~|^\s*#+\s|(?<!\w)[*_]+(?=\w)|(?<=\w)[*_]+(?!\w)", re.MULTILINE), ""),
)
_NOT_PRINTED = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]+")


@dataclass(frozen=True)
class Answer:
    """One answer: its value as conditions have it (a number as text, or a choice), and a label."""

    value: str
    label: str


@dataclass(frozen=True)
class Tool:
    """One tool of a drawing task, and the shape that it draws."""

    label: str
    shape: str


@dataclass(frozen=True)
class Task:
    """One task; `type` is Panoptes' own word for its kind.

    `subtasks` are the tasks of a combo, `details` the questions that a survey asks of each choice.
    A task that `is_conditional` is asked only of those who answered another in some way.
    """

    key: str
    kind: Kind
    type: str = ""
    question: str = ""
    answers: tuple[Answer, ...] = ()
    tools: tuple[Tool, ...] = ()
    subtasks: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    is_conditional: bool = False


def read_tasks(tasks: Any, strings: Strings | None = None) -> tuple[Task, ...]:
    """A workflow's tasks in the order in which they are probably asked; odd ones are left out.

    Labels may be texts, with or without markup, or places in `strings`.
    """
    known = {
        key: task
        for key, task in _object(tasks).items()
        if isinstance(task, Mapping) and _is_name(key)
    }
    ordered = {key: known[key] for key in sorted(known, key=_order)}
    conditional = _conditional(ordered)
    labels = _object(strings)
    return tuple(
        _task(key, task, strings=labels, is_conditional=key in conditional)
        for key, task in ordered.items()
    )


def plain(text: Any) -> str:
    """A label without markup, on one line, shortened at a word."""
    if not isinstance(text, str):
        return ""
    words = text[:_LONGEST_READ].replace("+tab+", "")  # how Panoptes says: open in a new tab
    for pattern, replacement in _MARKUP:
        words = pattern.sub(replacement, words)
    words = " ".join(_NOT_PRINTED.sub(" ", html.unescape(words)).split())
    if len(words) <= LONGEST_LABEL:
        return words
    cut = words[:LONGEST_LABEL]
    return f"{cut.rpartition(' ')[0] or cut}…"


def _task(key: str, task: Mapping[str, Any], *, strings: Strings, is_conditional: bool) -> Task:
    type_name = task["type"] if isinstance(task.get("type"), str) else ""
    place = f"tasks.{key}"
    asked = _label(task, ("question", "instruction"), place, strings)
    subtasks = _list(task.get("tasks")) if type_name == "combo" else []
    return Task(
        key,
        _KINDS.get(type_name, "unknown"),
        type=plain(type_name),
        question=asked,
        answers=tuple(_answers(task, place, strings)),
        tools=tuple(_tools(task, place, strings)),
        subtasks=tuple(one for one in subtasks if isinstance(one, str)),
        details=tuple(_details(task, place, strings)),
        is_conditional=is_conditional,
    )


def _answers(task: Mapping[str, Any], place: str, strings: Strings) -> Iterator[Answer]:
    """The answers of a question or the choices of a survey; what has no label has its value."""
    if task.get("type") == "survey":
        for id, choice in _in_order(task, "choices"):
            label = _label(choice, ("label",), f"{place}.choices.{id}", strings)
            yield Answer(id, label or plain(id))
        return
    for index, answer in enumerate(_list(task.get("answers"))):
        label = _label(answer, ("label",), f"{place}.answers.{index}", strings)
        yield Answer(str(index), label or f"answer {index}")


def _tools(task: Mapping[str, Any], place: str, strings: Strings) -> Iterator[Tool]:
    for index, tool in enumerate(_list(task.get("tools"))):
        shape = plain(_object(tool).get("type"))
        label = _label(tool, ("label",), f"{place}.tools.{index}", strings)
        yield Tool(label or shape or f"tool {index}", shape or "unknown")


def _details(task: Mapping[str, Any], place: str, strings: Strings) -> Iterator[str]:
    for id, question in _in_order(task, "questions"):
        yield _label(question, ("label",), f"{place}.questions.{id}", strings) or plain(id)


def _in_order(task: Mapping[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """The members of an object, which says their order beside itself."""
    members = _object(task.get(name))
    listed = [key for key in _list(task.get(f"{name}Order")) if isinstance(key, str)]
    for key in dict.fromkeys([*listed, *sorted(key for key in members if isinstance(key, str))]):
        if key in members and _is_name(key):
            yield key, members[key]


def _label(part: Any, names: Collection[str], place: str, strings: Strings) -> str:
    for name in names:
        text = _object(part).get(name)
        places = [text, f"tasks.{text}"] if isinstance(text, str) else []
        for candidate in [*places, f"{place}.{name}"]:
            if found := plain(strings.get(candidate)):
                return found
        if found := plain(text):
            return found
    return ""


def _conditional(tasks: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The tasks to which only some answers lead, and all that follow them."""
    waiting: list[str] = []
    for at, task in enumerate(tasks.values()):
        branches = _branches(task)
        waiting += branches & tasks.keys()
        if not branches <= tasks.keys():  # a step, whose tasks are not known here
            waiting += list(tasks)[at + 1 :]
    found: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in tasks and key not in found:
            found.add(key)
            waiting += _followers(tasks[key])
    return found


def _branches(task: Mapping[str, Any]) -> set[str]:
    """Where the answers of a question lead, unless all lead to the same place."""
    if task.get("type") != "single":
        return set()
    default = task.get("next")
    led = {
        str(_object(answer).get("next") or default or "") for answer in _list(task.get("answers"))
    }
    return led - {""} if len(led) > 1 else set()


def _followers(task: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in _list(task.get("tasks")) if isinstance(key, str))
    for part in (task, *_list(task.get("answers"))):
        following = _object(part).get("next")
        if isinstance(following, str):
            yield following


def _order(key: str) -> tuple[bool, list[tuple[int, str]]]:
    """`init` has always been the first task; then T2 comes before T10."""
    parts = re.findall(r"([0-9]{1,9})|([^0-9]+)", key)
    return key != "init", [(int(digits or -1), words) for digits, words in parts]


def _is_name(key: Any) -> bool:
    """Whether a configuration can hold it."""
    try:
        check_storable(key)
    except Unstorable:
        return False
    return isinstance(key, str) and bool(key.strip())


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
