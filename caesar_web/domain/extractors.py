"""Extractors: what each type pulls out of a classification."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from caesar_web.domain.classification import Classification, document
from caesar_web.domain.extractor_options import (
    FIELD_OPTIONS,
    GOLD_OPTIONS,
    PATH_ERRORS,
    QUESTION_OPTIONS,
    SURVEY_OPTIONS,
    TASK_KEY,
    Path,
)
from caesar_web.domain.filters import is_training
from caesar_web.domain.library_options import (
    AGGREGATION_OF_EXTRACTORS,
    MEANS,
    SHAPE_OPTIONS,
    LibraryCall,
    chosen,
    shape_call,
    with_parameters,
)
from caesar_web.domain.options import Option, read_options
from caesar_web.domain.service_options import EXTRACTOR_SERVICE
from caesar_web.domain.values import DomainError, JSONValue, Problem, as_text, is_blank, is_older

Data = dict[str, JSONValue]
Options = Mapping[str, Any]


class ExtractionFailed(DomainError):
    """This classification does not have what the extractor needs; trying again would not help."""


@dataclass(frozen=True)
class ExtractorType:
    """One row of the table of types: its options, and what it makes of a classification.

    `extract` gives the data, or None for no data: then no extract is written. One that works
    `elsewhere` is asked later, by the workers of that name: `call` is what they call in the
    aggregation library. `title` and `about` are what people read.
    """

    options: tuple[Option, ...]
    extract: Callable[[Options, Classification], Data | None]
    title: str = ""
    about: str = ""
    elsewhere: str = ""
    call: Callable[[Options], LibraryCall] | None = None


@dataclass(frozen=True)
class Extractor:
    """A configured extractor of a workflow; its `secrets` are sealed."""

    id: int
    key: str
    type: ExtractorType
    options: Options
    minimum_workflow_version: str | None = None
    secrets: str | None = field(default=None, repr=False)

    def wants(self, classification: Classification) -> bool:
        """Whether the classification was made with a version of the workflow that counts."""
        return not is_older(classification.workflow_version, self.minimum_workflow_version)

    def extract(self, classification: Classification) -> Data | None:
        """The data, or None for no data. Raises ExtractionFailed."""
        if not self.wants(classification):
            return None
        return self.type.extract(self.options, classification)


def read_extractor_options(
    type_name: str, config: Any, *, place: str, problems: list[Problem]
) -> Options:
    """The options of an extractor's config; what is wrong is added to `problems`."""
    options = read_options(EXTRACTORS[type_name].options, config, place=place, problems=problems)
    if options.get("if_missing") == "nothing_here" and not options["nothing_here_choice"]:
        problems.append(Problem(f"{place}.nothing_here_choice", "must be given for nothing_here"))
    if type_name == "aggregation" and options.get("name"):
        return with_parameters("extractors", options, place=place, problems=problems)
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
    except PATH_ERRORS as problem:
        raise ExtractionFailed(f"{path} for {name} cannot be followed: {problem}") from None


def _nothing(options: Options, classification: Classification) -> Data | None:
    return None


def _annotations(options: Options, classification: Classification) -> list[dict[str, Any]] | None:
    annotations = classification.annotations.get(options["task_key"])
    if annotations is None and options["if_missing"] == "error":
        raise ExtractionFailed(f"no annotation for task {options['task_key']}")
    return annotations


def _count(counts: dict[str, JSONValue], key: str) -> None:
    so_far = counts.get(key, 0)
    counts[key] = so_far + 1 if isinstance(so_far, int) else 1


EXTRACTORS: dict[str, ExtractorType] = {
    "question": ExtractorType(
        QUESTION_OPTIONS,
        _question,
        "Question",
        "Which answers somebody chose. Answers are numbered from 0.",
    ),
    "survey": ExtractorType(
        SURVEY_OPTIONS,
        _survey,
        "Survey",
        "Which of a survey’s choices somebody made, such as animals.",
    ),
    "blank": ExtractorType(
        (TASK_KEY,),
        _blank,
        "Blank",
        "Whether somebody left a task empty, such as a drawing without marks.",
    ),
    "who": ExtractorType((), _who, "Who", "Who has classified: the volunteer’s id."),
    "gold": ExtractorType(
        GOLD_OPTIONS,
        _gold,
        "Gold",
        "The right answer of a training subject, or whether the volunteer gave it.",
    ),
    "pluck_field": ExtractorType(
        FIELD_OPTIONS,
        _pluck_field,
        "Pluck fields",
        "Anything that stands in a classification, such as its metadata or a slider’s value.",
    ),
    "external": ExtractorType(
        EXTRACTOR_SERVICE,
        _nothing,
        "External",
        "What a service of yours makes of a classification.",
        elsewhere="external",
    ),
    "shape": ExtractorType(
        SHAPE_OPTIONS,
        _nothing,
        "Shape",
        "The marks of one kind that somebody drew, as the aggregation library has them.",
        elsewhere=MEANS,
        call=shape_call,
    ),
    "aggregation": ExtractorType(
        AGGREGATION_OF_EXTRACTORS,
        _nothing,
        "Aggregation library",
        "Any extractor of the Zooniverse’s aggregation library.",
        elsewhere=MEANS,
        call=chosen,
    ),
}
