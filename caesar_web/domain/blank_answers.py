"""Blank answers: which answers say that there is nothing to see, and which that it is a person."""

import re

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
_NO = re.compile(r"(no|none|nothing)\b", re.IGNORECASE)
_EMPTY = ("blank", "empty")


def blank_answer(task: Task) -> Answer | None:
    """The first answer that says that there is nothing to see."""
    return next(filter(_is_blank, task.answers), None)


def human_answer(task: Task) -> Answer | None:
    """The first answer that says that a person is to be seen."""
    return next((one for one in task.answers if _HUMAN.fullmatch(_letters(one.label))), None)


def likely_answer(task: Task) -> Answer | None:
    """The answer after which a subject is most likely done with; nobody is to rely on it."""
    return next(
        (one for one in task.answers if _NO.match(one.label)), next(iter(task.answers), None)
    )


def reason_of(answer: Answer) -> str | None:
    """The reason to retire what such an answer is given for; None unless it is a blank one."""
    if not _is_blank(answer):
        return None
    return "blank" if any(word in answer.label.lower() for word in _EMPTY) else "nothing_here"


def _is_blank(answer: Answer) -> bool:
    return bool(_BLANK.fullmatch(_letters(answer.label)))


def _letters(label: str) -> str:
    return re.sub(r"[\W\d_]+", "", label.lower())
