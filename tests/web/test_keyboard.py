"""The editor of rules by the keyboard alone, and what is typed while an answer is on its way."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from caesar_web.store.configuration import SubjectRule, Workflow
from caesar_web.store.db import db
from tests.factories import LIONS, give, make_event
from tests.pages import in_thread
from tests.pipeline.steps import process, receive
from tests.served import three_projects
from tests.standin.server import StandinServer
from tests.web.visitors import Visitor

pytestmark = pytest.mark.browser

RULES = "/workflows/100/rules"
NEW = "/workflows/100/subject_rules/new"
MOST_STOPS = 120
STOP = """
(key) => {
  const here = document.activeElement;
  const { left, top, width, height } = here.getBoundingClientRect();
  const over = document.elementFromPoint(left + width / 2, top + height / 2);
  const { outlineStyle, outlineWidth } = getComputedStyle(here);
  const way = key === "Tab" ? Node.DOCUMENT_POSITION_FOLLOWING : Node.DOCUMENT_POSITION_PRECEDING;
  const isOn = !key || !window.stop?.isConnected || window.stop.compareDocumentPosition(here) & way;
  window.stop = here;
  const name = here.getAttribute("aria-label") ?? here.labels?.[0]?.innerText ?? here.innerText;
  const problems = [
    here.contains(over) ? [] : [`it is under ${over?.outerHTML.slice(0, 80)}`],
    outlineStyle === "solid" && outlineWidth === "3px" ? [] : ["the focus is not seen"],
    isOn ? [] : ["it is not where the page goes on"],
    height >= 24 ? [] : [`it is ${height} high`],
  ].flat();
  return { name: name.trim(), id: here.id, problems };
}
"""


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        with app.app_context():
            with db.session.begin():
                give(db.session(), db.session.get_one(Workflow, 100), LIONS)
            receive([make_event(id, subject=1 + id // 3, choice="lion") for id in range(12)])
            process()
            db.session.remove()
        yield app


@pytest.fixture
def alice(browser: Browser, app: Flask) -> Iterator[Visitor]:
    with in_thread(app) as url:
        visitor = Visitor(browser, url)
        visitor.page.set_viewport_size({"width": 1280, "height": 600})
        visitor.sign_in("Alice", NEW)
        yield visitor
        visitor.leave()
    assert visitor.problems == []


class Keys:
    """Somebody with a keyboard, who looks where the focus is after every key."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def to(self, name: str, *, nth: int = 1, key: str = "Tab") -> None:
        """Presses Tab until the control with a name that begins so is reached."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press(key)
            stop = self.page.evaluate(STOP, key)
            assert stop["problems"] == [], stop
            if stop["name"].startswith(name):
                nth -= 1
            if not nth:
                return
        raise AssertionError(f"{name!r} cannot be reached")

    def press(self, key: str, *, says: str) -> None:
        """Presses a key that changes the rule, and waits for what is told."""
        self.page.keyboard.press(key)
        expect(self.page.locator("#spoken")).to_have_text(says)

    def begin(self) -> None:
        """From the top of the page, or of what follows the navigation."""
        self.page.evaluate("document.activeElement.blur(); window.stop = null; scrollTo(0, 0)")
        self.to("Skip to content")
        self.page.keyboard.press("Enter")

    def at(self, id: str) -> None:
        """Whether the focus is there."""
        expect(self.page.locator(f'[id="{id}"]')).to_be_focused()
        assert self.page.evaluate(STOP, "")["problems"] == []


def condition(page: Page) -> Any:
    """The condition as the editor has it."""
    return json.loads(page.locator("#condition").input_value())


def test_a_rule_is_made_with_the_keyboard_alone(app: Flask, alice: Visitor) -> None:
    page, keys = alice.page, Keys(alice.page)
    first = ["gte", ["lookup", "counts.lion", 0], ["const", 1]]
    keys.begin()
    keys.to("More for:")
    page.keyboard.press("Enter")
    keys.to("Into “all of”")
    keys.press("Enter", says="Put into a group.")
    keys.at("c:kind")
    keys.to("Add a condition to:")
    keys.press("Enter", says="Added a condition.")
    keys.at("c.2.1:kind")

    keys.to("Value", nth=2)  # after the one that counts when it is missing
    page.keyboard.type("3")
    keys.to("Type of value")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#sentence")).to_contain_text('counts → lion is at least "3"')
    keys.at("c.2.2:value-type")
    assert condition(page) == ["and", first, [*first[:2], ["const", "3"]]]
    page.keyboard.press("ArrowDown")
    expect(page.locator("#sentence")).to_contain_text("counts → lion is at least 3")
    second = [*first[:2], ["const", 3]]

    keys.to("Move up:")
    keys.press("Enter", says="Moved to 1 of 2.")
    keys.at("c.1.1:kind")
    assert condition(page) == ["and", second, first]
    keys.to("Remove:")
    keys.press("Enter", says="Removed.")
    keys.at("c.1.1:kind")
    assert condition(page) == ["and", first]
    keys.press("Control+z", says="Undone.")
    assert condition(page) == ["and", second, first]
    keys.to("Remove:", nth=2)
    keys.press("Enter", says="Removed.")
    assert page.evaluate("document.activeElement.value") == "add::condition"
    assert condition(page) == ["and", second]

    keys.to("+ retire the subject")
    page.keyboard.press("Enter")
    keys.at("effect-0-action")
    keys.to("Skip to content", key="Shift+Tab")
    keys.to("Save the rule")
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press("Enter")
    assert alice.path == RULES
    assert "The rule is saved." in alice.text
    with app.app_context():
        saved = db.session.scalars(select(SubjectRule).filter_by(workflow_id=100)).all()[-1]
        assert json.loads(saved.condition) == ["and", second]
        assert [one.action for one in saved.effects] == ["retire_subject"]


def test_what_is_typed_while_an_answer_is_on_its_way_stays(alice: Visitor) -> None:
    page = alice.page
    held: list[Route] = []
    page.route(f"**{NEW}", lambda route: held.append(route))
    key, value = page.get_by_label("What to look up"), page.get_by_label("Value", exact=True)
    missing = page.get_by_label("Value when missing", exact=True)

    value.fill("7")
    with page.expect_request(f"**{NEW}"):
        value.press("Tab")
    missing.fill("2")
    missing.press("Tab")
    key.click()
    key.press("End")
    key.press_sequentially("ess")
    with page.expect_request(f"**{NEW}"):
        held.pop().continue_()
    assert key.input_value() == "counts.lioness"
    key.press("ArrowLeft")
    with page.expect_response(f"**{NEW}"):
        held.pop().continue_()
    sentence = page.locator("#sentence")
    expect(sentence).to_contain_text("counts → lioness is at least 7 (2 when missing)")
    expect(key).to_be_focused()
    assert key.evaluate("field => field.selectionStart") == len("counts.liones")
    assert held == []
