"""Answers: what the fields of extracts and reductions stand for, from a workflow's tasks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from caesar_web.domain.known import KnownReducer
from caesar_web.domain.tasks import Task

COUNTED = {"stats": "", "votes": "votes."}  # where reductions have their answers


def of_extractor(
    type_name: str, config: Mapping[str, Any], tasks: Sequence[Task]
) -> dict[str, str]:
    """The fields that an extractor's extracts may have, each with what it stands for."""
    if type_name == "who":
        return {"user_id": "the volunteer"}
    if type_name == "blank":
        return {"blank": "nothing was answered"}
    if type_name == "gold":
        return {"gold": "the right answer"}
    if type_name == "pluck_field":
        return {name: str(path) for name, path in (config.get("field_map") or {}).items()}
    asked = config.get("task_key") or "T0"
    return {one.value: one.label for task in tasks if task.key == asked for one in task.answers}


def of_reducers(
    reducers: Mapping[str, KnownReducer], answers: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The keys of counted answers, each with its answer; `answers` are by extractor."""
    return {
        f"{key}.{COUNTED[reducer.type]}{value}": label
        for key, reducer in reducers.items()
        if reducer.type in COUNTED
        for value, label in _counted(reducer, answers)
    }


def _counted(
    reducer: KnownReducer, answers: Mapping[str, Mapping[str, str]]
) -> Iterable[tuple[str, str]]:
    """Those that count as one stand under their name."""
    names = reducer.options.get("answers") or {}
    found = {
        names.get(value, value): names.get(value, label)
        for value, label in _looked_at(reducer, answers)
    }
    return found.items()


def _looked_at(
    reducer: KnownReducer, answers: Mapping[str, Mapping[str, str]]
) -> Iterable[tuple[str, str]]:
    keys = reducer.filters.extractor_keys or tuple(answers)
    return ((value, label) for key in keys for value, label in answers.get(key, {}).items())
