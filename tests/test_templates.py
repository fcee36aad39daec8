"""Every template compiles, and every one that is a page is rendered by a test here."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template
from jinja2 import StrictUndefined

from caesar_web.app import ROOT, create_app
from caesar_web.store.configuration import Workflow
from caesar_web.store.queries import Newest, Performed
from tests.conftest import plain_config
from tests.pages import broken_rules, parse

TEMPLATES = sorted(
    str(path.relative_to(ROOT / "templates")) for path in Path(ROOT / "templates").rglob("*.html")
)
LAYOUTS = {"base.html"}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MARKUP = "<b>&\"'"

STATUS: dict[str, Any] = {
    "newest": Newest(None, None, None),
    "queued": {"classifications": 0},
    "waiting": 0,
    "most_counted": 100_000,
    "performed": [],
    "workflows": None,
    "totals": {"extracts": 0, "reductions": 0, "actions": 0},
    "commit_id": "",
}
BUSY = STATUS | {
    "newest": Newest(NOON, NOON, NOON),
    "queued": {"classifications": 1, "actions": 2000},
    "waiting": 100_000,
    "performed": [Performed("retire_subject", "completed", 1), Performed(MARKUP, "failed", 12345)],
    "workflows": [
        Workflow(
            id=1,
            name=MARKUP,
            status="paused",
            extracts_count=1234567,
            subject_reductions_count=1,
            user_reductions_count=2,
            subject_actions_count=3,
            user_actions_count=4,
        )
    ],
    "totals": {"extracts": 1234567, "reductions": 3, "actions": 7},
    "commit_id": MARKUP,
}
PAGES = [
    ("status.html", STATUS),
    ("status.html", BUSY),
    ("status.html", STATUS | {"workflows": [], "queued": None}),
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
    app: Flask, name: str, context: dict[str, Any]
) -> None:
    with app.test_request_context("/"):
        html = render_template(name, **context)
    page, problems = parse(html)
    assert problems + broken_rules(page) == []
    assert "<b>" not in html


def test_numbers_and_moments_read_well(app: Flask) -> None:
    with app.test_request_context("/"):
        page, _ = parse(render_template("status.html", **BUSY))
    assert "100,000 or more" in page.text
    assert "1,234,567" in page.text
    assert "1 Jan 2026, 12:00:00 UTC" in page.text
    assert "classifications: 1 job waiting, actions: 2,000 jobs waiting" in page.text
    assert "retire subject" in page.text
