"""Unreadable tasks: what this version cannot make of a task, and the reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from caesar_web.domain.offers_of_marks import is_readable
from caesar_web.domain.tasks import Task

_TAKES = "look whether the aggregation library has it, or take a service of yours"
_MOST_NAMED = 5


@dataclass(frozen=True)
class NotProposed:
    """A task, in part or as a whole, for which nothing is proposed."""

    task_key: str
    question: str
    reason: str


def can_be_left_empty(task: Task) -> bool:
    """Whether an empty answer says something: who is not asked leaves it empty as well."""
    return task.kind in ("drawing", "text") and not task.is_conditional


def not_proposed(task: Task) -> Iterator[NotProposed]:
    """What cannot be read of a task, if anything."""
    for reason in _reasons(task):
        yield NotProposed(task.key, task.question, reason)


def _reasons(task: Task) -> Iterator[str]:
    unread = [tool for tool in task.tools if not is_readable(tool.shape)]
    if task.kind == "drawing" and (unread or not task.tools):
        tools = _named([f"{tool.label}: {tool.shape}" for tool in unread])
        yield f"What is drawn{tools} is not offered: {_TAKES}."
    if task.kind == "transcription":
        yield f"What is written in lines is not offered: {_TAKES}."
    if task.kind in ("drawing", "text") and task.is_conditional:
        yield "That it is empty says little, as only some people are asked."
    if task.details:
        yield (
            f"What is asked of each choice{_named(task.details)} cannot be read in this version; "
            "the choices can."
        )
    if task.kind == "unknown":
        yield f"This version does not know tasks of the type {task.type or '(none)'}."


def _named(names: tuple[str, ...] | list[str]) -> str:
    if not names:
        return ""
    more = ["…"] if len(names) > _MOST_NAMED else []
    return f" ({', '.join([*names[:_MOST_NAMED], *more])})"
