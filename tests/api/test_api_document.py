"""docs/api.md against the code: every route for programs is named, every example does something."""

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from caesar_web.core import ROOT
from tests.api.sample import routes
from tests.people import ALICE
from tests.served import script, three_projects
from tests.standin.server import StandinServer
from tests.test_docs import ROUTE

TEXT = (ROOT / "docs" / "api.md").read_text("utf-8")
EXAMPLES = re.findall(r"^ {4}curl .*\n(?: {5}.*\n)*", TEXT, re.MULTILINE)
MARK = re.compile(r"^ *curl\b", re.MULTILINE)


@pytest.fixture
def app(new_database: Callable[[str], str], standin: StandinServer) -> Iterator[Flask]:
    with three_projects(new_database("sqlite"), standin) as app:
        yield app


def curl() -> ArgumentParser:
    """What examples may use of curl."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("curl")
    parser.add_argument("address")
    parser.add_argument("-X", dest="method", default="GET")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    return parser


def run(app: Flask, token: str, example: str) -> TestResponse:
    """Does what an example does, with an application in place of a server."""
    text = example.replace("\\\n", " ").replace("$CAESAR", "").replace("$TOKEN", token)
    given = curl().parse_args(shlex.split(text))
    headers = dict(one.split(": ", 1) for one in given.headers)
    client = app.test_client(use_cookies=False)
    return client.open(given.address, method=given.method, headers=headers, data=given.body)


def test_every_route_for_programs_is_named(app: Flask) -> None:
    adapter = app.url_map.bind("127.0.0.1")
    named = set()
    for method, path in ROUTE.findall(TEXT):
        try:
            rule, _ = adapter.match(re.sub(r"\b(ID|KEY)\b", "1", path), method, return_rule=True)
        except HTTPException as problem:
            pytest.fail(f"{method} {path}: {problem}")
        named.add((rule.endpoint, rule.rule))
    known = {(route.rule.endpoint, route.rule.rule) for route in routes(app)}
    assert known - named == set()


def test_every_example_does_what_it_is_for(app: Flask, standin: StandinServer) -> None:
    """One after the other, as they build on each other."""
    assert len(EXAMPLES) == len(MARK.findall(TEXT)) > 10
    token = standin.token(ALICE)
    for example in EXAMPLES:
        response = run(app, token, example)
        assert 200 <= response.status_code < 300, f"{example}\n{response.text}"
        assert response.text != "[]", example
    (reduction,) = (
        script(app, standin, ALICE).get("/workflows/100/subjects/1001/reductions").get_json()
    )
    assert reduction["data"] == {"likelihood": 0.97}
