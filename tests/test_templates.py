"""Every template compiles, and every one that is a page is rendered by a test here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from jinja2 import StrictUndefined

from caesar_web.access.identity import Identity
from caesar_web.access.permissions import Place
from caesar_web.app import create_app
from caesar_web.core import ROOT
from caesar_web.store.activity import AuditEntry
from caesar_web.store.queries import Newest, Performed
from caesar_web.web import forms
from tests.conftest import plain_config
from tests.pages import broken_rules, parse
from tests.pages_of_data_requests import DATA_REQUEST_LAYOUTS, DATA_REQUEST_PAGES
from tests.pages_of_operations import OPERATION_LAYOUTS, OPERATION_PAGES
from tests.pages_of_parts import PART_LAYOUTS, PART_PAGES
from tests.pages_of_proposals import PROPOSAL_PAGES
from tests.pages_of_rules import RULE_LAYOUTS, RULE_PAGES
from tests.pages_of_runs import RUN_LAYOUTS, RUN_PAGES
from tests.pages_of_subjects import SUBJECT_LAYOUTS, SUBJECT_PAGES
from tests.pages_of_workflows import WORKFLOW_LAYOUTS, WORKFLOW_PAGES

TEMPLATES = sorted(
    str(path.relative_to(ROOT / "templates")) for path in Path(ROOT / "templates").rglob("*.html")
)
LAYOUTS = {
    "base.html",
    "_forms.html",
    "_page.html",
    "workflows/_layout.html",
    *DATA_REQUEST_LAYOUTS,
    *OPERATION_LAYOUTS,
    *PART_LAYOUTS,
    *WORKFLOW_LAYOUTS,
    *RULE_LAYOUTS,
    *RUN_LAYOUTS,
    *SUBJECT_LAYOUTS,
}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARKUP = "<b>&\"'"

STATUS: dict[str, Any] = {
    "newest": Newest(None, None, None),
    "queued": {"classifications": 0},
    "waiting": 0,
    "most_counted": 100_000,
    "performed": [],
    "totals": {"extracts": 0, "reductions": 0, "actions": 0},
    "commit_id": "",
}
BUSY = STATUS | {
    "newest": Newest(NOON, NOON, NOON),
    "queued": {"classifications": 1, "actions": 2000},
    "waiting": 100_000,
    "performed": [Performed("retire_subject", "completed", 1), Performed(MARKUP, "failed", 12345)],
    "totals": {"extracts": 1234567, "reductions": 3, "actions": 7},
    "commit_id": MARKUP,
}
ENTRY = AuditEntry(
    id=7,
    actor=MARKUP,
    address=None,
    action=MARKUP,
    about=MARKUP,
    times=2,
    workflow_id=1,
    before={"status": MARKUP},
    after={},
    created_at=NOON,
)
SOMEBODY = Identity(1, MARKUP, MARKUP, True, True, True, NOON, secret="-", access_token="-")
HERE = {"place": Place(1, MARKUP, 2, MARKUP, "paused", False, False)}


def wrong(form: Any) -> Any:
    """The form as its page has it when everything was refused."""
    for field in form:
        if field.name == "csrf_token":
            continue
        field.errors = [MARKUP]
    return form


# What a page is rendered with; forms are made when there is a request.
PAGES: list[tuple[str, Callable[[], dict[str, Any]]]] = [
    *DATA_REQUEST_PAGES,
    *OPERATION_PAGES,
    *PART_PAGES,
    *PROPOSAL_PAGES,
    *WORKFLOW_PAGES,
    *RULE_PAGES,
    *RUN_PAGES,
    *SUBJECT_PAGES,
    ("status.html", lambda: STATUS),
    ("status.html", lambda: BUSY),
    ("status.html", lambda: STATUS | {"queued": None}),
    ("error.html", lambda: {"title": MARKUP, "text": MARKUP, "sign_in": False}),
    ("error.html", lambda: {"title": "Please sign in", "text": "again", "sign_in": True}),
    ("session.html", lambda: {"caller": SOMEBODY}),
    ("session.html", lambda: {"caller": replace(SOMEBODY, acts_as_admin=False)}),
    ("session.html", dict),
    ("sign_in.html", dict),
    ("help.html", lambda: {"words": [(MARKUP, MARKUP)]}),
    ("trail.html", lambda: {"entries": [ENTRY], "older": 7, "workflow_id": None}),
    ("trail.html", lambda: HERE | {"entries": [], "older": None, "workflow_id": 1}),
    (
        "workflows/configuration.html",
        lambda: (
            HERE
            | {
                "form": wrong(forms.Configuration(data={"document": MARKUP})),
                "copy": forms.CopyFrom(),
                "copied_from": None,
            }
        ),
    ),
    (
        "workflows/configuration.html",
        lambda: (
            HERE
            | {"form": forms.Configuration(), "copy": wrong(forms.CopyFrom()), "copied_from": 200}
        ),
    ),
]


@pytest.fixture(scope="module")
def app() -> Flask:
    app = create_app(plain_config(database_url="sqlite://"))
    app.jinja_env.undefined = StrictUndefined
    return app


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_compiles_and_escapes(app: Flask, name: str) -> None:
    app.jinja_env.get_template(name)
    source = (ROOT / "templates" / name).read_text("utf-8")
    assert "|safe" not in source.replace(" ", "")
    assert "autoescape" not in source


def test_every_page_has_a_case() -> None:
    assert {name for name, _ in PAGES} | LAYOUTS == set(TEMPLATES)


@pytest.mark.parametrize(("name", "context"), PAGES)
def test_every_page_renders_and_keeps_the_rules(
    app: Flask, name: str, context: Callable[[], dict[str, Any]]
) -> None:
    with app.test_request_context("/"):
        html = render_template(name, **context())
    page, problems = parse(html)
    assert problems + broken_rules(page) == []
    assert "<b>" not in html
    assert 'href="javascript' not in html


def test_numbers_and_moments_read_well(app: Flask) -> None:
    with app.test_request_context("/"):
        page, _ = parse(render_template("status.html", **BUSY))
    assert "100,000 or more" in page.text
    assert "1,234,567" in page.text
    assert "1 Jan 2026, 12:00:00 UTC" in page.text
    assert "classifications: 1 job waiting, actions: 2,000 jobs waiting" in page.text
    assert "retire subject" in page.text
