"""What a page costs: its scripts, its stylesheet and itself; and what holds for every page."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from caesar_web.core import ROOT
from tests.pages import MOST_BYTES, broken_rules, parse
from tests.served import three_projects
from tests.standin.server import StandinServer
from tests.web.everything import furnish, tour

STATIC = ROOT / "static"
BROKEN = [
    ('<script src="/static/editor.mjs"></script>', "which cannot be kept"),
    ('<link rel="stylesheet" href="https://example.org/a.css">', "<link> loads https://"),
    ("<p style='color: red'></p>", "style or script in the page"),
    ("<script>1</script>", "a script stands in the page"),
    ('<a href="/"> </a>', "<a> has no text"),
    ('<a href="#nowhere">x</a>', "leads to #nowhere"),
    ('<p aria-describedby="a">x</p>', "names a, which is not there"),
    ('<p id="a"></p><p id="a"></p>', "the id a is there 2 times"),
    ("<table><tr><td>x</td></tr></table>", "no caption"),
    ("<table><caption>x</caption><tr><th>x</th></tr></table>", "does not say of what"),
    ('<input name="x">', "has no label"),
    ('<form method="post" action="/"></form>', "has no CSRF field"),
    ("<form></form>", "has no action"),
    ("<img src='/static/a.svg'>", "neither a text nor is it hidden"),
    ("<p>Two records.</p>", "'record'"),
    ("<h1>Another</h1>", "2 h1"),
    ("<p>", "<p>"),
]


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        furnish(app)
        yield app


def test_scripts_and_styles_are_small() -> None:
    scripts = sum(file.stat().st_size for file in STATIC.rglob("*.*js"))
    assert 0 < scripts < 40_000
    assert {file.suffix for file in STATIC.rglob("*")} == {".mjs", ".css", ".svg"}
    assert sum(file.stat().st_size for file in STATIC.rglob("*.css")) < 30_000


def test_every_page_is_light_and_keeps_the_rules(app: Flask) -> None:
    found = []
    for seen in tour(app).seen:
        page, problems = parse(seen.html)
        found += [f"{seen.name}: {one}" for one in (*problems, *broken_rules(page))]
        if len(seen.html.encode()) > MOST_BYTES:
            found.append(f"{seen.name}: {len(seen.html)} characters")
    assert found == []


@pytest.mark.parametrize(("html", "says"), BROKEN)
def test_a_page_that_breaks_a_rule_is_found(html: str, says: str) -> None:
    frame = "<html lang='en'><title>Page</title><h1>Page</h1>{}</html>"
    page, problems = parse(frame.format(""))
    assert problems + broken_rules(page) == []
    page, problems = parse(frame.format(html))
    assert any(says in one for one in problems + broken_rules(page))
