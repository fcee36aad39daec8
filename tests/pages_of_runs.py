"""The pages of runs with everything hostile in them, for test_templates."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from caesar_web.access.permissions import Place
from caesar_web.domain.run_progress import Bar
from caesar_web.domain.run_reading import KIND_WORDS, KindWords
from caesar_web.store.runs import Run, RunFailure
from caesar_web.store.snapshot import Reducible
from caesar_web.web.run_forms import NEEDED, StartRun, start_form
from caesar_web.web.run_shown import EffectShown, Home, RunShown, WithheldShown

MARKUP = "<b>&\"'"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HERE: dict[str, Any] = {"place": Place(1, MARKUP, 2, MARKUP, "paused", False, False)}
OF_WORKFLOW, OF_PROJECT = Home(Reducible("Workflow", 1)), Home(Reducible("Project", 2), MARKUP)
WORDS = KindWords(MARKUP, MARKUP, "")

RUN = Run(id=7, started_by=MARKUP, created_at=NOON, acts=False, failed=12_345, rate=1234)
OVER = Run(
    id=8, started_by=MARKUP, created_at=NOON, finished_at=NOON, applied_at=NOON, failed=0, acts=True
)
SHOWN = RunShown(
    RUN, "running", MARKUP, MARKUP, MARKUP, Bar(1, 2), 0, MARKUP, NOON, None, False, False, True
)
WAITING = replace(SHOWN, state="waiting", before=1234, note=None, next_try=None)
LOST = replace(SHOWN, state="lost", bar=None, can_go_on=True)
ENDED = replace(SHOWN, run=OVER, state="finished", lasted=MARKUP, can_repeat=True, next_try=None)
FAILURE = RunFailure(id=1, place=MARKUP, message=MARKUP)
WITHHELD = [
    WithheldShown(MARKUP, MARKUP, "/rules", 12_345, MARKUP, False),
    WithheldShown(MARKUP, None, None, 1, MARKUP, True),
]
EFFECTS = [EffectShown(MARKUP, MARKUP, "/rules")]
FAILING = {"failures": [FAILURE], "after": 5, "more": 9}
NO_FAILURES: dict[str, Any] = {"failures": [], "after": 0, "more": None}


def _form(kind: str, home: Home, *, is_refused: bool = False) -> StartRun:
    form = start_form(kind, home.reducible, [MARKUP])
    for field in form:
        if is_refused and field.name != "csrf_token":
            field.errors = [MARKUP]
    return form


def _start(kind: str, home: Home, *, is_refused: bool = False) -> Callable[[], dict[str, Any]]:
    return lambda: (
        HERE
        | {"home": home, "kind": kind, "words": WORDS}
        | {"form": _form(kind, home, is_refused=is_refused)}
    )


def _show(home: Home, shown: RunShown, **values: Any) -> Callable[[], dict[str, Any]]:
    about = {"withheld": [], "number": 0, **NO_FAILURES, **values}
    return lambda: HERE | {"home": home, "shown": shown} | about


def _sure(home: Home, effects: Any) -> Callable[[], dict[str, Any]]:
    about = {"title": MARKUP, "scope": MARKUP, "action": "/runs", "back": "/runs"}
    return lambda: HERE | about | {"home": home, "effects": effects, "fields": {"subjects": MARKUP}}


RUN_LAYOUTS = {"runs/_of_project.html", "runs/_parts.html", "runs/_list.html"} | {
    "runs/_progress.html"
}
RUN_PAGES: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    *(
        (
            "runs/index.html",
            lambda home=home, runs=runs, before=before: (
                HERE
                | {"home": home, "runs": runs, "kinds": KIND_WORDS}
                | {"older": before, "before": before}
            ),
        )
        for home, runs, before in (
            (OF_WORKFLOW, [SHOWN, WAITING, LOST, ENDED], 7),
            (OF_WORKFLOW, [], None),
            (OF_PROJECT, [], 7),
        )
    ),
    ("runs/new.html", lambda: HERE | {"home": OF_PROJECT, "kinds": {"backfill": WORDS}}),
    *(("runs/start.html", _start(kind, OF_WORKFLOW)) for kind in NEEDED),
    ("runs/start.html", _start("rereduce", OF_WORKFLOW, is_refused=True)),
    ("runs/start.html", _start("rereduce", OF_PROJECT)),
    ("runs/sure.html", _sure(OF_WORKFLOW, EFFECTS)),
    ("runs/sure.html", _sure(OF_WORKFLOW, [])),
    ("runs/sure.html", _sure(OF_PROJECT, None)),
    ("runs/show.html", _show(OF_WORKFLOW, SHOWN, withheld=WITHHELD, number=9, **FAILING)),
    ("runs/show.html", _show(OF_WORKFLOW, WAITING)),
    ("runs/show.html", _show(OF_PROJECT, LOST, after=5)),
    ("runs/show.html", _show(OF_WORKFLOW, ENDED, withheld=WITHHELD, number=12_345)),
    ("runs/show.html", _show(OF_WORKFLOW, ENDED)),
    ("runs/apply.html", _show(OF_WORKFLOW, ENDED, withheld=WITHHELD, number=12_345)),
    ("runs/apply.html", _show(OF_WORKFLOW, SHOWN, withheld=WITHHELD, number=9)),
    ("runs/apply.html", _show(OF_WORKFLOW, ENDED)),
]
