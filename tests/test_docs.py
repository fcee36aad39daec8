"""The documents against the code: settings, commands, routes, operators, dependencies, links."""

import json
import re
import runpy
import time
import tomllib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from caesar_web.access.permissions import PERMISSIONS
from caesar_web.app import create_app
from caesar_web.cli import PLACES, caesar
from caesar_web.config import DEMO_QUEUES, Config
from caesar_web.core import ROOT
from caesar_web.domain.conditions import SHAPES, parse
from caesar_web.domain.documents import read_document
from caesar_web.domain.effects import EFFECTS
from caesar_web.domain.evaluation import EvaluationError, evaluate
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.reducers import REDUCERS
from caesar_web.external.signing import signature
from caesar_web.standin.seed import seeded_world
from caesar_web.store.activity import SubjectAction
from caesar_web.store.db import db
from caesar_web.store.results import SubjectReduction
from tests.conftest import plain_config
from tests.domain.making import exactly, make_scope
from tests.factories import make_event, make_workflow
from tests.pipeline.steps import process, receive

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in DOCUMENTS}
EVERYTHING = "\n".join(TEXTS.values())
README, CONTRIBUTING = TEXTS["README.md"], TEXTS["CONTRIBUTING.md"]
CONDITIONS = TEXTS["docs/conditions.md"]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"(?:`|^ {4}(?:\S+[/ ])?|/bin/)caesar ((?:[a-z-]+ ?)+)", re.MULTILINE)
MAKE = re.compile(r"(?:`|^ {4})make ([a-z-]+)", re.MULTILINE)
ROUTE = re.compile(r"\b(GET|POST|PUT|DELETE) (/[\w/]*(?:\.json)?)")
PATH = re.compile(r"`(/[\w/]*)`")
ELSEWHERE = re.compile(r"https?://([\w.-]+)")


def settings_table() -> str:
    """The table of settings as it must stand in README.md."""
    rows = [
        f"| `{setting.metadata['variable']}` | {_default(setting.default)} | {_about(setting)} |"
        for setting in fields(Config)
    ]
    return "\n".join(["| variable | default | what it is |", "|---|---|---|", *rows])


def _default(default: Any) -> str:
    assert default is not MISSING
    text = (default and DEMO_QUEUES) if isinstance(default, tuple) else str(default)
    return f"`{text}`" if text else ""


def _about(setting: Any) -> str:
    about: str = setting.metadata["about"]
    return about


def blocks(text: str, kind: str) -> list[str]:
    return [body for found, body in BLOCK.findall(text) if found == kind]


def test_the_settings_are_those_of_the_code() -> None:
    assert settings_table() in README, f"README.md needs this table:\n{settings_table()}"


def test_the_sample_workflows_are_those_of_the_stand_in() -> None:
    world = seeded_world(classification_bound=1)
    named = re.findall(r"^\| (\d{3}) ([^|]+) \|", README, re.MULTILINE)
    assert named == [(str(one.id), one.display_name) for one in world.workflows.values()]


def commands(text: str) -> Iterator[list[str]]:
    for found in COMMAND.findall(text):
        yield found.split()


def test_every_command_exists() -> None:
    named = list(commands(EVERYTHING))
    assert len(named) > 10
    for words in named:
        command: click.Command = caesar
        while isinstance(command, click.Group) and words:
            found = command.get_command(click.Context(command), words[0])
            assert found, f"caesar {' '.join(words)}"
            command, words = found, words[1:]


def test_every_command_is_told_of() -> None:
    told = {words[0] for words in commands(EVERYTHING)}
    assert told == set(PLACES)


def test_every_target_of_make_exists_and_is_told_of() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    known = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    assert set(MAKE.findall(EVERYTHING)) - {"help"} == known


def test_every_route_exists_and_is_told_of() -> None:
    url_map = create_app(plain_config(database_url="sqlite://")).url_map
    adapter = url_map.bind("127.0.0.1")
    told = set()
    for method, path in ROUTE.findall(EVERYTHING):
        example = re.sub(r"\b(ID|KEY)\b", "1", path)
        try:
            rule, _ = adapter.match(example, method, return_rule=True)
        except HTTPException as problem:
            pytest.fail(f"{method} {path}: {problem}")
        told.add(rule.rule)
    known = {rule.rule for rule in url_map.iter_rules() if rule.endpoint != "static"}
    assert told == known


def test_every_path_that_is_named_exists() -> None:
    """Those that stand alone, without a method."""
    adapter = create_app(plain_config(database_url="sqlite://")).url_map.bind("127.0.0.1")
    named = [path for path in PATH.findall(TEXTS["docs/access.md"]) if path != "/"]
    assert len(named) > 3
    for path in named:
        adapter.match(path.replace("ID", "1"), "GET")


def test_what_operators_are_told_to_use_exists() -> None:
    """Commands and targets of make anywhere in the text, pages, settings and metrics."""
    text, app = TEXTS["docs/operations.md"], create_app(plain_config(database_url="sqlite://"))
    adapter = app.url_map.bind("127.0.0.1")
    for path in {path for path in PATH.findall(text) if path != "/"}:
        adapter.match(path.replace("ID", "1"), "GET")
    named = set(re.findall(r"`((?:[A-Z]+_)+[A-Z]+)[`=]", text))
    known = {setting.metadata["variable"] for setting in fields(Config)}
    assert len(named) > 10
    assert named - known == set()
    metrics = set(re.findall(r"\b(caesar_[a-z_]+)", text))
    assert len(metrics) > 7
    assert {name for name in metrics if f"`{name}`" not in TEXTS["docs/observing.md"]} == set()
    assert {words[0] for words in commands(text)} <= set(PLACES)
    assert len(list(commands(text))) > 5
    assert set(MAKE.findall(text)) == {"migrate", "test"}


@pytest.mark.parametrize(
    "what",
    [
        *("Nothing is processed", "A queue without workers", "Redis is away, or was wiped"),
        *("The database is away", "Panoptes is away", "A light is red", "Actions failed"),
        *("Effects are frozen", "Events are rejected", "Classifications were set aside"),
        *("A run is lost or failed", "Exports fail", "Jobs failed", "The disk is full"),
        *("Keys are rotated", "Upgrading and going back", "Back-ups"),
    ],
)
def test_what_can_go_wrong_has_a_section(what: str) -> None:
    section = TEXTS["docs/operations.md"].partition(f"\n## {what}\n")[2].partition("\n## ")[0]
    assert len(section) > 200


def test_every_alarm_has_an_answer() -> None:
    alarms = TEXTS["docs/observing.md"].partition("Worth an alarm")[2].partition("\n## ")[0]
    metrics = set(re.findall(r"\b(caesar_[a-z_]+)", alarms))
    assert len(metrics) > 7
    assert {name for name in metrics if name not in TEXTS["docs/operations.md"]} == set()


def permissions_table() -> str:
    """The table of permissions as it must stand in docs/access.md."""
    rows = [f"| {name} | {row.described()} |" for name, row in PERMISSIONS.items()]
    return "\n".join(["| to | who may |", "|---|---|", *rows])


def test_the_permissions_are_those_of_the_code() -> None:
    (table,) = re.findall(r"^\| to \|.*\n(?:\|.*\n)+", TEXTS["docs/access.md"], re.MULTILINE)
    assert table.rstrip("\n") == permissions_table()


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[\[<>=~]", one)[0] for one in needed}
    explained = re.findall(r"^- `([\w-]+)`: \S.{10,}", CONTRIBUTING, re.MULTILINE)
    assert sorted(explained) == sorted(names)


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_somewhere(name: str) -> None:
    for link in LINK.findall(TEXTS[name]):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if anchor:
            headings = HEADING.findall(target.read_text("utf-8"))
            assert anchor in map(_slug, headings), link


def _slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("name", TEXTS)
def test_documents_name_no_machine(name: str) -> None:
    hosts = set(ELSEWHERE.findall(TEXTS[name]))
    assert {host for host in hosts if host != "127.0.0.1" and "example.org" not in host} == set()
    assert not re.search(r"/(?:home|root|work|tmp|Users)/", TEXTS[name])


@pytest.mark.parametrize("name", TEXTS)
def test_lines_are_not_too_long_to_read(name: str) -> None:
    lines = TEXTS[name].splitlines()
    long = [line for line in lines if len(line) > 110 and not line.startswith("|")]
    assert long == []


def test_files_and_folders_that_are_named_exist() -> None:
    named = re.findall(r"`((?:caesar_web|tests|templates|static|deploy)/[\w./*]*)`", CONTRIBUTING)
    assert len(named) > 20
    absent = [path for path in named if not list(ROOT.glob(path.rstrip("/")))]
    assert absent == []


def test_json_is_json_and_configurations_are_accepted() -> None:
    configurations = [json.loads(body) for body in blocks(README, "json")]
    assert configurations
    for document in configurations:
        read_document(document)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_example_of_the_readme_does_what_it_says(app: Flask) -> None:
    (document,) = (json.loads(body) for body in blocks(README, "json"))
    with db.session.begin():
        make_workflow(db.session(), **document)
    for number in range(1, 8):
        receive([make_event(number, choice="LION")])
        process()
        (reduction,) = db.session.scalars(select(SubjectReduction)).all()
        actions = db.session.scalars(select(SubjectAction)).all()
        assert reduction.data == {"LION": number}
        assert len(actions) == (1 if number >= 5 else 0)
        db.session.remove()


def test_signatures_are_checked_as_the_page_says(tmp_path: Path) -> None:
    (code,) = (body for body in blocks(TEXTS["docs/pipeline.md"], "python") if "hmac" in body)
    (tmp_path / "check.py").write_text(code)
    check = runpy.run_path(str(tmp_path / "check.py"))["is_from_caesar"]
    now = int(time.time())
    assert check(signature("shared", b"{}", at=now), b"{}", "shared")
    assert not check(signature("other", b"{}", at=now), b"{}", "shared")
    assert not check(signature("shared", b"[]", at=now), b"{}", "shared")
    assert not check(signature("shared", b"{}", at=now - 301), b"{}", "shared")


@pytest.mark.parametrize("name", [*EXTRACTORS, *REDUCERS, *EFFECTS])
def test_every_type_is_named_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


SECTIONS = dict(
    re.findall(r"^### `([^`]+)`\n(.*?)(?=^##|\Z)", CONDITIONS, re.MULTILINE | re.DOTALL)
)
(DATA,) = (json.loads(body) for body in blocks(CONDITIONS, "json"))


def examples(section: str) -> list[tuple[str, str]]:
    lines = "".join(blocks(section, "conditions")).splitlines()
    return [(left, right) for left, _, right in (line.partition(" → ") for line in lines)]


def test_every_operator_has_a_heading() -> None:
    assert sorted(SECTIONS) == sorted(SHAPES)


@pytest.mark.parametrize("operator", SHAPES)
def test_every_operator_has_an_example_of_its_own(operator: str) -> None:
    firsts = [json.loads(condition)[0] for condition, _ in examples(SECTIONS[operator])]
    assert operator in firsts


@pytest.mark.parametrize(("condition", "value"), examples(CONDITIONS))
def test_every_example_is_true(condition: str, value: str) -> None:
    node = parse(json.loads(condition))
    if value.startswith("error: "):
        with pytest.raises(EvaluationError, match=f"^{re.escape(value.removeprefix('error: '))}$"):
            evaluate(node, make_scope(DATA))
    else:
        assert exactly(evaluate(node, make_scope(DATA))) == exactly(json.loads(value))
