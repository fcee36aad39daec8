"""Somebody at a browser: what they do there, and what went wrong on the way."""

from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from tests.pages import broken_rules, parse

REFUSAL = "Failed to load resource"  # what the console says of every answer from 400 up
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Visitor:
    """A browser of its own, which looks at every page of ours that it comes to.

    `refusals` are the answers from 400 up, with their paths; `problems` must stay empty.
    """

    def __init__(self, browser: Browser, url: str, *, has_scripts: bool = True) -> None:
        self.url = url
        self.refusals: list[tuple[int, str]] = []
        self.problems: list[str] = []
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 800}, java_script_enabled=has_scripts
        )
        self.context.add_init_script(REPORT_VIOLATIONS)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("response", self._receive)

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def open(self, path: str) -> None:
        self.page.goto(self.url + path, wait_until="load")
        self.look()

    def press(self, name: str) -> None:
        """Presses a button, or follows a link, and looks at the page that this leads to."""
        found = self.page.get_by_role("button", name=name, exact=True).or_(
            self.page.get_by_role("link", name=name, exact=True)
        )
        with self.page.expect_navigation(wait_until="load"):
            found.click()
        self.look()

    def type(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def typed(self, label: str) -> str:
        return self.page.get_by_label(label, exact=True).input_value()

    def choose(self, name: str) -> None:
        """On the stand-in's login page: who to be."""
        with self.page.expect_navigation(wait_until="load"):
            self.page.get_by_role("button").filter(has_text=name).first.click()
        self.look()

    def sign_in(self, name: str, path: str) -> None:
        """Opens a page for which one must be signed in, and is somebody."""
        self.open(path)
        self.choose(name)

    def look(self) -> None:
        """Checks the page against what every page of ours keeps to."""
        if self.page.url.startswith(self.url):
            tree, problems = parse(self.page.content())
            self.problems += [f"{self.path}: {one}" for one in (*problems, *broken_rules(tree))]

    def leave(self) -> None:
        self.context.close()

    def _hear(self, message: ConsoleMessage) -> None:
        if not message.text.startswith(REFUSAL):
            self.problems.append(f"{self.path}: {message.text}")

    def _receive(self, response: Response) -> None:
        if response.status >= 400:
            self.refusals.append((response.status, urlsplit(response.url).path))
