"""What the pages of proposals and recipes are rendered with in tests."""

from collections.abc import Callable
from typing import Any

from werkzeug.datastructures import MultiDict

from caesar_web.access.choices import Choice, Choices
from caesar_web.access.permissions import Place
from caesar_web.domain.dry_run import DryRun, Outcome
from caesar_web.domain.recipes import RECIPES
from caesar_web.domain.tasks import Answer, Task
from caesar_web.domain.unreadable_tasks import NotProposed
from caesar_web.domain.values import Problem
from caesar_web.domain.whys import Why
from caesar_web.web.proposal_page import (
    AnswerChoice,
    Group,
    Number,
    OfferRow,
    TaskWords,
    Tried,
)
from caesar_web.web.recipe_form import recipe_form

MARKUP = "<b>&\"'"
HERE = {"place": Place(1, MARKUP, 2, MARKUP, "active", False, False)}
NUMBER = Number(f"{MARKUP}:people", MARKUP, MARKUP, [MARKUP])
ANSWERS = (Answer(MARKUP, MARKUP), Answer("1", ""))
ANSWER = AnswerChoice(f"{MARKUP}:answer", MARKUP, ANSWERS, [MARKUP])
ROWS = [
    OfferRow(f"a{MARKUP}", MARKUP, False, True, [NUMBER], ANSWER, MARKUP, MARKUP, "/somewhere"),
    OfferRow(f"b{MARKUP}", MARKUP, True, False, [], None, "", "", ""),
]
PROPOSED: dict[str, Any] = HERE | {
    "tasks": [
        TaskWords(MARKUP, MARKUP, MARKUP, [MARKUP], 2),
        TaskWords("T1", "", "a text", [], -1),
    ],
    "groups": [Group(MARKUP, MARKUP, ROWS)],
    "not_proposed": [NotProposed(MARKUP, "", MARKUP)],
    "warnings": [MARKUP],
    "seen": "1",
}
RUN = DryRun((Outcome(1, "matches"), Outcome(2, "does not match")))
CHECKED = {
    "added": MARKUP,
    "tried": [Tried(MARKUP, RUN, 1, Why(MARKUP)), Tried(MARKUP, DryRun(), None, None)],
}
TASKS = [Task(MARKUP, "single", question=MARKUP, answers=(Answer(MARKUP, MARKUP),))]
CHOICES = Choices((Choice(7, MARKUP, MARKUP),), is_whole=True)


def _recipe(key: str) -> dict[str, Any]:
    given = MultiDict([(one.name, MARKUP) for one in RECIPES[key].parameters])
    form = recipe_form(RECIPES[key], TASKS, {"subject_set_id": CHOICES}, given)
    form.tell([Problem(one.name, MARKUP) for one in form])
    return HERE | {"recipe": RECIPES[key], "form": form, "action": "/somewhere"}


PROPOSAL_PAGES: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("workflows/propose.html", lambda: HERE | {"problem": MARKUP}),
    ("workflows/propose.html", lambda: PROPOSED | {"problems": {NUMBER.name: [MARKUP]}}),
    ("workflows/propose.html", lambda: PROPOSED | {"checked": CHECKED, "must_look": True}),
    (
        "workflows/propose.html",
        lambda: PROPOSED | {"checked": {"added": "", "tried": []}, "must_look": False},
    ),
    ("recipes/index.html", lambda: HERE | {"groups": [(MARKUP, [RECIPES["seen"]])]}),
    ("recipes/show.html", lambda: _recipe("first_say")),
    ("recipes/show.html", lambda: _recipe("some_say_one_of")),
]
