"""Blank answers: which answers say that there is nothing to see, and which that it is a person."""

import re
from collections.abc import Callable

from caesar_web.domain.tasks import Answer, Task

# Only what can mean nothing else: a subject that is retired for a wrong reason is seen no more.
# "None of these", "Nothing unusual" and a plain "No" are answers to questions like any other.
_BLANK = re.compile(
    r"(no|yes)?(there(is|s)|its|itis|the(image|picture|photo|page|frame|video)is|this(image|page)is)?"
    r"((completely|totally)?(blank|empty)(image|picture|photo|page|frame|video|subject|field)?"
    r"|nothing(at?all|here|there|visible|present|seen|tosee|tomark|todraw|totranscribe|toclassify"
    r"|(in|on)th(e|is)(image|picture|photo|page|frame|video))*"
    r"|no(animals?|birds?|wildlife|insects?|fish|objects?|text)"
    r"(here|there|visible|present|seen|(in|on)th(e|is)(image|picture|photo|page|frame|video))*)"
)
_HUMAN = re.compile(r"(ahuman|humans?(being)?s?|people|persons?|homosapiens)((and|or)?vehicles?)?")
_EMPTY = ("blank", "empty")


def blank_answer(task: Task) -> Answer | None:
    """The first answer that says that there is nothing to see."""
    return _first(task, _BLANK.fullmatch)


def human_answer(task: Task) -> Answer | None:
    """The first answer that says that a person is to be seen."""
    return _first(task, _HUMAN.fullmatch)


def blank_reason(answer: Answer) -> str:
    """The reason to retire what such an answer is given for."""
    return "blank" if any(word in answer.label.lower() for word in _EMPTY) else "nothing_here"


def _first(task: Task, is_meant: Callable[[str], object]) -> Answer | None:
    return next((one for one in task.answers if is_meant(_letters(one.label))), None)


def _letters(label: str) -> str:
    return re.sub(r"[\W\d_]+", "", label.lower())
