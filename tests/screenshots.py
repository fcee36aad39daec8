"""`make screenshots`: pictures of the main pages with sample data, for the documents."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from caesar_web.core import ROOT
from tests.pages import in_thread
from tests.sample_days import sample_days
from tests.web.conftest import CHROMIUM, FLAGS
from tests.web.visitors import Visitor

FOLDER = ROOT / "docs" / "screenshots"
WIDE, PHONE = 1280, 390
W = "/workflows/100"
FROM_THE_TOP = """
document.querySelector(".preview").scrollTop = 0;
scrollTo(0, 0);
"""

Theme = Literal["light", "dark"]
Act = Callable[[Visitor], None]


@dataclass(frozen=True)
class Shot:
    """A picture of a page after something is done there, from the top or from what is named."""

    name: str
    path: str
    act: Act | None = None
    height: int = 900
    width: int = WIDE
    theme: Theme = "light"
    top: str | None = None


def main() -> None:
    """Takes all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="caesar-shots-") as folder,
        sample_days(Path(folder)) as app,
        in_thread(app) as url,
        _chromium() as browser,
    ):
        for theme in ("light", "dark"):
            _take(browser, url, [shot for shot in SHOTS if shot.theme == theme])


def _ask_why(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="Why subject").first.click()
    visitor.page.locator("#why").wait_for()
    visitor.page.evaluate(FROM_THE_TOP)


def _try(visitor: Visitor) -> None:
    visitor.page.locator("#latest").select_option(index=1)
    visitor.press("Try it")


def _hide_port(visitor: Visitor) -> None:
    """The stand-in has another one each time."""
    links = visitor.page.locator(".location a")
    links.evaluate_all(
        "all => all.forEach(a => a.textContent = a.textContent.replace(/:\\d+/, ''))"
    )


_RULE = Shot("rule", f"{W}/subject_rules/1", _ask_why, height=1040)
_OVERVIEW = Shot("overview", W)
_SUBJECT = Shot("subject", f"{W}/subjects/1008", _hide_port, height=1500)
SHOTS = (
    Shot("status", "/", height=700),
    Shot("workflows", "/workflows", height=500),
    _OVERVIEW,
    Shot("propose", "/workflows/200/propose"),
    Shot("recipes", f"{W}/recipes"),
    Shot("recipe", f"{W}/recipes/first_say", height=800),
    Shot("rules", f"{W}/rules"),
    _RULE,
    Shot("extractor", f"{W}/extractors/1", _try, top="text=Try it"),
    Shot("reducer", f"{W}/reducers/1", _try, top="text=Try it"),
    _SUBJECT,
    Shot("activity", f"{W}/activity"),
    Shot("history", f"{W}/history", height=800),
    *(
        replace(shot, name=f"{shot.name}-dark", theme="dark", height=800)
        for shot in (_RULE, _OVERVIEW, _SUBJECT)
    ),
    *(
        replace(shot, name=f"{shot.name}-phone", width=PHONE, height=1000)
        for shot in (_RULE, _OVERVIEW, _SUBJECT)
    ),
)


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def _take(browser: Browser, url: str, shots: list[Shot]) -> None:
    """Pictures in one theme, of somebody who signs in once."""
    visitor = Visitor(browser, url)
    visitor.context.add_cookies([{"name": "theme", "value": shots[0].theme, "url": url}])
    visitor.sign_in("Alice", "/workflows")
    for shot in shots:
        visitor.page.set_viewport_size({"width": shot.width, "height": shot.height})
        visitor.open(shot.path)
        if shot.act:
            shot.act(visitor)
        if shot.top:
            visitor.page.locator(shot.top).first.evaluate("place => place.scrollIntoView()")
        visitor.page.evaluate("document.activeElement.blur()")
        visitor.page.screenshot(path=FOLDER / f"{shot.name}.png", animations="disabled")
    visitor.leave()
    assert not visitor.problems, visitor.problems


if __name__ == "__main__":
    main()
