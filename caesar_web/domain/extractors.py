"""Extractors: what each type pulls out of a classification."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jsonpath

from caesar_web.domain.classification import Classification, document
from caesar_web.domain.filters import is_training
from caesar_web.domain.options import Option, Unreadable, choice, read_options, text
from caesar_web.domain.values import DomainError, JSONValue, Problem, as_text, is_blank, is_older

Data = dict[str, JSONValue]
Options = Mapping[str, Any]
Path = jsonpath.JSONPath | jsonpath.CompoundJSONPath

# The library lets through what its numbers, patterns and comparisons raise.
_PATH_ERRORS = (jsonpath.JSONPathError, re.error, ArithmeticError, TypeError, ValueError)


class ExtractionFailed(DomainError):
    """This classification does not have what the extractor needs; trying again would not help."""


@dataclass(frozen=True)
class ExtractorType:
    """One row of the table of types: its options, and what it makes of a classification.

    `extract` gives the data, or None for no data: then no extract is written. `title` and `about`
    are what people read.
    """

    options: tuple[Option, ...]
    extract: Callable[[Options, Classification], Data | None]
    title: str = ""
    about: str = ""


@dataclass(frozen=True)
class Extractor:
    """A configured extractor of a workflow."""

    id: int
    key: str
    type: ExtractorType
    options: Options
    minimum_workflow_version: str | None = None

    def extract(self, classification: Classification) -> Data | None:
        """The data, or None for no data. Raises ExtractionFailed."""
        if is_older(classification.workflow_version, self.minimum_workflow_version):
            return None
        return self.type.extract(self.options, classification)


def read_extractor_options(
    type_name: str, config: Any, *, place: str, problems: list[Problem]
) -> Options:
    """The options of an extractor's config; what is wrong is added to `problems`."""
    options = read_options(EXTRACTORS[type_name].options, config, place=place, problems=problems)
    if options.get("if_missing") == "nothing_here" and not options["nothing_here_choice"]:
        problems.append(Problem(f"{place}.nothing_here_choice", "must be given for nothing_here"))
    return options


def _blank(options: Options, classification: Classification) -> Data | None:
    annotations = classification.annotations.get(options["task_key"])
    return {"blank": not annotations or is_blank(annotations[0].get("value"))}


def _question(options: Options, classification: Classification) -> Data | None:
    annotations = _annotations(options, classification)
    if annotations is None:
        return {} if options["if_missing"] == "ignore" else None
    counts: dict[str, JSONValue] = {}
    for annotation in annotations:
        value = annotation.get("value")
        for answer in value if isinstance(value, list) else [value]:
            _count(counts, as_text(answer))
    return counts


def _survey(options: Options, classification: Classification) -> Data | None:
    counts: dict[str, JSONValue] = {}
    for annotation in _annotations(options, classification) or []:
        value = annotation.get("value")
        for selection in value if isinstance(value, list) else [value]:
            if isinstance(selection, dict) and not is_blank(selection.get("choice")):
                _count(counts, as_text(selection["choice"]))
    if not counts and options["nothing_here_choice"]:
        return {options["nothing_here_choice"]: 1}
    return counts


def _who(options: Options, classification: Classification) -> Data | None:
    return {"user_id": classification.user_id}


def _gold(options: Options, classification: Classification) -> Data | None:
    if options["source"] == "feedback":
        return _told(options, classification)
    metadata = classification.subject.metadata
    label = metadata.get(options["field"]) if is_training(metadata) else None
    return None if is_blank(label) else {"gold": as_text(label)}


def _told(options: Options, classification: Classification) -> Data | None:
    """Whether the volunteer was right, as the page has told them."""
    feedback = classification.metadata.get("feedback")
    rules = feedback.get(options["task_key"]) if isinstance(feedback, dict) else None
    successes = [
        rule.get("success") is True
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict) and "success" in rule
    ]
    return {"gold": any(successes)} if successes else None


def _pluck_field(options: Options, classification: Classification) -> Data | None:
    source = document(classification)
    plucked: dict[str, JSONValue] = {}
    for name, path in options["field_map"].items():
        found = _matches(path, source, name)
        if found:
            plucked[name] = found[0] if len(found) == 1 else found
        elif options["if_missing"] == "ignore":
            plucked[name] = None
        elif options["if_missing"] == "reject":
            return None
        else:
            raise ExtractionFailed(f"nothing found at {path} for {name}")
    return plucked


def _matches(path: Path, source: dict[str, Any], name: str) -> list[Any]:
    try:
        return path.findall(source)
    except _PATH_ERRORS as problem:
        raise ExtractionFailed(f"{path} for {name} cannot be followed: {problem}") from None


def _annotations(options: Options, classification: Classification) -> list[dict[str, Any]] | None:
    annotations = classification.annotations.get(options["task_key"])
    if annotations is None and options["if_missing"] == "error":
        raise ExtractionFailed(f"no annotation for task {options['task_key']}")
    return annotations


def _count(counts: dict[str, JSONValue], key: str) -> None:
    so_far = counts.get(key, 0)
    counts[key] = so_far + 1 if isinstance(so_far, int) else 1


def _field_map(value: Any) -> dict[str, Path]:
    if not isinstance(value, Mapping) or not value:
        raise Unreadable("must be an object of names and JSON paths")
    paths = {}
    for name, path in value.items():
        if not isinstance(path, str):
            raise Unreadable(f"{name}: the path must be text")
        try:
            paths[name] = jsonpath.compile(path)
        except _PATH_ERRORS as problem:
            raise Unreadable(f"{name}: {path!r} is not a JSON path: {problem}") from None
    return paths


_TASK_KEY = Option(
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
EXTRACTORS: dict[str, ExtractorType] = {
    "question": ExtractorType(
        (_TASK_KEY, _if_missing("Without an answer to the task", _OR_NOTHING)),
        _question,
        "Question",
        "Which answers somebody chose. Answers are numbered from 0.",
    ),
    "survey": ExtractorType(
        (
            _TASK_KEY,
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
        ),
        _survey,
        "Survey",
        "Which of a survey’s choices somebody made, such as animals.",
    ),
    "blank": ExtractorType(
        (_TASK_KEY,),
        _blank,
        "Blank",
        "Whether somebody left a task empty, such as a drawing without marks.",
    ),
    "who": ExtractorType((), _who, "Who", "Who has classified: the volunteer’s id."),
    "gold": ExtractorType(
        (
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
            replace(_TASK_KEY, help="Whose feedback it reads, where it reads that."),
        ),
        _gold,
        "Gold",
        "The right answer of a training subject, or whether the volunteer gave it.",
    ),
    "pluck_field": ExtractorType(
        (
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
        ),
        _pluck_field,
        "Pluck fields",
        "Anything that stands in a classification, such as its metadata or a slider’s value.",
    ),
}
