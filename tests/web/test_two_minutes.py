"""What a scientist comes for: from signing in to a subject that a rule of hers has retired."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from caesar_web.jobs.tasks import panoptes, perform
from caesar_web.store.db import db
from tests.conftest import plain_config
from tests.factories import JSON, make_event
from tests.pages import in_thread
from tests.people import application, at_panoptes
from tests.pipeline.steps import process, receive
from tests.standin.server import StandinServer
from tests.web.visitors import Visitor

pytestmark = pytest.mark.browser

GALAXY, STAR = 0, 1
SEEN, NEWEST = (1001, 1002, 1003), 1004


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    """Nobody has added a workflow yet."""
    config = at_panoptes(plain_config(database_url=new_database("sqlite")), standin)
    with application(config) as app:
        yield app


def classify(app: Flask, answers: dict[int, list[int]], *, begin: int) -> None:
    """Volunteers answer, each subject in this order; what is decided is done."""
    given = [(subject, answer) for subject, all in answers.items() for answer in all]
    with app.app_context():
        receive(
            make_event(
                id, subject=subject, user=1000 + id, annotations=[{"task": "T0", "value": answer}]
            )
            for id, (subject, answer) in enumerate(given, begin)
        )
        process()
        perform(100)
        panoptes().close()
        db.session.remove()


def retired(standin: StandinServer) -> dict[str, str]:
    """The subjects that are retired in Panoptes, each with the reason."""
    path = "/subject_workflow_statuses?workflow_id=100"
    rows: list[JSON] = standin.api("GET", path).json()["subject_workflow_statuses"]
    return {row["links"]["subject"]: row["retirement_reason"] for row in rows if row["retired_at"]}


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_rule_of_hers_retires_a_subject(
    browser: Browser, app: Flask, standin: StandinServer, has_scripts: bool
) -> None:
    with in_thread(app) as url:
        alice = Visitor(browser, url, has_scripts=has_scripts)
        alice.open("/")
        alice.page.get_by_role("link", name="Sign in").click()
        alice.choose("Alice")
        alice.press("Workflows")
        alice.press("Add a workflow")
        alice.press("Add Is it a galaxy?")
        classify(app, {1001: [STAR, STAR], 1002: [STAR, GALAXY], 1003: [STAR]}, begin=1)
        assert retired(standin) == {}

        alice.press("Propose a configuration")
        alice.press("All recipes of rules")
        alice.press("The first few all say one thing")
        alice.page.get_by_label("The answer").select_option("No, a star (1)")
        assert alice.typed("How many people") == "3"
        alice.type("How many people", "2")
        alice.press("Open it in the editor")
        assert "1 of the latest 3 subjects matches (33 %)." in alice.text
        alice.page.get_by_role("button", name="Why subject 1001").click()
        expect(alice.page.get_by_role("heading", name="Why subject 1001")).to_be_visible()
        alice.press("Save the rule")
        assert "The rule is saved." in alice.text
        assert retired(standin) == {}

        classify(app, {NEWEST: [STAR, STAR], 1005: [GALAXY, STAR, STAR]}, begin=11)
        assert retired(standin) == {str(NEWEST): "nothing_here"}
        alice.press("Subjects")
        alice.press(f"Subject {NEWEST}")
        assert alice.heading == f"Subject {NEWEST}"
        assert "Why it is retired" in alice.text
        assert "✓ It matches now." in alice.text
        assert 'retire the subject as "nothing_here"' in alice.text
        alice.leave()
    assert (alice.problems, alice.refusals) == ([], [])
