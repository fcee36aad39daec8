"""Pages: what every one of them keeps to, and the application served over real HTTP."""

import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server

from caesar_web import lifeline, processes
from caesar_web.config import Config
from caesar_web.core import ROOT
from caesar_web.services import POLL_SECONDS

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
MOST_BYTES = 200_000
START_SECONDS = 90.0

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
CONTROLS = {"select", "textarea", "input"}
INLINE = {"a", "abbr", "b", "bdi", "code", "em", "small", "span", "strong", "time"}
UNLABELLED = {"hidden", "submit", "button", "reset", "image"}
ABSENT_WORDS = ("record", "item", "entity", "processor", "handler", "manager", "helper", "util")
KEPT = re.compile(r"/static/[\w.]+\?v=[0-9a-f]{12}")  # the digest changes with what is in it


@dataclass
class Element:
    """An element of a page with what is in it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    content: list["Element | str"] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The texts right in it."""
        return [one for one in self.content if isinstance(one, str)]

    @property
    def text(self) -> str:
        """All text in it in the order of the page, with single spaces."""
        return " ".join(self._raw().split())

    def _raw(self) -> str:
        parts = [one if isinstance(one, str) else one._raw() for one in self.content]
        text = "".join(parts)
        return text if self.tag in INLINE else f" {text} "

    def walk(self) -> Iterator["Element"]:
        yield self
        for child in self.content:
            if isinstance(child, Element):
                yield from child.walk()

    def all(self, *tags: str) -> list["Element"]:
        return [element for element in self.walk() if element.tag in tags]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("")
        self.problems: list[str] = []
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> has an attribute twice")
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].content.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1].tag == tag:
            self._open.pop()
        else:
            self.problems.append(f"</{tag}> closes <{self._open[-1].tag}>")

    def handle_data(self, data: str) -> None:
        self._open[-1].content.append(data)

    def close(self) -> None:
        super().close()
        self.problems += [f"<{element.tag}> is never closed" for element in self._open[1:]]


def visit(client: FlaskClient, path: str, *, status: int = 200) -> Element:
    """A page as a browser asks for it, checked against what every page keeps to."""
    response = client.get(path, headers={"Accept": BROWSER})
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    page, problems = parse(response.text)
    problems += broken_rules(page)
    if len(response.data) > MOST_BYTES:
        problems.append(f"the page has {len(response.data)} bytes")
    assert problems == []
    return page


def parse(html: str) -> tuple[Element, list[str]]:
    """A page's tree, and where its HTML is not clean."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    return parser.root, parser.problems


def broken_rules(page: Element) -> list[str]:
    """Which rules that hold for every page this one breaks."""
    return [*_headings(page), *_ids(page), *_forms(page), *_assets(page), *_names(page)]


def filled(form: Element) -> dict[str, str]:
    """What a browser sends of a form that nobody has changed, without any button."""
    sent: dict[str, str] = {}
    for control in form.all(*CONTROLS):
        given = control.attributes
        name = given.get("name", "")
        if not name or "disabled" in given:
            continue
        if control.tag == "select":
            options = control.all("option")
            chosen = [one for one in options if "selected" in one.attributes] or options[:1]
            sent.update((name, one.attributes.get("value", one.text)) for one in chosen)
        elif control.tag == "textarea":
            sent[name] = "".join(control.texts).removeprefix("\n")
        elif given.get("type") not in ("checkbox", "radio", "submit") or "checked" in given:
            sent[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
    return sent


def _headings(page: Element) -> Iterator[str]:
    titles, headings = page.all("title"), page.all("h1")
    if len(headings) != 1 or not headings[0].text:
        yield f"the page has {len(headings)} h1"
    elif not (titles and titles[0].text.removeprefix("Error: ").startswith(headings[0].text)):
        yield "the title does not begin with the h1"
    if not any(element.attributes.get("lang") for element in page.all("html")):
        yield "the page does not name its language"


def _ids(page: Element) -> Iterator[str]:
    ids = Counter(each.attributes["id"] for each in page.walk() if "id" in each.attributes)
    yield from (f"the id {id} is there {number} times" for id, number in ids.items() if number > 1)
    for element in page.walk():
        target = element.attributes.get("href", "")
        if element.tag == "a" and target.startswith("#") and target[1:] not in ids:
            yield f"a link leads to {target}, which is not there"
        for name in ("for", "aria-labelledby", "aria-describedby"):
            absent = set(element.attributes.get(name, "").split()) - ids.keys()
            yield from (f"{name} names {id}, which is not there" for id in sorted(absent))


def _forms(page: Element) -> Iterator[str]:
    labelled = {label.attributes.get("for") for label in page.all("label") if label.text}
    wrapped = [id(each) for label in page.all("label") if label.text for each in label.walk()]
    for control in page.all(*CONTROLS):
        is_labelled = (
            control.attributes.get("type") in UNLABELLED
            or control.attributes.get("id") in labelled - {None}
            or id(control) in wrapped
            or {"aria-label", "aria-labelledby"} & control.attributes.keys()
        )
        if not is_labelled:
            yield f"<{control.tag} name={control.attributes.get('name')}> has no label"
    for form in page.all("form"):
        fields = {each.attributes.get("name") for each in form.all("input")}
        if "action" not in form.attributes:
            yield "a form has no action"
        if form.attributes.get("method", "").lower() == "post" and "csrf_token" not in fields:
            yield "a form that posts has no CSRF field"


def _assets(page: Element) -> Iterator[str]:
    for element in page.walk():
        inline = {name for name in element.attributes if name == "style" or name.startswith("on")}
        if inline or element.tag == "style":
            yield f"<{element.tag}> has style or script in the page"
        if element.tag == "script" and not element.attributes.get("src"):
            yield "a script stands in the page"
        # A subject's own pictures are Zooniverse's; the policy says from which hosts.
        is_of_subject = element.attributes.get("class") == "location"
        if element.tag in ("script", "img", "link", "source", "iframe") and not is_of_subject:
            source = element.attributes.get("src") or element.attributes.get("href", "")
            if "//" in source:
                yield f"<{element.tag}> loads {source}"
            if element.tag in ("script", "link") and not KEPT.fullmatch(source):
                yield f"<{element.tag}> loads {source}, which cannot be kept"


def _names(page: Element) -> Iterator[str]:
    for table in page.all("table"):
        if not any(caption.text for caption in table.all("caption")):
            yield "a table has no caption"
    if any("scope" not in each.attributes for each in page.all("th")):
        yield "a heading of a table does not say of what"
    for element in page.all("img", "svg"):
        if not {"alt", "aria-hidden", "aria-label"} & element.attributes.keys():
            yield f"<{element.tag}> has neither a text nor is it hidden"
    for element in page.all("a", "button"):
        if not (element.text or element.attributes.get("aria-label")):
            yield f"<{element.tag}> has no text"
    words = set(page.text.lower().replace(".", " ").replace(",", " ").split())
    for word in ABSENT_WORDS:
        if {word, f"{word}s"} & words:
            yield f"the page says {word!r}, which is not a word of the glossary"


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


@contextmanager
def in_thread(app: Flask) -> Iterator[str]:
    """Serves an application in a thread of the test; gives its base address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def under_gunicorn(config: Config, log: Path) -> Iterator[str]:
    """`caesar web` with the settings of `config`; gives its base address."""
    url = f"http://127.0.0.1:{_free_port()}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            lifeline.tied([sys.executable, "-m", "caesar_web", "web"]),
            cwd=ROOT,
            env={**settings_of(config), "PORT": url.rpartition(":")[2]},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not processes.answers(f"{url}/healthz"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"gunicorn does not start:\n{log.read_text(errors='replace')}")
            time.sleep(POLL_SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait()


def settings_of(config: Config) -> Mapping[str, str]:
    """The environment in which our commands find what `config` says."""
    ours = (
        "CAESAR_",
        "KINESIS_",
        "PANOPTES_",
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SENTRY_",
    )
    plain = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {
        **plain,
        "CAESAR_HOME": str(config.home),
        "DATABASE_URL": config.database_url,
        "REDIS_URL": config.redis_url,
        "PANOPTES_URL": config.panoptes_url,
        "PANOPTES_CLIENT_ID": config.panoptes_client_id,
        "PANOPTES_CLIENT_SECRET": config.panoptes_client_secret,
        "PANOPTES_PUBLIC_KEY": config.panoptes_public_key,
        "ENCRYPTION_KEYS": ",".join(config.encryption_keys),
        "KINESIS_STREAM_USERNAME": config.stream_username,
        "KINESIS_STREAM_PASSWORD": config.stream_password,
        "CAESAR_COMMIT_ID": config.commit_id,
        "CAESAR_LOG_FORMAT": config.log_format,
        "SENTRY_DSN": config.sentry_dsn,
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
