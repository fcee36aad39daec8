"""Offers for what is drawn or written, which the aggregation library reads and compares."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caesar_web.domain.library_options import SHAPES
from caesar_web.domain.renaming import Members
from caesar_web.domain.tasks import Task

# Whoever accepts an offer can change these.
PEOPLE = 3
PIXELS = 20.0
OVERLAP = 0.5

POLYGON, TEXT = "polygon", "text"
# Those whose overlap the library can measure, which does not depend on the size of a picture.
_OVERLAPPING = ("circle", "ellipse", "rectangle", "rotateRectangle", "triangle")


@dataclass(frozen=True)
class Marks:
    """What the library makes of one kind of mark: its document, and why, of each part of it."""

    document: Members
    why_extracted: str
    why_reduced: str


def is_readable(shape: str) -> bool:
    """Whether the library reads what a tool of this shape draws."""
    return shape in SHAPES or shape == POLYGON


def ending_keys() -> tuple[str, ...]:
    """What follows a task's own key in those of the extractors that are offered here."""
    return tuple(f"_{kind}" for kind in (*SHAPES, POLYGON, TEXT))


def marks_of(task: Task, key: str, words: str) -> Iterator[Marks]:
    """What is offered for a task; `key` is what the keys are made of, `words` name the task."""
    if task.kind == "drawing":
        for shape in dict.fromkeys(tool.shape for tool in task.tools):
            if is_readable(shape):
                yield _drawn(task, f"{key}_{shape}", shape, words)
    if task.kind == "text":
        yield Marks(
            _made(
                f"{key}_{TEXT}",
                _of_library("text_extractor", task=task.key),
                _of_library("text_reducer"),
            ),
            f"Reads what each person writes for {words}, with the aggregation library.",
            f"Aligns what people write for {words} word by word, and finds what most agree on.",
        )


def _drawn(task: Task, key: str, shape: str, words: str) -> Marks:
    extracted = f"Reads each {shape} that a person draws for {words}, with the aggregation library."
    if shape == POLYGON:
        extractor = _of_library("polygon_extractor", task=task.key)
        reducer = _of_library("polygon_reducer", eps=OVERLAP, min_samples=PEOPLE)
    else:
        extractor = {"type": "shape", "shape": shape, "task_key": task.key}
        reducer = _of_library("shape_reducer_dbscan", shape=shape, **_near(shape))
    by_overlap = shape in (*_OVERLAPPING, POLYGON)
    near = "overlap by half" if by_overlap else f"are within {PIXELS:g} pixels of each other"
    reduced = f"Finds each {shape} on which {PEOPLE} people agree for {words}: those that {near}."
    return Marks(_made(key, extractor, reducer), extracted, reduced)


def _near(shape: str) -> dict[str, Any]:
    if shape in _OVERLAPPING:
        return {"metric_type": "IoU", "eps": OVERLAP, "min_samples": PEOPLE}
    return {"eps": PIXELS, "min_samples": PEOPLE}


def _of_library(name: str, **parameters: Any) -> dict[str, Any]:
    told = {"parameters": parameters} if parameters else {}
    return {"type": "aggregation", "name": name, **told}


def _made(key: str, extractor: dict[str, Any], reducer: dict[str, Any]) -> Members:
    only = {"filters": {"extractor_keys": [key]}}
    return {
        "extractors_config": {key: extractor},
        "reducers_config": {f"{key}_agreed": {**reducer, **only}},
    }
