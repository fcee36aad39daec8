"""Annotations as the stream sends them, as a mapping of task key to its annotations."""

from typing import Any

from caesar_web.domain.values import DEPTH_LIMIT, DomainError

Annotations = dict[str, list[dict[str, Any]]]


def by_task(annotations: Any) -> Annotations:
    """Groups a classification's annotations by task, keeping their order.

    Combo tasks are flattened, dropdowns give one annotation per selection (pipeline.md, 1).
    """
    if annotations is None:
        return {}
    if not isinstance(annotations, list):
        raise DomainError("annotations must be a list")
    grouped: Annotations = {}
    for annotation in _flat(annotations, 0):
        grouped.setdefault(annotation["task"], []).append(annotation)
    return grouped


def _flat(annotations: list[Any], depth: int) -> list[dict[str, Any]]:
    if depth > DEPTH_LIMIT:
        raise DomainError(f"annotations are nested more than {DEPTH_LIMIT} deep")
    flat: list[dict[str, Any]] = []
    for annotation in annotations:
        if not isinstance(annotation, dict):
            raise DomainError("every annotation must be an object")
        value: Any = annotation.get("value")
        if _any_has(value, "task"):
            flat.extend(_flat(value, depth + 1))
            continue
        task = annotation.get("task")
        if not isinstance(task, str):
            raise DomainError("every annotation must name its task")
        if _any_has(value, "value"):
            flat.extend({**selection, "task": task} for selection in value)
        else:
            flat.append(annotation)
    return flat


def _any_has(value: Any, key: str) -> bool:
    """Whether `value` is a list of objects, any of which has `key`."""
    return (
        isinstance(value, list)
        and all(isinstance(member, dict) for member in value)
        and any(key in member for member in value)
    )
