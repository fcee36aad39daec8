"""Every page in a browser: what axe-core finds in both themes, how wide it is, and its theme."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]  # it has none
from flask import Flask
from playwright.sync_api import Browser, ViewportSize

from tests.pages import in_thread
from tests.served import three_projects
from tests.standin.server import StandinServer
from tests.test_templates import LAYOUTS, TEMPLATES
from tests.web.everything import WORKFLOW, Tour, furnish, tour
from tests.web.visitors import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.long]

NARROW = ViewportSize(width=320, height=800)
WIDE = ViewportSize(width=1280, height=800)
WITHOUT_PAGES = {
    "static",
    "extracts",
    "reductions",
    "effects",
    "parts_api",
    "rules_api",
    "export_files",
    "metrics",
    "openapi",
    "probes",
}
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(239, 242, 245)", "rgb(45, 45, 45)"
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
SHOW = """
async (html) => {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  document.replaceChild(parsed.documentElement, document.documentElement);
  const style = document.querySelector("link[rel=stylesheet]");
  if (!style.sheet) await new Promise((loaded) => style.addEventListener("load", loaded));
}
"""
FIND = """
async ({ theme, rules }) => {
  if (theme) document.documentElement.dataset.theme = theme;
  const runOnly = rules ? { type: "rule", values: rules } : undefined;
  const { violations } = await axe.run({ resultTypes: ["violations"], runOnly });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${theme} ${id}: ${target} ${failureSummary}`));
}
"""
MEASURE = """
() => {
  const width = document.documentElement.scrollWidth;
  const isOut = (each) => each.getBoundingClientRect().right > innerWidth + 1;
  const out = [...document.body.querySelectorAll("*")].find(isOut);
  return width > innerWidth ? [`is ${width} wide: ${out?.outerHTML.slice(0, 200)}`] : [];
}
"""


@pytest.fixture(scope="module")
def app(new_database: Callable[[str], str], standin_server: StandinServer) -> Iterator[Flask]:
    standin_server.reset()
    with three_projects(new_database("sqlite"), standin_server) as app:
        furnish(app)
        yield app


@pytest.fixture(scope="module")
def toured(app: Flask) -> Tour:
    return tour(app)


@pytest.fixture(scope="module")
def url(app: Flask) -> Iterator[str]:
    with in_thread(app) as url:
        yield url


def test_the_tour_comes_to_every_page(app: Flask, toured: Tour) -> None:
    rendered = {template for seen in toured.seen for template in seen.templates}
    assert set(TEMPLATES) - LAYOUTS - rendered == set()
    views = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    of_pages = {view for view in views if view.partition(".")[0] not in WITHOUT_PAGES}
    assert of_pages - toured.endpoints == set()


def test_no_page_breaks_a_rule_of_axe_or_is_wider_than_a_phone(
    browser: Browser, url: str, toured: Tour
) -> None:
    """In the dark, the rules about colours on the first page of each template, and on refusals."""
    known: set[str] = set()
    found: list[str] = []
    context = browser.new_context(viewport=WIDE)
    page = context.new_page()
    page.goto(url)
    page.evaluate(AXE_SCRIPT)
    for seen in toured.seen:
        page.evaluate(SHOW, seen.html)
        found += [f"{seen.name}: {one}" for one in page.evaluate(FIND, {"theme": "light"})]
        if seen.status >= 400 or not seen.templates <= known:
            in_dark = page.evaluate(FIND, {"theme": "dark", "rules": COLOUR_RULES})
            found += [f"{seen.name}: {one}" for one in in_dark]
        page.set_viewport_size(NARROW)
        found += [f"{seen.name} {one}" for one in page.evaluate(MEASURE)]
        page.set_viewport_size(WIDE)
        known |= seen.templates
    context.close()
    assert found == []


def test_the_theme_is_chosen_kept_and_remembered(browser: Browser, url: str) -> None:
    alice = Visitor(browser, url)
    path = f"{WORKFLOW}/subject_rules/4"
    alice.sign_in("Alice", path)
    page = alice.page

    def background() -> Any:
        return page.evaluate(BACKGROUND)

    page.emulate_media(color_scheme="dark")
    assert background() == DARK
    alice.press("Theme: light")
    assert (alice.path, background()) == (path, LIGHT)
    alice.press("Theme: dark")
    page.emulate_media(color_scheme="light")
    alice.open("/help")
    assert background() == DARK
    assert page.get_by_role("button", pressed=True).get_attribute("value") == "dark"
    alice.open(path)  # with its script at work
    page.evaluate(AXE_SCRIPT)
    assert page.evaluate(FIND, {}) == []
    alice.press("Theme: system")
    assert background() == LIGHT
    alice.leave()
    assert alice.problems == []
