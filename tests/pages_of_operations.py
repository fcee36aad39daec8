"""The operators' pages with everything hostile in them, for test_templates."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from wtforms.fields.choices import SelectChoice

from caesar_web.domain.lights import light_of
from caesar_web.jobs.monitor import QueueState
from caesar_web.store.load_statements import Latest, Owner, Waits
from caesar_web.store.operation_statements import Numbers
from caesar_web.web import forms
from caesar_web.web.asking import Asked
from caesar_web.web.failure_groups import SORTS, Found, Group, Member
from caesar_web.web.operation_shown import (
    LightShown,
    LoadShown,
    QueueShown,
    RunShown,
    Said,
)
from caesar_web.web.rejected import Event, Reason

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARKUP = "<b>&\"'"
LONG = MARKUP + "w" * 1000

OWNER = Owner(100, MARKUP, "paused", 10, MARKUP, MARKUP, MARKUP)
UNNAMED = Owner(101, None, "active", 10, None, None, "gold")
NOW: dict[str, Any] = {
    "said": [Said(MARKUP, "all"), Said(MARKUP, "none")],
    "database": MARKUP,
    "redis": MARKUP,
    "numbers": Numbers(1_234_567, 1, 2),
    "failed_actions": 1,
    "due_actions": 2,
    "queues": [
        QueueShown(QueueState(MARKUP, 1_234_567, 60.0, 0, 0, 3), MARKUP, Said(MARKUP, "all")),
        QueueShown(QueueState("idle", 0, None, 2, 0, 0), None, Said("idle", "well")),
    ],
    "runs": [
        RunShown(MARKUP, MARKUP, "/", "lost", MARKUP, (5, 9), LONG, NOON, "/run"),
        RunShown(MARKUP, MARKUP, "/", "failed", MARKUP, None, None, NOON, None),
    ],
    "lights": [
        LightShown(MARKUP, light_of("xx", last_error=LONG, since=NOON), MARKUP, "/"),
        LightShown(MARKUP, light_of(".x"), None, None),
    ],
    "more_lights": True,
    "loads": [
        LoadShown(OWNER, Waits(1_234_567, NOON), MARKUP, Latest(9, 5), Said(MARKUP, "some"), False),
        LoadShown(UNNAMED, None, None, None, Said("gold", "well"), True),
    ],
    "more_loads": 7,
    "latest": 10_000,
    "at": NOON,
    "to_freezing": "/freeze",
}
QUIET = NOW | {
    "numbers": Numbers(0, 0, 0),
    "queues": None,
    "runs": [],
    "lights": [],
    "more_lights": False,
    "loads": [],
    "more_loads": 0,
    "to_freezing": None,
}
MEMBERS = [
    Member("7", MARKUP, "/", LONG, NOON),
    Member("6", MARKUP, None, "", None),
]
GROUPS = [
    Group(SORTS["subject_actions"], MARKUP, LONG, MEMBERS * 100),
    Group(SORTS["jobs"], "", MARKUP, MEMBERS[1:]),
]
EVENT = Event(7, LONG, NOON, LONG, 12_345, is_cut=True)
ASKED = Asked(MARKUP, LONG, MARKUP, MARKUP, 37, 36, "/", "/", (("ids", MARKUP),))

Pages = list[tuple[str, Callable[[], dict[str, Any]]]]


def _queues(*errors: str) -> dict[str, Any]:
    form = forms.ChooseQueue(data={"of": "project", "id": MARKUP})
    form.queue.choices = [SelectChoice(MARKUP)]
    form.id.errors = errors
    return {"form": form, "chosen": [(OWNER, Said(MARKUP, "some")), (UNNAMED, Said("", "well"))]}


def _failure(group: Group | None, **over: Any) -> dict[str, Any]:
    return {
        "sort": SORTS["jobs"],
        "group": group,
        "members": group.members[:2] if group else [],
        "ids": "7,6",
        "newer": "/newer",
        "older": "/older",
        "address": "/",
        "seen": NOON.isoformat(),
        **over,
    }


def _rejected(**over: Any) -> dict[str, Any]:
    return {
        "reasons": [Reason(LONG, "abc", 1_234_567, NOON, NOON)],
        "more": 3,
        "chosen": None,
        "events": [EVENT, Event(8, MARKUP, NOON, MARKUP, 7, is_cut=False)],
        "ids": "7,8",
        "number": 1_234_567,
        "highest": 8,
        "is_full": True,
        "most": 2000,
        "this": "/",
        "newer": "/newer",
        "older": "/older",
        **over,
    }


def _asked(*, answered: str | None) -> dict[str, Any]:
    return {"form": forms.Query(), "answered": answered, "schema": MARKUP}


OPERATION_PAGES: Pages = [
    ("operations/index.html", lambda: NOW),
    ("operations/index.html", lambda: QUIET),
    ("operations/queues.html", _queues),
    ("operations/queues.html", lambda: _queues(MARKUP) | {"chosen": []}),
    ("operations/graphql.html", lambda: _asked(answered=None)),
    ("operations/graphql.html", lambda: _asked(answered=LONG)),
    (
        "operations/failures.html",
        lambda: {
            "found": Found(GROUPS, [SORTS["runs"]], is_away=True),
            "groups": GROUPS,
            "more": 3,
            "examples": 3,
            "most": 5_000,
            "seen": NOON.isoformat(),
        },
    ),
    (
        "operations/failures.html",
        lambda: {
            "found": Found([], [], is_away=False),
            "groups": [],
            "more": 0,
            "examples": 3,
            "most": 5_000,
            "seen": NOON.isoformat(),
        },
    ),
    ("operations/failure.html", lambda: _failure(GROUPS[0])),
    ("operations/failure.html", lambda: _failure(GROUPS[1], newer=None, older=None)),
    ("operations/failure.html", lambda: _failure(None)),
    ("operations/confirm.html", lambda: {"asked": ASKED}),
    ("operations/rejected.html", _rejected),
    (
        "operations/rejected.html",
        lambda: _rejected(chosen=Reason(MARKUP, "abc", 2, NOON, NOON), number=2, is_full=False),
    ),
    ("operations/rejected.html", lambda: _rejected(events=[])),
    ("operations/rejected.html", lambda: _rejected(events=[], reasons=[], is_full=False)),
]
OPERATION_LAYOUTS = {
    "operations/_layout.html",
    "operations/_now.html",
    "operations/_words.html",
}
