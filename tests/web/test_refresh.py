"""Pages that keep themselves up to date in a browser: only when asked, and calmly."""

import pytest
from flask import Flask
from playwright.sync_api import Browser, Locator, expect

from caesar_web.config import Config
from caesar_web.store.db import db
from tests.factories import LIONS, make_workflow
from tests.pages import in_thread
from tests.people import application, at_panoptes
from tests.standin.server import StandinServer
from tests.web.acting import add_action
from tests.web.visitors import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

SOONER = """
const later = window.setTimeout;
window.setTimeout = (run, delay) => later(run, delay / 20);
"""


def test_only_when_asked_and_not_under_the_readers_hands(
    browser: Browser, app: Flask, config: Config, standin: StandinServer
) -> None:
    with db.session.begin():
        make_workflow(db.session(), **LIONS)
    db.session.remove()
    asked: list[str] = []
    with application(at_panoptes(config, standin)) as served, in_thread(served) as url:
        alice = Visitor(browser, url)
        alice.context.add_init_script(SOONER)
        alice.sign_in("Alice", "/workflows/100")
        alice.page.on("request", lambda request: asked.append(request.url))

        def subject(id: int) -> Locator:
            return alice.page.get_by_role("link", name=f"subject {id}", exact=True)

        switch = alice.page.get_by_label("Keep up to date")
        expect(switch).to_be_visible()
        assert not switch.is_checked()

        add_action(5)
        switch.check()
        expect(subject(5)).to_be_visible()
        expect(alice.page.get_by_role("status")).to_contain_text("Changed at")
        assert {one.partition("?")[2] for one in asked} == {"part=recent"}

        alice.page.get_by_role("link", name="why").first.focus()
        add_action(6)
        with alice.page.expect_response(lambda answer: "part=recent" in answer.url):
            pass
        assert subject(6).count() == 0
        switch.focus()
        expect(subject(6)).to_be_visible()

        alice.open("/")
        expect(alice.page.get_by_label("Keep up to date")).to_be_checked()
        alice.page.get_by_label("Keep up to date").uncheck()
        alice.open("/workflows/100/activity")
        expect(alice.page.get_by_label("Keep up to date")).not_to_be_checked()
        alice.leave()
    assert alice.problems == []
