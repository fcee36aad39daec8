"""The parameters of recipes: what a form asks for, and how an answer is read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from caesar_web.domain.effects import RETIREMENT_REASONS, panoptes_id
from caesar_web.domain.options import (
    Option,
    Reader,
    Unreadable,
    choice,
    number,
    switch,
    text,
    texts,
    whole_number,
    within,
)
from caesar_web.domain.values import Unstorable, check_storable

MOST_PEOPLE = 1000


def _lines(value: Any) -> tuple[str, ...]:
    given = texts(value.splitlines() if isinstance(value, str) else value)
    lines = tuple(line.strip() for line in given if line.strip())
    if len(set(lines)) < 2 or len(set(lines)) < len(lines):
        raise Unreadable("must be two different answers or more, one a line")
    return lines


KINDS: dict[str, Reader] = {
    "whole number": whole_number,
    "number": number,
    "text": text,
    "lines": _lines,
    "switch": switch,
    "id": panoptes_id,
}


@dataclass(frozen=True)
class Parameter:
    """One thing that a recipe asks for; `kind` is one of KINDS, or "choice" of its `choices`.

    It must be given where it has no default and is not optional.
    """

    name: str
    label: str
    kind: str
    default: Any = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    is_optional: bool = False

    @property
    def option(self) -> Option:
        """How its value is read."""
        required = self.default is None and not self.is_optional
        return Option(self.name, self._read, default=self.default, required=required)

    def _read(self, given: Any) -> Any:
        try:
            check_storable(given)
        except Unstorable as problem:
            raise Unreadable(str(problem)) from None
        read = choice(*self.choices) if self.choices else KINDS[self.kind]
        return within(read, least=self.least, most=self.most)(given)


def people(default: int, label: str = "How many people", name: str = "people") -> Parameter:
    return Parameter(name, label, "whole number", default, least=1, most=MOST_PEOPLE)


def views(default: int) -> Parameter:
    return people(default, "How many people must have seen it", "views")


def share(name: str, label: str, default: float) -> Parameter:
    return Parameter(name, label, "number", default, least=0, most=1)


def answer(label: str = "The answer, as its number or choice", name: str = "answer") -> Parameter:
    return Parameter(name, label, "text")


def metadata(label: str = "The field of the subject's metadata") -> Parameter:
    return Parameter("field", label, "text")


TASK_KEY = Parameter("task_key", "The task", "text", "T0")
TASK = (
    Parameter(
        "task_type", "What kind of task", "choice", "question", choices=("question", "survey")
    ),
    TASK_KEY,
)
_SET = "The subject set to add it to"
SKIP_TRAINING = Parameter("skip_training", "Leave training subjects alone", "switch", default=False)
SUBJECT_SET = Parameter("subject_set_id", _SET, "id")
INTO_SET = (SUBJECT_SET, SKIP_TRAINING)
SWAP = (
    answer("The positive answer, as its number or choice"),
    *TASK,
    Parameter(
        "gold_field",
        "The field of a training subject's metadata with the right answer",
        "text",
        "#feedback_1_answer",
    ),
)
LIKELIHOOD = (
    Parameter(
        "prior",
        "The share of all subjects that is positive",
        "number",
        0.5,
        least=0.0001,
        most=0.9999,
    ),
    *SWAP,
    Parameter(
        "expert_at",
        "How often somebody must be right to be an expert, from 0.01 to 0.99",
        "number",
        0.9,
        least=0.01,
        most=0.99,
    ),
)
# A training subject is never done with.
NO_TRAINING = replace(SKIP_TRAINING, default=True)
PROMOTED = (Parameter("workflow_id", "The workflow to promote them to", "id"),)


def retired(reason: str, skip_training: Parameter = SKIP_TRAINING) -> Sequence[Parameter]:
    """For retiring the subject, or adding it to a set instead."""
    return (
        Parameter(
            "reason", "The reason to retire it", "choice", reason, choices=RETIREMENT_REASONS
        ),
        Parameter("subject_set_id", f"{_SET} instead", "id", is_optional=True),
        skip_training,
    )
