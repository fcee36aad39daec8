"""The pages of subjects and volunteers with everything hostile in them, for test_templates."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from caesar_web.access.permissions import Place
from caesar_web.access.subject_texts import SubjectText
from caesar_web.access.subjects import Location, Media
from caesar_web.domain.whys import Why
from caesar_web.store.action_pages import Act
from caesar_web.store.configuration import Reducer
from caesar_web.store.timelines import Classified
from caesar_web.web import forms
from caesar_web.web.acts import ActShown
from caesar_web.web.shown_data import fields
from caesar_web.web.swap_shown import MatrixRow, MatrixShown, Point, TrajectoryShown
from caesar_web.web.target_list import TargetRow
from caesar_web.web.target_page import ClassifiedShown, ReductionShown, RuleShown, TargetPage
from tests.pages_of_parts import STEPS

MARKUP = "<b>&\"'"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HERE: dict[str, Any] = {"place": Place(1, MARKUP, 2, MARKUP, "paused", False, False)}

RETIRE = {"reason": MARKUP}
FAILED = Act(
    "subjects", 1, 7, 3, "retire_subject", RETIRE, "failed", 3, NOON, NOON, NOON, None, MARKUP
)
ACT = ActShown(FAILED, MARKUP, MARKUP, "/", None, None, "/workflows/1/activity/subjects/1")
WHY = Why(MARKUP, MARKUP, "no", steps=(Why(MARKUP, error=MARKUP, mark="error", entry=MARKUP),))
SEEN = Classified(7, NOON, 7, 8, MARKUP, (), 0, False, MARKUP)
PREDICTED = Classified(None, NOON, 7, None, None, (), 12_345, True)
EVENTS = (
    (NOON, ACT),
    (NOON, ClassifiedShown(SEEN, ())),
    (NOON, ClassifiedShown(PREDICTED, [(MARKUP, MARKUP)])),
)
REDUCTIONS = (
    ReductionShown(MARKUP, MARKUP, MARKUP, NOON, 7),
    ReductionShown(MARKUP, None, MARKUP, NOON, None),
)
RULES = (
    RuleShown(1, MARKUP, "/rules", WHY, MARKUP, [ACT], is_open=True),
    RuleShown(2, MARKUP, "/rules", None, "", (), is_open=False),
)
MATRIX = MatrixShown(MARKUP, MARKUP, 12_345, [MatrixRow(MARKUP, 1, 12_345, MARKUP)], MARKUP)
POINTS = (Point(-3, MARKUP, 40.0, 172.0), Point(12_345, MARKUP, 590.0, 12.0))
FULL = TargetPage(
    *(7, {}, REDUCTIONS, 12_345, RULES, "no_rules", EVENTS),
    is_cut=True,
    matrices=[MATRIX],
    trajectories=[TrajectoryShown(MARKUP, MARKUP, POINTS)],
)
BARE = TargetPage(7, {}, (), 0, (), "all_matching_rules", (), is_cut=False)
ROWS = [TargetRow(7, [(MARKUP, MARKUP)], 3, [ACT]), TargetRow(8, (), 0, ())]
METADATA = {MARKUP: MARKUP, "#a": "javascript:alert(1)", "b": f"https://example.org/{MARKUP}"}
MEDIA = Media(
    tuple(
        Location(mime, "https://panoptes-uploads.zooniverse.org/7")
        for mime in ("image/png", "video/mp4", "audio/mpeg", "text/plain", "x/y")
    ),
    problem=MARKUP,
)


TEXTS = {MEDIA.locations[0].url: SubjectText(MARKUP, is_cut=True)}
BROKEN_TEXTS = {MEDIA.locations[0].url: SubjectText(problem=MARKUP)}


def _refused(form: Any) -> Any:
    form.id.errors = [MARKUP]
    return form


SUBJECT_LAYOUTS = {"subjects/_shown.html", "subjects/_media.html", "subjects/_swap.html"}
SUBJECT_PAGES: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    (
        "subjects/index.html",
        lambda: (
            HERE
            | {"form": _refused(forms.FindSubject(data={"id": MARKUP}))}
            | {"rows": ROWS, "counts": {7: 12_345}}
        ),
    ),
    ("subjects/index.html", lambda: HERE | {"form": forms.FindSubject(), "rows": []}),
    (
        "subjects/show.html",
        lambda: HERE | {"shown": FULL, "fields": fields(METADATA), "media": MEDIA, "texts": TEXTS},
    ),
    (
        "subjects/show.html",
        lambda: HERE | {"shown": BARE, "fields": [], "media": MEDIA, "texts": BROKEN_TEXTS},
    ),
    (
        "subjects/show.html",
        lambda: HERE | {"shown": BARE, "fields": [], "media": Media(()), "texts": {}},
    ),
    (
        "subjects/steps.html",
        lambda: HERE | {"id": 7, "reducer": Reducer(key=MARKUP), "tried": STEPS},
    ),
    ("users/index.html", lambda: HERE | {"form": forms.FindUser(), "rows": ROWS}),
    ("users/index.html", lambda: HERE | {"form": _refused(forms.FindUser()), "rows": []}),
    ("users/show.html", lambda: HERE | {"shown": FULL}),
    ("users/show.html", lambda: HERE | {"shown": BARE}),
    (
        "users/steps.html",
        lambda: HERE | {"id": 7, "reducer": Reducer(key=MARKUP), "tried": STEPS},
    ),
]
