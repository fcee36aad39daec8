"""A run in a browser: started with a form, followed while it moves, and seen to its end."""

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect

from caesar_web.config import Config
from caesar_web.jobs import running, tasks
from caesar_web.store.db import db
from tests.factories import LIONS, make_event, make_workflow
from tests.pages import in_thread
from tests.people import application, at_panoptes
from tests.pipeline.running import make_due, take_steps
from tests.pipeline.steps import process
from tests.standin.server import StandinServer
from tests.web.test_refresh import SOONER
from tests.web.visitors import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

RUNS = "/workflows/100/runs"
SHARE = "each => each.hasAttribute('value') ? each.value / each.max : null"


@pytest.fixture
def config(config: Config, standin: StandinServer) -> Config:
    return at_panoptes(config, standin)


@pytest.fixture
def workflow(app: Flask, standin: StandinServer) -> None:
    """Workflow 100, of which Panoptes has lions."""
    with db.session.begin():
        make_workflow(db.session(), **LIONS)
    db.session.remove()
    given = [make_event(id, subject=1001 + id % 5, user=id, choice="lion") for id in range(1, 41)]
    standin.add_classifications([event["data"] for event in given])


def test_a_backfill_moves_and_ends_under_the_readers_eyes(
    browser: Browser, workflow: None, config: Config
) -> None:
    shares: list[float | None] = []
    with application(config) as served, in_thread(served) as url:
        alice = Visitor(browser, url)
        alice.context.add_init_script(SOONER)
        alice.sign_in("Alice", "/workflows/100")
        alice.press("Backfill")
        alice.press("Start")
        assert alice.path == f"{RUNS}/1"
        page = alice.page
        expect(page.locator("main .state").last).to_have_text("waiting")
        page.get_by_label("Keep up to date").check()
        bar = page.get_by_role("progressbar")
        held = running.claim(1)
        assert held is not None
        is_over = False
        while not is_over:
            step, status = running.take_step(held)
            process()
            held = running.with_checkpoint(held, step.checkpoint)
            is_over = status == "finished"
            done = step.checkpoint.get("after")
            if done and not is_over:
                expect(page.locator(".progress")).to_contain_text(f"{done} of 200 subjects")
                shares.append(bar.evaluate(SHARE))
        expect(page.locator("main .state").last).to_have_text("finished")
        expect(page.locator(".progress")).to_contain_text("200 subjects, in")
        expect(bar).to_have_count(0)
        assert shares == sorted(shares, key=lambda share: share or 0)
        assert shares[0] is not None
        assert shares[-1] == 0.99  # full only when it is over
        alice.look()

        alice.press("Do these 5")
        assert "this service cannot take that back" in alice.text
        alice.press("Do these 5")
        assert "5 actions are decided, and soon done." in alice.text
        alice.leave()
    tasks.panoptes().close()
    assert alice.problems == []
    assert alice.refusals == []


def test_it_can_be_stopped_and_taken_up_without_any_script(
    browser: Browser, workflow: None, config: Config
) -> None:
    with application(config) as served, in_thread(served) as url:
        alice = Visitor(browser, url, has_scripts=False)
        alice.sign_in("Alice", f"{RUNS}/new?kind=backfill")
        alice.type("Subject ids", "1001, 1002\n1003")
        alice.page.get_by_label("The subjects that I name below").check()
        alice.page.get_by_label("As usual", exact=False).check()
        alice.press("Start")
        assert 'retire the subject as "consensus"' in alice.text
        alice.press("Start, with effects")
        alice.press("Stop")
        assert "It is stopped." in alice.text
        alice.press("Go on")
        make_due(1)
        assert take_steps(1) == "finished"
        alice.press("Refresh")
        assert "3 subjects, in less than a minute" in alice.text
        assert "act as usual" in alice.text
        alice.leave()
    tasks.panoptes().close()
    assert alice.problems == []
