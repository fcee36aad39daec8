"""The options of extractors, and how their fields are shown."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonpath

from caesar_web.domain.options import Option, Unreadable, choice, text

Path = jsonpath.JSONPath | jsonpath.CompoundJSONPath

# The library lets through what its numbers, patterns and comparisons raise.
PATH_ERRORS = (jsonpath.JSONPathError, re.error, ArithmeticError, TypeError, ValueError)


def _field_map(value: Any) -> dict[str, Path]:
    if not isinstance(value, Mapping) or not value:
        raise Unreadable("must be an object of names and JSON paths")
    paths = {}
    for name, path in value.items():
        if not isinstance(path, str):
            raise Unreadable(f"{name}: the path must be text")
        try:
            paths[name] = jsonpath.compile(path)
        except PATH_ERRORS as problem:
            raise Unreadable(f"{name}: {path!r} is not a JSON path: {problem}") from None
    return paths


TASK_KEY = Option(
    "task_key",
    text,
    default="T0",
    kind="task",
    label="Task",
    help="Whose answer it reads.",
    example="T0",
)
_SOURCES = {
    "metadata": "in the metadata of the subject",
    "feedback": "in the feedback that the volunteer got: whether they were right",
}
_ERROR = {"error": "it is an error, which the light shows"}
_OR_NOTHING = {**_ERROR, "ignore": "it gives an empty extract", "reject": "it gives no extract"}


def _if_missing(label: str, choices: Mapping[str, str]) -> Option:
    return Option(
        "if_missing",
        choice(*choices),
        default="error",
        kind="choice",
        label=label,
        help="What becomes of a classification that lacks it.",
        example="error",
        choices=choices,
    )


MINIMUM_VERSION = Option(
    "minimum_version",
    text,
    label="From version of the workflow",
    help="Classifications that were made with an older version give no extract. Empty: all count.",
    example="12.10",
)
QUESTION_OPTIONS = (TASK_KEY, _if_missing("Without an answer to the task", _OR_NOTHING))
SURVEY_OPTIONS = (
    TASK_KEY,
    _if_missing(
        "Without an answer to the task",
        {
            **_ERROR,
            "ignore": "nothing was chosen",
            "nothing_here": "it counts as the choice for “nothing here”",
        },
    ),
    Option(
        "nothing_here_choice",
        text,
        kind="survey choice",
        label="The choice for “nothing here”",
        help="Counted where nothing was chosen. Leave it empty if there is none.",
        example="NTHNGHR",
    ),
)
GOLD_OPTIONS = (
    Option(
        "source",
        choice(*_SOURCES),
        default="metadata",
        kind="choice",
        label="Where the right answer stands",
        help="What is no training subject gives no extract.",
        example="metadata",
        choices=_SOURCES,
    ),
    Option(
        "field",
        text,
        default="#feedback_1_answer",
        label="Field of the metadata",
        help="Which one has the right answer, of subjects with #training_subject.",
        example="#feedback_1_answer",
    ),
    replace(TASK_KEY, help="Whose feedback it reads, where it reads that."),
)
FIELD_OPTIONS = (
    Option(
        "field_map",
        _field_map,
        required=True,
        kind="paths",
        label="Fields",
        help="Each has a name and a JSON path, which says where its value stands in the"
        " classification.",
        example="$.metadata.session",
    ),
    _if_missing(
        "Where a path finds nothing",
        {**_ERROR, "ignore": "that field is null", "reject": "it gives no extract"},
    ),
)
