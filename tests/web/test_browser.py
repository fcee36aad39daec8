"""Signing in and what is whose, as people meet it: a real browser, over HTTP, at the stand-in."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Literal

import pytest
from flask import Flask
from playwright.sync_api import Browser

from caesar_web.config import Config
from caesar_web.store.db import db
from tests.factories import LIONS, make_workflow
from tests.pages import in_thread
from tests.people import PassingTime, application, at_panoptes
from tests.standin.server import StandinServer
from tests.web.visitors import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

CONFIGURATION = "/workflows/100/configuration"
SETTINGS = "/workflows/100/settings"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (320, 390, 1280)
HALF_A_DAY = 12 * 3600
BANNER = "You act as administrator"

FOCUSED = """
  (() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    const { id, tagName, textContent } = document.activeElement;
    const name = tagName === "A" ? textContent : id || tagName;
    const { height } = document.activeElement.getBoundingClientRect();
    return [name, outlineStyle === "solid" ? outlineWidth : "0px", height];
  })()
"""

Visit = Callable[[], Visitor]


@pytest.fixture
def clock() -> PassingTime:
    return PassingTime()


@pytest.fixture
def url(config: Config, standin: StandinServer, clock: PassingTime) -> Iterator[str]:
    """Where an application runs, for which nobody has added a workflow yet."""
    with application(at_panoptes(config, standin), clock) as served, in_thread(served) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, url: str) -> Iterator[Visit]:
    """Makes visitors; whatever they do, no page may have had a problem."""
    visitors: list[Visitor] = []

    def make() -> Visitor:
        visitors.append(Visitor(browser, url))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
    assert [problem for visitor in visitors for problem in visitor.problems] == []


@pytest.fixture
def workflow(app: Flask) -> None:
    """Workflow 100 of Alice's project 10 is here."""
    with db.session.begin():
        make_workflow(db.session(), **LIONS)
    db.session.remove()


def test_the_owner_adds_hers_and_no_other(visit: Visit, standin: StandinServer) -> None:
    alice = visit()
    alice.open("/workflows/new")
    assert alice.page.url.startswith(f"{standin.url}/oauth/authorize")
    alice.choose("Alice")
    assert alice.path == "/workflows/new"

    alice.type("Workflow id", "300")
    alice.press("Add the workflow")
    assert alice.refusals == [(422, "/workflows/new")]
    assert alice.page.title().startswith("Error: Add a workflow")
    summary = alice.page.get_by_role("alert")
    assert summary.evaluate("element => element === document.activeElement")
    summary.get_by_role("link").click()
    field = alice.page.get_by_label("Workflow id")
    assert field.evaluate("element => element === document.activeElement")
    assert (field.get_attribute("aria-describedby") or "").split()[-1] == "id-error"
    assert "neither owner nor collaborator" in alice.page.locator("#id-error").inner_text()
    assert alice.typed("Workflow id") == "300"

    alice.type("Workflow id", "100")
    alice.press("Add the workflow")
    assert (alice.path, alice.heading) == ("/workflows/100", "Is it a galaxy?")
    assert "The workflow is added." in alice.page.get_by_role("status").first.inner_text()
    alice.open("/workflows")
    rows = alice.page.get_by_role("row").all_inner_texts()[1:]
    assert [row.split("\t")[0] for row in rows] == ["Is it a galaxy? 100"]


@pytest.mark.usefixtures("workflow")
def test_the_stranger_is_refused_everything(visit: Visit) -> None:
    bob = visit()
    bob.sign_in("Bob", "/workflows")
    assert bob.page.get_by_role("table").count() == 0
    assert "None of your projects’ workflows is here yet" in bob.text
    for path in ("/workflows/100", SETTINGS, CONFIGURATION, "/workflows/100/trail"):
        bob.open(path)
        assert bob.refusals.pop() == (404, path)
        assert "Galaxies" not in bob.page.content()
    bob.open("/trail")
    assert bob.refusals.pop() == (403, "/trail")
    bob.open("/workflows/new")
    bob.type("Workflow id", "100")
    bob.press("Add the workflow")
    assert bob.refusals == [(422, "/workflows/new")]
    assert "neither owner nor collaborator" in bob.text


@pytest.mark.usefixtures("workflow")
def test_two_hours_later_she_still_saves(
    visit: Visit, clock: PassingTime, standin: StandinServer
) -> None:
    alice = visit()
    alice.sign_in("Alice", SETTINGS)
    standin.switch(token_seconds=HALF_A_DAY)  # its clock is the real one
    clock.ahead = timedelta(hours=2, minutes=5)
    alice.press("Pause")
    assert alice.path == SETTINGS
    assert "The settings are saved." in alice.text
    assert alice.page.locator("main .where .state").inner_text().endswith("paused")
    assert alice.refusals == []


@pytest.mark.usefixtures("workflow")
def test_what_she_typed_survives_a_session_that_ended(
    visit: Visit, clock: PassingTime, standin: StandinServer
) -> None:
    alice = visit()
    alice.sign_in("Alice", CONFIGURATION)
    document = json.dumps({"extractors_config": {"kept": {"type": "question"}}}, indent=1)
    alice.type("Configuration", document)
    standin.reset()  # with that her refresh token is refused
    standin.switch(token_seconds=HALF_A_DAY)
    clock.ahead = timedelta(hours=2, minutes=5)
    alice.press("Save the configuration")
    assert alice.refusals == [(401, CONFIGURATION)]
    assert alice.heading == "Please sign in again"
    alice.page.get_by_role("link", name="Sign in with Zooniverse").click()
    alice.choose("Alice")
    assert alice.path == CONFIGURATION
    assert "not saved yet" in alice.page.get_by_role("status").inner_text()
    assert alice.typed("Configuration") == document
    alice.press("Save the configuration")
    assert alice.path == "/workflows/100"
    assert "kept question" in alice.text.replace("\n", " ").lower()
    assert alice.refusals == [(401, CONFIGURATION)]


@pytest.mark.usefixtures("workflow")
def test_an_effect_reaches_only_what_is_hers(visit: Visit) -> None:
    alice = visit()
    alice.sign_in("Alice", CONFIGURATION)
    alice.type("Configuration", _filling_set(8))
    alice.press("Save the configuration")
    assert alice.refusals == [(422, CONFIGURATION)]
    summary = alice.page.get_by_role("alert").inner_text()
    assert "rules_config[0].then[0].subject_set_id" in summary
    assert "belongs to a project that you may not change" in summary
    assert alice.typed("Configuration") == _filling_set(8)
    alice.type("Configuration", _filling_set(7))
    alice.press("Save the configuration")
    assert alice.path == "/workflows/100"
    assert "subject set id: 7" in alice.text


@pytest.mark.usefixtures("workflow")
def test_the_administrator_turns_it_on_and_off(visit: Visit) -> None:
    root = visit()
    root.sign_in("Root", "/workflows/100")
    assert root.refusals.pop() == (404, "/workflows/100")
    root.open("/session")
    root.press("Act as administrator")
    for path in ("/session", "/", "/workflows", "/workflows/100", SETTINGS, "/trail"):
        root.open(path)
        assert BANNER in root.page.locator("body").inner_text()
    root.open("/workflows/999")
    assert root.refusals.pop() == (404, "/workflows/999")
    assert BANNER in root.page.locator("body").inner_text()
    root.press("Turn it off")
    root.press("Act as myself")
    root.open("/")
    assert BANNER not in root.page.locator("body").inner_text()
    root.open("/trail")
    assert root.refusals == [(403, "/trail")]


@pytest.mark.usefixtures("workflow")
def test_signing_out_ends_it(visit: Visit, standin: StandinServer) -> None:
    alice = visit()
    alice.sign_in("Alice", "/workflows/100")
    [cookie] = alice.context.cookies(alice.url)
    alice.press("Alice")
    alice.press("Sign out")
    assert "You are signed out." in alice.text
    assert "Nobody is signed in here." in alice.text
    alice.context.add_cookies(
        [{"name": cookie["name"], "value": cookie["value"], "url": alice.url}]
    )
    alice.open("/workflows/100")
    assert alice.page.url.startswith(f"{standin.url}/oauth/authorize")


@pytest.mark.usefixtures("workflow")
def test_no_page_is_wider_than_a_phone(visit: Visit) -> None:
    """Screenshots of every page are in the folder that PAGES_FOLDER names."""
    root = visit()
    root.open("/session")
    _measure(root, "nobody")
    root.open("/workflows/new")
    _measure(root, "login")
    root.choose("Root")
    _measure(root, "new")
    root.type("Workflow id", "12345678901234567890")
    root.press("Add the workflow")
    _measure(root, "new-wrong")
    root.open("/workflows")
    _measure(root, "workflows-none")
    root.open("/workflows/100")
    _measure(root, "hidden")
    root.open("/session")
    root.press("Act as administrator")
    _measure(root, "session")
    for name, path in {
        "status": "/",
        "workflows": "/workflows",
        "settings": SETTINGS,
        "configuration": CONFIGURATION,
        "copied": f"{CONFIGURATION}?copy_from=100",
    }.items():
        root.open(path)
        _measure(root, name)
    root.open(CONFIGURATION)
    root.type("Configuration", _filling_set(8888888888888))
    root.press("Save the configuration")
    _measure(root, "configuration-wrong")
    root.type("Configuration", _filling_set(7))
    root.press("Save the configuration")
    _measure(root, "workflow")
    root.open("/workflows/100/trail")
    root.page.locator("summary").first.click()
    _measure(root, "trail")


@pytest.mark.usefixtures("workflow")
def test_every_stop_of_the_keyboard_is_seen_and_large_enough(visit: Visit) -> None:
    root = visit()
    root.sign_in("Root", "/auth/zooniverse")
    root.press("Act as administrator")
    for path in (SETTINGS, CONFIGURATION):
        root.open(path)
        stops = []
        while True:
            root.page.keyboard.press("Tab")
            name, width, height = root.page.evaluate(FOCUSED)
            if name == "BODY":
                break
            stops.append(name)
            assert width == "3px", name
            assert height >= 24, name
        assert stops[0] == "Skip to content"
        assert len(stops) >= 8


@pytest.fixture
def long_words(app: Flask) -> None:
    """A workflow whose names are one word that is longer than any screen."""
    word = "w" * 200
    with db.session.begin():
        row = make_workflow(db.session(), extractors_config={word: {"type": "survey"}})
        row.name = row.project_name = word
    db.session.remove()


@pytest.mark.usefixtures("long_words")
def test_long_words_make_no_page_wider(visit: Visit) -> None:
    alice = visit()
    alice.sign_in("Alice", "/workflows")
    _measure(alice, "long-workflows")
    for path in ("/workflows/100", SETTINGS, CONFIGURATION, "/workflows/100/trail"):
        alice.open(path)
        _measure(alice, f"long-{path.rpartition('/')[2]}")


def test_the_visitor_hears_of_what_the_policy_refuses(browser: Browser, url: str) -> None:
    visitor = Visitor(browser, url)
    visitor.open("/")
    with visitor.page.expect_console_message(lambda heard: "refused by the policy" in heard.text):
        visitor.page.evaluate("document.body.setAttribute('style', 'color: red')")
    visitor.context.close()
    assert any("style-src-attr" in problem for problem in visitor.problems)


def _filling_set(subject_set_id: int) -> str:
    effect = {"action": "add_subject_to_set", "subject_set_id": subject_set_id}
    rule: dict[str, Any] = {"if": LIONS["rules_config"][0]["if"], "then": [effect]}
    return json.dumps({"rules_config": [rule]}, indent=2)


def _measure(visitor: Visitor, name: str) -> None:
    for width in WIDTHS:
        visitor.page.set_viewport_size({"width": width, "height": 800})
        found = visitor.page.evaluate("document.documentElement.scrollWidth")
        if found > width:
            visitor.problems.append(f"{name} is {found} wide where there are {width}")
        if folder := os.environ.get("PAGES_FOLDER"):
            for scheme in SCHEMES:
                visitor.page.emulate_media(color_scheme=scheme)
                visitor.page.screenshot(
                    path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True
                )
