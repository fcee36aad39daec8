"""What extractors and reducers of the aggregation library are told: a name, and parameters."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from caesar_web.domain.aggregation import (
    EXTRACTOR_NAMES,
    REDUCER_NAMES,
    RUNNING_NAMES,
    Kind,
    described,
    read_parameters,
)
from caesar_web.domain.extractor_options import TASK_KEY
from caesar_web.domain.options import Option, Unreadable, choice
from caesar_web.domain.values import Problem

MEANS = "aggregation"  # the queue whose workers have the library
_OF_SHAPES = {one.name: one for one in described("extractors", "shape_extractor").parameters}
SHAPES = _OF_SHAPES["shape"].choices
RECTANGLE = ("eps", "min_samples", "metric", "algorithm", "leaf_size", "p")

Options = Mapping[str, Any]


class LibraryCall(NamedTuple):
    """One of the library's names, and the parameters that are given to it."""

    name: str
    parameters: dict[str, Any]


def chosen(options: Options) -> LibraryCall:
    """What an extractor or reducer of type `aggregation` calls."""
    return LibraryCall(options["name"], options["parameters"])


def shape_call(options: Options) -> LibraryCall:
    """What an extractor of type `shape` calls."""
    return LibraryCall("shape_extractor", {"shape": options["shape"], "task": options["task_key"]})


def rectangle_call(options: Options) -> LibraryCall:
    """What a reducer of type `rectangle` calls."""
    given = {name: options[name] for name in RECTANGLE if options[name] is not None}
    return LibraryCall("rectangle_reducer", given)


def with_parameters(
    kind: Kind, options: Options, *, place: str, problems: list[Problem]
) -> dict[str, Any]:
    """The options with the parameters as that name takes them; what is wrong is a problem."""
    read = read_parameters(
        kind,
        options.get("name", ""),
        options.get("parameters") or {},
        place=f"{place}.parameters",
        problems=problems,
    )
    return {**options, "parameters": read}


def _parameters(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable("must be an object of names and values")
    return dict(value)


def _options(label: str, names: tuple[str, ...]) -> tuple[Option, ...]:
    return (
        Option(
            "name",
            choice(*names),
            required=True,
            kind="choice",
            label=label,
            help="What it is to do with the data.",
            example=names[0],
            choices={name: name.replace("_", " ") for name in names},
        ),
        Option(
            "parameters",
            _parameters,
            default={},
            kind="object",
            label="Parameters",
            help="What is not given is as the library has it.",
            example="none",
        ),
    )


AGGREGATION_OF_EXTRACTORS = _options("Extractor of the library", EXTRACTOR_NAMES)
AGGREGATION_OF_REDUCERS = _options(
    "Reducer of the library", tuple(dict.fromkeys((*REDUCER_NAMES, *RUNNING_NAMES)))
)
SHAPE_OPTIONS = (
    TASK_KEY,
    Option(
        "shape",
        choice(*SHAPES),
        required=True,
        kind="choice",
        label="Shape",
        help="What volunteers draw.",
        example="circle",
        choices=SHAPES,
    ),
)
RECTANGLE_OPTIONS = tuple(
    one for one in described("reducers", "rectangle_reducer").parameters if one.name in RECTANGLE
)
