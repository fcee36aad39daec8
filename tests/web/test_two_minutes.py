"""What a scientist comes for: from signing in to a subject that a rule of hers has retired."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Story:
    """A workflow, and the rule that is picked there: the first `people` all say `label`."""

    workflow_id: int
    name: str
    rule: str
    people: int
    label: str
    says: Any
    else_says: Any
    reason: str
    first_subject: int

    def event(self, id: int, subject: int, said: Any) -> JSON:
        """A volunteer of the workflow says something of a subject."""
        about: JSON = {"workflow": self.workflow_id, "project": self.workflow_id // 10}
        given: JSON = (
            {"choice": said}
            if isinstance(said, str)
            else {"annotations": [{"task": "T0", "value": said}]}
        )
        return make_event(id, subject=subject, user=1000 + id, **about, **given)


SURVEY = Story(
    200,
    "Which animals are here?",
    "Retire a subject as nothing here once the first 3 people all answer “Nothing here” to the"
    " survey T0.",
    3,
    "Nothing here",
    "NOTHINGHERE",
    "LION",
    "nothing_here",
    2001,
)
QUESTION = Story(
    100,
    "Is it a galaxy?",
    "Retire a subject once the first 3 people all answer “No, a star” to “Is there a galaxy in the"
    " middle of the picture?” (T0).",
    2,
    "No, an artefact",
    2,
    0,
    "consensus",
    1001,
)


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    """Nobody has added a workflow yet."""
    config = at_panoptes(plain_config(database_url=new_database("sqlite")), standin)
    with application(config) as app:
        yield app


def classify(app: Flask, story: Story, answers: dict[int, list[Any]], *, begin: int) -> None:
    """Volunteers answer, each subject in this order; what is decided is done."""
    given = [(subject, answer) for subject, all in answers.items() for answer in all]
    with app.app_context():
        receive(
            story.event(id, subject, answer) for id, (subject, answer) in enumerate(given, begin)
        )
        process(story.workflow_id)
        perform(story.workflow_id)
        panoptes().close()
        db.session.remove()


def retired(standin: StandinServer, workflow_id: int) -> dict[str, str]:
    """The subjects that are retired in Panoptes, each with the reason."""
    path = f"/subject_workflow_statuses?workflow_id={workflow_id}"
    rows: list[JSON] = standin.api("GET", path).json()["subject_workflow_statuses"]
    return {row["links"]["subject"]: row["retirement_reason"] for row in rows if row["retired_at"]}


def pick(alice: Visitor, story: Story) -> None:
    """Ticks the one rule and no other, with the story's number and answer."""
    rules = alice.page.get_by_role("region", name="When to act")
    for box in rules.get_by_role("checkbox", checked=True).all():
        box.uncheck()
    offer = rules.get_by_role("listitem").filter(has_text=story.rule)
    offer.get_by_role("checkbox").check()
    offer.get_by_label("How many people", exact=True).fill(str(story.people))
    offer.get_by_label("The answer", exact=True).select_option(story.label)


@pytest.mark.parametrize(
    ("story", "has_scripts"),
    [
        pytest.param(SURVEY, True, id="a survey, with scripts"),
        pytest.param(SURVEY, False, id="a survey, without scripts"),
        pytest.param(QUESTION, False, id="a question, without scripts"),
    ],
)
def test_a_rule_of_hers_retires_a_subject(
    browser: Browser, app: Flask, standin: StandinServer, story: Story, has_scripts: bool
) -> None:
    is_it, other = story.says, story.else_says
    first, second, third, newest, mixed = range(story.first_subject, story.first_subject + 5)
    with in_thread(app) as url:
        alice = Visitor(browser, url, has_scripts=has_scripts)
        alice.open("/")
        alice.page.get_by_role("link", name="Sign in").click()
        alice.choose("Alice")
        alice.press("Workflows")
        alice.press("Add a workflow")
        alice.press(f"Add {story.name}")
        seen = {first: [is_it] * story.people, second: [is_it, other], third: [is_it]}
        classify(app, story, seen, begin=1)
        assert retired(standin, story.workflow_id) == {}

        alice.press("Propose a configuration")
        pick(alice, story)
        alice.press("Check first")
        assert f"once the first {story.people} people all answer “{story.label}”" in alice.text
        assert "1 of the latest 3 subjects matches." in alice.text
        alice.page.get_by_text(f"Why, for example subject {first}").click()
        why = alice.page.get_by_role("region", name="What this would do").locator(".why-tree")
        expect(why).to_be_visible()
        expect(why).to_contain_text(f"is at least {story.people} (0 when missing) ✓ matches")
        alice.press("Accept what is ticked")
        assert "1 rule." in alice.text
        assert retired(standin, story.workflow_id) == {}

        later = {newest: [is_it] * story.people, mixed: [other, *[is_it] * story.people]}
        classify(app, story, later, begin=21)
        assert retired(standin, story.workflow_id) == {str(newest): story.reason}
        alice.press("Subjects")
        alice.press(f"Subject {newest}")
        assert alice.heading == f"Subject {newest}"
        assert "Why it is retired" in alice.text
        assert "✓ It matches now." in alice.text
        assert f'retire the subject as "{story.reason}"' in alice.text
        alice.leave()
    assert (alice.problems, alice.refusals) == ([], [])
