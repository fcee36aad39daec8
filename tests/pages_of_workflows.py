"""The pages of workflows, projects, activity and history with everything hostile in them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from caesar_web.access.choices import NO_WORKFLOWS, WorkflowChoice, WorkflowChoices
from caesar_web.access.permissions import Place
from caesar_web.domain.lights import ALL_WELL, NOTHING_YET, light_of
from caesar_web.domain.whys import Why
from caesar_web.domain.wordings import Reworded
from caesar_web.pipeline.host_lights import HostShown
from caesar_web.store.action_pages import Act, Wanted
from caesar_web.store.activity import Alarm, Freeze
from caesar_web.store.configuration import (
    Project,
    Reducer,
    Revision,
    SubjectRuleEffect,
    Workflow,
)
from caesar_web.store.freeze_statements import EVERYWHERE
from caesar_web.store.frozen_actions import Frozen, FrozenAct
from caesar_web.web import forms
from caesar_web.web.acts import ActShown
from caesar_web.web.flow import Flow, Link, Part, RulePart
from caesar_web.web.freezes import Line, Scope
from caesar_web.web.history import Shown
from caesar_web.web.layout import Frozen as Banner
from caesar_web.web.listed import ProjectListed, WorkflowListed
from caesar_web.web.part_page import states_of
from caesar_web.web.states import State

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARKUP = "<b>&\"'"
BANNERS = [
    Banner("Everywhere", "/", MARKUP, NOON),
    Banner("Project", "/", MARKUP, NOON),
    Banner("Workflow", "/", MARKUP, NOON),
]
HERE = {"place": Place(1, MARKUP, 2, MARKUP, "paused", False, False)}
FAILING = light_of(".x", last_error=MARKUP, since=NOON)

Pages = list[tuple[str, Callable[[], dict[str, Any]]]]

WORKFLOW = Workflow(
    id=1,
    project_id=2,
    name=MARKUP,
    project_name=MARKUP,
    status="paused",
    rules_applied="no_rules",
    extracts_count=1234567,
    subject_reductions_count=1,
    user_reductions_count=2,
    subject_actions_count=3,
    user_actions_count=4,
)
LISTED = WorkflowListed(WORKFLOW, FAILING, NOON)
UNNAMED = WorkflowListed(
    Workflow(
        id=1,
        project_id=2,
        status="active",
        extracts_count=0,
        subject_reductions_count=0,
        user_reductions_count=0,
        subject_actions_count=0,
        user_actions_count=0,
    ),
    NOTHING_YET,
    None,
)

PART = Part(
    f"reducer-{MARKUP}",
    MARKUP,
    MARKUP,
    ((MARKUP, MARKUP),),
    FAILING,
    "/",
    (Link(MARKUP, ""),),
    (Link(MARKUP, "subject-rule-1"),),
    State("halted"),
)
EXTRACTOR = replace(PART, anchor=f"extractor-{MARKUP}", light=ALL_WELL, uses=(), used_by=())
REWORDED = [
    Reworded(MARKUP, MARKUP, MARKUP, MARKUP, moved_to=MARKUP),
    Reworded("T0", "1", "Yes", None, is_choice=True),
]
EFFECT = SubjectRuleEffect(
    action="external",
    config={"url": f"https://example.org/{MARKUP}", "reducer_key": MARKUP},
    saved_by=MARKUP,
    updated_at=NOON,
)
DANGEROUS = SubjectRuleEffect(action="external", config={"url": "javascript:alert(1)"})
RULE = RulePart(
    "subject-rule-1",
    1,
    MARKUP,
    MARKUP,
    FAILING,
    "/",
    (Link(MARKUP, f"reducer-{MARKUP}"),),
    ((EFFECT, FAILING), (DANGEROUS, NOTHING_YET)),
    State("paused", NOON),
)
FLOW = Flow((EXTRACTOR,), (PART,), (RULE,), (replace(RULE, anchor="u", effects=()),))

ACT = Act("subjects", 7, 5, 1, MARKUP, {}, "failed", 10, NOON, NOON, NOON, NOON, MARKUP + "x" * 400)
DONE = ActShown(ACT, MARKUP, MARKUP, "/", MARKUP, "/", "/")
PENDING = ActShown(
    ACT._replace(of="users", status="pending", attempts=1), MARKUP, MARKUP, "/", None, None, "/"
)
WHY = Why(
    MARKUP,
    mark="error",
    error=MARKUP,
    steps=(
        Why(MARKUP, MARKUP, "value", used_fallback=True, entry=MARKUP),
        Why(MARKUP, mark="yes"),
        Why(MARKUP, mark="no"),
        Why(MARKUP),
    ),
)
REVISION = Revision(
    id=3, author=MARKUP, note=MARKUP, before=None, after={"status": MARKUP}, created_at=NOON
)
RECENT = {"figures": LISTED, "acts": [DONE, PENDING], "start": ("/", MARKUP)}


HOSTS = [
    HostShown(MARKUP, True, FAILING, NOON, True, 1),
    HostShown(MARKUP, False, FAILING, NOON, False, 1234),
    HostShown("example.org", False, ALL_WELL),
]


def _frozen(number: int, **over: Any) -> dict[str, Any]:
    """The page of a freeze of everything, or of a project."""
    act = FrozenAct("subjects", 1, 1, 5, MARKUP, {}, NOON)
    scope = Scope(EVERYWHERE, "everywhere", "/freeze", crumbs=((MARKUP, "/"),))
    values = {
        "scope": scope,
        "freeze": Freeze(reducible_type="Everywhere", frozen_by=MARKUP, created_at=NOON),
        "waiting": [Frozen("subjects", 1, MARKUP, MARKUP, True, number, 7)] if number else [],
        "number": number,
        "sent": number,
        "up_to": {"subjects": 7, "users": 0},
        "lines": [Line(act, MARKUP, MARKUP, "/")] if number else [],
    }
    return {**values, **over}


def _activity(**over: Any) -> dict[str, Any]:
    form = forms.ActivityFilter()
    form.effect.choices = form.rule.choices = []
    values = {
        "form": form,
        "acts": [],
        "failed": 0,
        "is_more": False,
        "wanted": Wanted(),
        "waits": [],
        "this": "/",
        "newest": "/",
        "older": None,
        "part": "/",
    }
    return {**HERE, **values, **over}


def _settings(*, of_administrator: bool) -> dict[str, Any]:
    form = forms.Settings()
    if of_administrator:
        form.queue.choices = []
        for field in form:
            field.errors = [MARKUP] if field.name != "csrf_token" else []
    else:
        del form.queue
    return {**HERE, "form": form, "queue": MARKUP}


def _new(found: WorkflowChoices, *errors: str) -> dict[str, Any]:
    form = forms.AddWorkflow(data={"id": MARKUP})
    form.id.errors = errors
    return {"form": form, "found": found}


TO_ADD = WorkflowChoices(
    (WorkflowChoice(1, MARKUP, 2, MARKUP, False), WorkflowChoice(2, MARKUP, 2, MARKUP, True)),
    is_whole=False,
)

WORKFLOW_PAGES: Pages = [
    ("workflows/index.html", lambda: {"workflows": [LISTED, UNNAMED]}),
    ("workflows/index.html", lambda: {"workflows": []}),
    ("workflows/new.html", lambda: _new(TO_ADD)),
    ("workflows/new.html", lambda: _new(NO_WORKFLOWS, MARKUP)),
    ("workflows/new.html", lambda: _new(WorkflowChoices((), is_whole=True))),
    (
        "workflows/show.html",
        lambda: {
            **HERE,
            **RECENT,
            "flow": FLOW,
            "hosts": HOSTS,
            "reworded": REWORDED,
            "alarms": [Alarm(message=MARKUP, raised_at=NOON)],
        },
    ),
    (
        "workflows/show.html",
        lambda: {
            **HERE,
            **RECENT,
            "figures": UNNAMED,
            "acts": [],
            "hosts": [],
            "flow": Flow((), (), (), ()),
            "reworded": [],
            "alarms": [],
        },
    ),
    ("workflows/settings.html", lambda: _settings(of_administrator=True)),
    ("workflows/settings.html", lambda: _settings(of_administrator=False)),
    ("freezes/show.html", lambda: _frozen(1234567)),
    ("freezes/show.html", lambda: _frozen(3, sent=0)),
    ("freezes/show.html", lambda: _frozen(1, sent=1, freezes=BANNERS)),
    ("freezes/show.html", lambda: _frozen(0)),
    ("freezes/show.html", lambda: _frozen(2, freeze=None)),
    (
        "freezes/show.html",
        lambda: HERE | _frozen(0, scope=Scope(EVERYWHERE, "", "/", "workflows/_layout.html")),
    ),
    ("activity/index.html", _activity),
    ("activity/index.html", lambda: _activity(waits=HOSTS[:2])),
    ("activity/index.html", lambda: _activity(wanted=Wanted("failed"))),
    ("activity/index.html", lambda: _activity(wanted=Wanted(subject_id=5), newest="/new")),
    (
        "activity/index.html",
        lambda: _activity(acts=[DONE, PENDING], failed=1000, is_more=True, older="/older"),
    ),
    ("activity/index.html", lambda: _activity(acts=[DONE], failed=1)),
    (
        "activity/show.html",
        lambda: {**HERE, "shown": DONE, "why": WHY, "now": MARKUP, "has_changed": True},
    ),
    (
        "activity/show.html",
        lambda: {**HERE, "shown": PENDING, "why": None, "now": None, "has_changed": False},
    ),
    (
        "history/index.html",
        lambda: {
            **HERE,
            "revisions": [Shown(REVISION, [MARKUP]), Shown(Revision(**_plain()), [])],
            "older": 3,
        },
    ),
    ("history/index.html", lambda: {**HERE, "revisions": [], "older": None}),
    (
        "history/restore.html",
        lambda: {**HERE, "revision": REVISION, "changes": [MARKUP], "problems": [MARKUP]},
    ),
    (
        "history/restore.html",
        lambda: {**HERE, "revision": REVISION, "changes": [], "problems": []},
    ),
    (
        "projects/index.html",
        lambda: {"projects": [ProjectListed(2, MARKUP, (LISTED, UNNAMED))]},
    ),
    ("projects/index.html", lambda: {"projects": [ProjectListed(2, MARKUP, (UNNAMED,))]}),
    ("projects/index.html", lambda: {"projects": []}),
    (
        "projects/show.html",
        lambda: {
            "project_id": 2,
            "project": Project(id=2, status="halted", public_reductions=True),
            "name": MARKUP,
            "workflows": [LISTED],
            "state": State("halted", NOON),
            "reducers": [(Reducer(key=MARKUP, type=MARKUP, config={}), FAILING, State("paused"))],
            "to_reducers": "/",
        },
    ),
    (
        "projects/show.html",
        lambda: {
            "project_id": 2,
            "project": None,
            "name": "Project 2",
            "workflows": [],
            "reducers": [],
            "to_reducers": None,
        },
    ),
    (
        "projects/settings.html",
        lambda: {
            "form": forms.ProjectSettings(),
            "project_id": 2,
            "name": MARKUP,
            "state": State("paused", NOON),
            **states_of(State("paused", NOON), "project"),
        },
    ),
]
WORKFLOW_LAYOUTS = {
    "_acts.html",
    "_refresh.html",
    "_status.html",
    "_why.html",
    "activity/_acts.html",
    "freezes/_of_others.html",
    "freezes/_panel.html",
    "history/_changes.html",
    "workflows/_alarms.html",
    "workflows/_flow.html",
    "workflows/_hosts.html",
    "workflows/_list.html",
    "workflows/_recent.html",
    "workflows/_reworded.html",
}


def _plain() -> dict[str, Any]:
    return {"id": 2, "author": "alice", "before": {}, "after": {}, "created_at": NOON}
