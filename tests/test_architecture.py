"""What holds the design together: imports, sizes, names, and a golden case for everything."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caesar_web.domain.conditions import SHAPES, parse
from caesar_web.domain.effects import ALIASES, EFFECTS
from caesar_web.domain.evaluation import EvaluationError, evaluate
from caesar_web.domain.extractors import EXTRACTORS
from caesar_web.domain.reducers import REDUCERS
from caesar_web.domain.scope import ReductionScope
from tests.domain.making import GOLDEN, golden

ROOT = Path(__file__).parent.parent
LONGEST_MODULE = 300
FORBIDDEN_WORDS = {"item", "record", "entity", "processor", "handler", "manager", "helper", "util"}
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("caesar_web", "tests", "bench", "lambda")
    for path in (ROOT / folder).rglob("*.py")
)


def test_modules_are_short() -> None:
    ours = [path for path in MODULES if path.parts[0] != "tests"]
    lengths = {str(path): len((ROOT / path).read_text("utf-8").splitlines()) for path in ours}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_modules_say_what_they_are_for() -> None:
    texts = {str(path): (ROOT / path).read_text("utf-8").strip() for path in MODULES}
    silent = [name for name, text in texts.items() if text and not text.startswith(('"""', "#!"))]
    assert silent == []


def test_modules_are_named_by_the_glossary() -> None:
    forbidden = FORBIDDEN_WORDS | {f"{word}s" for word in FORBIDDEN_WORDS} | {"entities"}
    named = [path for path in MODULES if forbidden & set(re.split(r"[_/.]", str(path)))]
    assert named == []


def test_imports_point_one_way() -> None:
    run = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    linted = subprocess.run(
        [*run, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("caesar_web.app, caesar_web.jobs.worker", {"panoptes_aggregation", "numpy", "sklearn"}),
        (
            "caesar_web.jobs.worker, caesar_web.core",
            {
                "caesar_web.web",
                "caesar_web.api",
                "caesar_web.access",
                "alembic",
                "graphql",
                "wtforms",
            },
        ),
        (
            "caesar_web.cli, caesar_web.commands.starting",
            {"caesar_web.core", "flask", "sqlalchemy"},
        ),
    ],
    ids=["the web server and workers", "a worker", "the command line"],
)
def test_no_process_has_more_than_it_needs(imported: str, absent: set[str]) -> None:
    looking = f"print({absent} & sys.modules.keys())"
    run = subprocess.run(
        [sys.executable, "-c", f"import {imported}, sys; {looking}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert run.stdout.strip() == "set()"


def _operators(condition: Any) -> Iterator[str]:
    operator, *rest = condition
    yield operator
    for operand in rest[SHAPES[operator].arguments :]:
        yield from _operators(operand)


CONDITIONS = [case for case in golden("conditions") if "error" not in case]


@pytest.mark.parametrize("operator", SHAPES)
def test_every_operator_has_a_golden_case_of_its_own(operator: str) -> None:
    assert [case for case in CONDITIONS if case["condition"][0] == operator]
    assert [case for case in CONDITIONS if operator in _operators(case["condition"])]


@pytest.mark.parametrize("operator", SHAPES)
def test_every_operator_can_be_evaluated(operator: str) -> None:
    shape = SHAPES[operator]
    keys = ["key", "fallback"][: shape.arguments]
    node = parse([operator, *keys, *[["const", 1]] * shape.fewest])
    with contextlib.suppress(EvaluationError):
        evaluate(node, ReductionScope({}))


@pytest.mark.parametrize("type_name", EXTRACTORS)
def test_every_extractor_type_has_golden_cases(type_name: str) -> None:
    assert [case for case in golden("extractors") if case["type"] == type_name and "data" in case]


@pytest.mark.parametrize("type_name", REDUCERS)
def test_every_reducer_type_has_golden_cases(type_name: str) -> None:
    assert [case for case in golden("reducers") if case["type"] == type_name]


@pytest.mark.parametrize("action", [*EFFECTS, *ALIASES])
def test_every_effect_has_golden_cases(action: str) -> None:
    assert [case for case in golden("effects") if case["action"] == action and "gives" in case]


NO_CASES = {"kinesis_example", "routes", "access"}  # what tells of itself
TABLES = sorted({path.stem for path in GOLDEN.glob("*.json")} - NO_CASES)


@pytest.mark.parametrize("table", TABLES)
def test_every_golden_case_says_why_in_one_line(table: str) -> None:
    reasons = [case["why"] for case in golden(table)]
    assert all(reason and "\n" not in reason for reason in reasons)
    assert len(reasons) == len(set(reasons))
