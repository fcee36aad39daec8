"""The pages of extractors and reducers with everything hostile in them, for test_templates."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from caesar_web.access.permissions import Place
from caesar_web.domain.classification import Classification, Extract, Group, Subject
from caesar_web.domain.extractors import EXTRACTORS, Extractor
from caesar_web.domain.folds import Reduced
from caesar_web.domain.lights import Light
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.reduction_steps import Fallen, Steps, SubgroupSteps, Unplaced
from caesar_web.pipeline.trying import Tried
from caesar_web.store.activity import Exchange
from caesar_web.store.part_queries import LeftOut
from caesar_web.store.snapshot import Reducible
from caesar_web.web import extractors, reducer_pages
from caesar_web.web.option_fields import Offered
from caesar_web.web.part_forms import Samples
from caesar_web.web.part_page import Home, Line, states_of
from caesar_web.web.states import ACTIVE, State
from caesar_web.web.type_forms import extractor_form, reducer_form

MARKUP = "<b>&\"'"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHOICES = {MARKUP: MARKUP}

OFFERED = Offered(CHOICES, CHOICES, CHOICES, CHOICES, CHOICES, (MARKUP,))
SAMPLES = Samples("subject", CHOICES)
OF_WORKFLOW = Home("reducer", Reducible("Workflow", 1), "reducers")
OF_PROJECT = Home("reducer", Reducible("Project", 2), "project_reducers", MARKUP)
EXTRACTOR = Home("extractor", Reducible("Workflow", 1), "extractors")
HERE: dict[str, Any] = {"place": Place(1, MARKUP, 2, MARKUP, "paused", False, False)}

FAILS = Light("some", "1 of 2 failed", MARKUP, NOON, 1)
LINE = Line(7, MARKUP, MARKUP, [(MARKUP, MARKUP)], FAILS, [MARKUP], [MARKUP], State("halted"))
SEEN = Classification(
    7, 2, 1, "1.1", Subject(1, {}), None, {"T0": [{"value": MARKUP}]}, {}, NOON, NOON
)
EXTRACT = Extract(1, 7, NOON, MARKUP, 1, None, {MARKUP: MARKUP})
PREDICTION = EXTRACT._replace(classification_id=None)
GROUP = Group(NOON, 7, (EXTRACT, PREDICTION))
FALLEN = (Fallen("empty", MARKUP, (EXTRACT,)),)
REDUCED = Reduced({MARKUP: MARKUP}, {"left_out": 3})
STEPS = Steps(
    (
        SubgroupSteps(MARKUP, (GROUP,), FALLEN, (EXTRACT,), REDUCED),
        SubgroupSteps("_default", (GROUP,), (), ()),
        SubgroupSteps("elsewhere", (GROUP,), (), (), REDUCED, is_made_elsewhere=True),
    ),
    (Unplaced(GROUP, MARKUP),),
    MARKUP,
    2000,
)
HELD = State("paused", NOON)
OWN: dict[str, Any] = {
    "uses": [MARKUP],
    "warnings": [MARKUP],
    "id": 7,
    "key": MARKUP,
    "state": HELD,
}


def _wrong(form: Any, *, is_tried: bool = True) -> Any:
    """The form of a page on which everything was refused. Some cannot be tried."""
    form.process(data=dict.fromkeys(form.data, MARKUP))
    for each in form:
        if each.type not in ("CheckboxesField", "RowsField"):
            each.data = MARKUP
        if each.type == "RowsField":
            each.data = [(MARKUP, MARKUP)]
        if each.type == "CheckboxesField":
            each.data = [MARKUP]
        unseen = () if is_tried else ("latest", "sample")
        if each.name not in ("csrf_token", "expected", "shown_for", *unseen):
            each.errors = [MARKUP]
    return form


def _extractor(
    type_name: str, tried: Tried | None, *, name: str = "", is_new: bool = False
) -> dict[str, Any]:
    own: dict[str, Any] = {} if is_new else OWN
    form = extractor_form(type_name, OFFERED, SAMPLES, name=name)()
    return HERE | {
        "home": EXTRACTOR,
        "editing": extractors.Editing(1, type_name, OFFERED, SAMPLES, **own),
        "kind": EXTRACTORS[type_name],
        "form": form if is_new else _wrong(form, is_tried=not EXTRACTORS[type_name].elsewhere),
        "tried": tried,
        **states_of(own.get("state", ACTIVE), "extractor"),
    }


def _reducer(type_name: str, home: Home, tried: Steps | None) -> dict[str, Any]:
    form = reducer_form(
        type_name, OFFERED, SAMPLES, topic="reduce_by_user", mode="default_reduction"
    )
    editing = reducer_pages.Editing(
        home, type_name, OFFERED, [SEEN], **OWN, left_out=LeftOut(12345, 2, 500)
    )
    return HERE | {
        "home": home,
        "editing": editing,
        "kind": REDUCERS[type_name],
        "form": _wrong(form()),
        "tried": tried,
        "is_new_kind": True,
        **states_of(HELD, "reducer"),
    }


def _listed(home: Home, lines: list[Line]) -> dict[str, Any]:
    return HERE | {"home": home, "lines": lines, "next": (MARKUP, "/next")}


def _removed(home: Home, **own: Any) -> dict[str, Any]:
    editing = extractors.Editing(1, "who", OFFERED, SAMPLES, **{**OWN, **own})
    return HERE | {"home": home, "editing": editing}


def _called(home: Home, **over: Any) -> dict[str, Any]:
    part = Extractor(7, MARKUP, EXTRACTORS["external"], {"url": f"https://e.org/{MARKUP}"})
    said = {"error": MARKUP, "sent": MARKUP, "received": MARKUP}
    call = Exchange(created_at=NOON, status=None, seconds=1.5, **said)
    numbers = {"waiting": 1_234_567, "failed": 1}
    shown = {
        "part_id": 7,
        "here": "/",
        "numbers": numbers,
        "latest": [call],
        "tested": call,
        "queue": MARKUP,
        "can_test": True,
    }
    return HERE | {"home": home, "part": part} | shown | over


PART_PAGES: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    ("parts/index.html", lambda: _listed(EXTRACTOR, [LINE])),
    ("parts/index.html", lambda: _listed(EXTRACTOR, [])),
    ("parts/index.html", lambda: _listed(OF_PROJECT, [LINE])),
    ("parts/index.html", lambda: _listed(OF_WORKFLOW, [])),
    ("parts/calls.html", lambda: _called(EXTRACTOR)),
    ("parts/calls.html", lambda: _called(OF_PROJECT, latest=[], tested=None)),
    ("parts/types.html", lambda: HERE | {"home": EXTRACTOR, "types": EXTRACTORS}),
    ("parts/types.html", lambda: {"home": OF_PROJECT, "types": REDUCERS}),
    ("parts/edit.html", lambda: _extractor("survey", Tried(SEEN, {MARKUP: MARKUP}))),
    ("parts/edit.html", lambda: _extractor("pluck_field", Tried(SEEN, why=MARKUP))),
    ("parts/edit.html", lambda: _extractor("question", Tried(SEEN, error=MARKUP), is_new=True)),
    ("parts/edit.html", lambda: _extractor("aggregation", None, name="nfn_extractor")),
    ("parts/edit.html", lambda: _extractor("aggregation", None, is_new=True)),
    ("parts/edit.html", lambda: _reducer("summary_stats", OF_PROJECT, STEPS)),
    ("parts/edit.html", lambda: _reducer("unique_count", OF_WORKFLOW, Steps())),
    ("parts/remove.html", lambda: _removed(EXTRACTOR)),
    ("parts/remove.html", lambda: _removed(OF_PROJECT, uses=[])),
]
PART_LAYOUTS = {
    "parts/_state.html",
    "parts/_of_project.html",
    "parts/_tried_extractor.html",
    "parts/_tried_reducer.html",
    "parts/_words.html",
}
